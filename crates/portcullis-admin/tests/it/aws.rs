//! What plays AWS for the control plane: a chain that finds an identity or none, and an STS that trusts whom a test says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use portcullis_credentials::verification::{
    ListedModels, PlatformCredentials, ProbeAnswer, ProbeFailure, ProbesPlatform,
};
use portcullis_credentials::{
    AssumeRole, AssumedRole, AssumesRoles, BoxFuture, CallerIdentity, CredentialsError, Explanation, Source,
    SourceChain, SourceFingerprint, SourceKind,
};
use portcullis_types::{AwsCredentials, ClaudePlatformAws, Region};
use tokio::sync::{Notify, RwLock};

/// Who the gateway is.
pub(crate) const GATEWAY_ARN: &str = "arn:aws:sts::111122223333:assumed-role/gateway/i-0123";

const OWN_KEY: &str = "ASIAEXAMPLE0000000001";
const ROLES_KEY: &str = "ASIAEXAMPLE0000000002";

/// Whom the roles trust.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trust {
    /// Whoever comes, whatever external ID he brings: a trust policy without the condition.
    Anybody,
    /// Who brings one of these external IDs.
    These(Vec<String>),
    /// Nobody can tell: STS is away.
    Nobody,
}

/// AWS, as far as the gateway's own identity and its roles go.
#[derive(Debug)]
pub(crate) struct FakeAws {
    pub(crate) trust: Mutex<Trust>,
    /// Whether the gateway finds an identity of its own.
    pub(crate) has_identity: Mutex<bool>,
    /// While it is held for writing, nobody is told which models there are.
    pub(crate) models: RwLock<()>,
    /// Told when somebody asks for them.
    pub(crate) asked_for_models: Notify,
    /// While it is held for writing, no role is assumed.
    pub(crate) sts: RwLock<()>,
    /// Told when somebody asks for one.
    pub(crate) asked_for_role: Notify,
}

impl FakeAws {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            trust: Mutex::new(Trust::Anybody),
            has_identity: Mutex::new(true),
            models: RwLock::default(),
            asked_for_models: Notify::new(),
            sts: RwLock::default(),
            asked_for_role: Notify::new(),
        })
    }

    pub(crate) fn trust(&self, trust: Trust) {
        *self.trust.lock().unwrap() = trust;
    }

    fn admits(&self, external_id: Option<&str>) -> bool {
        match &*self.trust.lock().unwrap() {
            Trust::Anybody => true,
            Trust::Nobody => false,
            Trust::These(ids) => external_id.is_some_and(|id| ids.iter().any(|known| known == id)),
        }
    }
}

/// Credentials that live so long from when a test begins.
fn credentials(access_key_id: &str, life: Duration) -> AwsCredentials {
    AwsCredentials {
        access_key_id: access_key_id.parse().unwrap(),
        secret_access_key: "canary-secret-of-aws".into(),
        session_token: Some("canary-token-of-aws".into()),
        expires_at: Some(UNIX_EPOCH + Duration::from_secs(1_795_348_800) + life),
    }
}

impl SourceChain for FakeAws {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let found = if *self.has_identity.lock().unwrap() {
            let fingerprint = SourceFingerprint {
                kind: SourceKind::InstanceMetadata,
                account: Some("111122223333".into()),
                long_term_key: None,
            };
            Ok(Source {
                credentials: Arc::new(credentials(OWN_KEY, Duration::from_secs(86_400))),
                fingerprint: Arc::new(fingerprint),
            })
        } else {
            Err(CredentialsError::SourceUnavailable(Explanation::new(
                "no providers in the chain provided any",
            )))
        };
        Box::pin(std::future::ready(found))
    }
}

impl AssumesRoles for FakeAws {
    fn assume_role<'a>(
        &'a self,
        _caller: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        let answer = if self.admits(call.external_id.as_ref().map(|id| id.as_str())) {
            Ok(AssumedRole {
                credentials: credentials(ROLES_KEY, Duration::from_secs(3600)),
                arn: Some(format!(
                    "arn:aws:sts::{}:assumed-role/{}/{}",
                    call.role_arn.account_id(),
                    call.role_arn.name(),
                    call.session_name
                )),
                packed_policy_percent: Some(30),
            })
        } else if *self.trust.lock().unwrap() == Trust::Nobody {
            Err(CredentialsError::StsUnavailable(Explanation::new("no answer")))
        } else {
            let message = format!(
                "User: {GATEWAY_ARN} is not authorized to perform: sts:AssumeRole on resource: {}",
                call.role_arn
            );
            let said = Explanation::new(&message).with_aws(Some("AccessDenied"), Some("aws-request-1"));
            Err(CredentialsError::AccessDenied(said))
        };
        Box::pin(async {
            if self.sts.try_read().is_err() {
                self.asked_for_role.notify_one();
            }
            let _answered = self.sts.read().await;
            answer
        })
    }

    fn caller_identity<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        _region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        let is_a_role = caller.access_key_id.as_str() == ROLES_KEY;
        let (account, arn) = if is_a_role {
            ("123456789012", "arn:aws:sts::123456789012:assumed-role/claude/session")
        } else {
            ("111122223333", GATEWAY_ARN)
        };
        let identity = CallerIdentity { account: account.into(), arn: arn.into() };
        Box::pin(std::future::ready(Ok(identity)))
    }
}

fn seen(evidence: &str) -> ProbeAnswer {
    ProbeAnswer { status: 200, evidence: evidence.into(), request_id: None, aws_request_id: None }
}

type Probed<'a, T> = BoxFuture<'a, Result<T, ProbeFailure>>;

/// A platform where everything is as it should be.
impl ProbesPlatform for FakeAws {
    fn resolve<'a>(&'a self, _platform: &'a ClaudePlatformAws) -> Probed<'a, ProbeAnswer> {
        Box::pin(std::future::ready(Ok(seen("it has an address"))))
    }

    fn get_workspace<'a>(
        &'a self,
        _platform: &'a ClaudePlatformAws,
        _credentials: PlatformCredentials<'a>,
    ) -> Probed<'a, ProbeAnswer> {
        Box::pin(std::future::ready(Ok(seen("it exists"))))
    }

    fn list_models<'a>(
        &'a self,
        _platform: &'a ClaudePlatformAws,
        _credentials: PlatformCredentials<'a>,
    ) -> Probed<'a, ListedModels> {
        let models = ListedModels { answer: seen("1 model"), ids: vec!["claude-haiku-4-5".into()] };
        Box::pin(async {
            self.asked_for_models.notify_one();
            let _told = self.models.read().await;
            Ok(models)
        })
    }

    fn count_tokens<'a>(
        &'a self,
        _platform: &'a ClaudePlatformAws,
        _credentials: PlatformCredentials<'a>,
        _model: &'a str,
    ) -> Probed<'a, ProbeAnswer> {
        Box::pin(std::future::ready(Ok(seen("8 tokens"))))
    }

    fn infer<'a>(
        &'a self,
        _platform: &'a ClaudePlatformAws,
        _credentials: PlatformCredentials<'a>,
        _model: &'a str,
    ) -> Probed<'a, ProbeAnswer> {
        Box::pin(std::future::ready(Ok(seen("1 token"))))
    }
}
