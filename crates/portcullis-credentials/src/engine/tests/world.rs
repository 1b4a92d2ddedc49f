//! The scripted world of the engine's tests.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use portcullis_types::session::Metadata;
use portcullis_types::{
    AccessKeyId, AwsAuth, AwsCredentials, ClaudePlatformAws, Clock, FeatureSet, IntegrationId, Region,
    Revision, RoleSettings, SessionSubject, SharedClock,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Explanation;
use crate::source::SourceKind;
use crate::{
    AssumeRole, AssumedRole, AssumesRoles, BoxFuture, CallerIdentity, CredentialEngine, CredentialRequest,
    CredentialsError, EngineSettings, Source, SourceChain, SourceFingerprint,
};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A wall clock that goes with Tokio's, so that one `advance` moves both.
#[derive(Debug)]
pub(super) struct TokioClock(pub(super) Instant);

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800) + self.0.elapsed()
    }
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A session (or a source) that lives this long.
    Lives(Duration),
    /// The same, but it takes this long to come.
    LivesAfter(Duration, Duration),
    Fails(CredentialsError),
    Panics,
    Stalls,
}

/// Answers by its script, a little later, and counts.
#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) clock: SharedClock,
    pub(super) answer: Mutex<Answer>,
    pub(super) calls: AtomicUsize,
    pub(super) finished: AtomicUsize,
    /// As STS: every call with the access key id of its caller, and when it was.
    pub(super) seen: Mutex<Vec<(String, AssumeRole, Instant)>>,
    /// As STS: the longest session in seconds that the role allows.
    pub(super) longest: AtomicU32,
    /// As the chain: which long-term key is found. As STS: which one is not accepted.
    pub(super) long_term_key: Mutex<Option<&'static str>>,
}

impl Scripted {
    pub(super) fn new(clock: &SharedClock, answer: Answer) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            answer: Mutex::new(answer),
            calls: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            seen: Mutex::default(),
            longest: AtomicU32::new(43_200),
            long_term_key: Mutex::new(None),
        })
    }

    pub(super) fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn next(&self) -> Result<AwsCredentials, CredentialsError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = self.answer.lock().unwrap().clone();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let life = match answer {
            Answer::Lives(life) => life,
            Answer::LivesAfter(life, delay) => {
                tokio::time::sleep(delay).await;
                life
            }
            Answer::Fails(error) => return Err(error),
            Answer::Panics => panic!("as scripted"),
            Answer::Stalls => std::future::pending().await,
        };
        self.finished.fetch_add(1, Ordering::SeqCst);
        Ok(AwsCredentials {
            access_key_id: format!("ASIAEXAMPLE{call:08}").parse().unwrap(),
            secret_access_key: "hunter2-secret".into(),
            session_token: Some("hunter2-token".into()),
            expires_at: Some(self.clock.now() + life),
        })
    }
}

impl AssumesRoles for Scripted {
    fn assume_role<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        let caller_id = caller.access_key_id.as_str().to_owned();
        self.seen.lock().unwrap().push((caller_id, call.clone(), Instant::now()));
        Box::pin(async {
            let session = self.next().await?;
            if call.duration.seconds() > self.longest.load(Ordering::SeqCst) {
                return Err(CredentialsError::DurationTooLong(Explanation::new(
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                )));
            }
            let rejected = *self.long_term_key.lock().unwrap();
            if rejected == Some(caller.access_key_id.as_str()) {
                return Err(CredentialsError::SourceRejected(Explanation::new("no such key")));
            }
            Ok(AssumedRole { credentials: session, arn: None, packed_policy_percent: None })
        })
    }

    fn caller_identity<'a>(
        &'a self,
        _: &'a AwsCredentials,
        _: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        Box::pin(async {
            self.next().await?;
            let arn = "arn:aws:sts::123456789012:assumed-role/gateway/pod".to_owned();
            Ok(CallerIdentity { account: "123456789012".to_owned(), arn })
        })
    }
}

impl SourceChain for Scripted {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        Box::pin(async {
            let mut credentials = self.next().await?;
            let long_term_key: Option<AccessKeyId> =
                self.long_term_key.lock().unwrap().map(|key| key.parse().unwrap());
            if let Some(key) = &long_term_key {
                credentials.access_key_id = AccessKeyId::clone(key);
                credentials.expires_at = None;
            }
            let kind =
                if long_term_key.is_some() { SourceKind::Environment } else { SourceKind::WebIdentity };
            let fingerprint = SourceFingerprint { kind, account: None, long_term_key };
            Ok(Source { credentials: Arc::new(credentials), fingerprint: Arc::new(fingerprint) })
        })
    }
}

pub(super) struct World {
    pub(super) clock: SharedClock,
    pub(super) chain: Arc<Scripted>,
    pub(super) sts: Arc<Scripted>,
    pub(super) engine: CredentialEngine,
}

pub(super) fn world() -> World {
    world_with(|_| ())
}

pub(super) fn world_with(adjust: impl FnOnce(&mut EngineSettings)) -> World {
    let clock: SharedClock = Arc::new(TokioClock(Instant::now()));
    let chain = Scripted::new(&clock, Answer::Lives(12 * HOUR));
    let sts = Scripted::new(&clock, Answer::Lives(HOUR));
    let mut settings = EngineSettings::new(Arc::clone(&clock));
    adjust(&mut settings);
    let engine = CredentialEngine::with_settings(settings, chain.clone(), sts.clone());
    World { clock, chain, sts, engine }
}

/// A request that owns its parts.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) integration: u128,
    pub(super) revision: i64,
    pub(super) platform: ClaudePlatformAws,
    pub(super) workspace: String,
    pub(super) user: Option<String>,
    pub(super) metadata: Option<Metadata>,
}

impl Wanted {
    pub(super) fn role() -> Self {
        Self::of(1, 1, "us-west-2", "claude", "pcs-acme", "pcs-default-claude")
    }

    pub(super) fn of(
        integration: u128,
        revision: i64,
        region: &str,
        role: &str,
        external_id: &str,
        name: &str,
    ) -> Self {
        let role_arn = format!("arn:aws:iam::123456789012:role/{role}").parse().unwrap();
        Self {
            integration,
            revision,
            platform: ClaudePlatformAws {
                region: region.parse().unwrap(),
                workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
                auth: AwsAuth::AssumedRole {
                    role_arn,
                    external_id: external_id.parse().unwrap(),
                    settings: Arc::default(),
                },
                features: FeatureSet::default(),
            },
            workspace: name.to_owned(),
            user: None,
            metadata: None,
        }
    }

    /// The same with these settings of its role.
    pub(super) fn settings(mut self, json: serde_json::Value) -> Self {
        let AwsAuth::AssumedRole { settings, .. } = &mut self.platform.auth else { panic!("no role") };
        *settings = Arc::new(serde_json::from_value::<RoleSettings>(json).unwrap());
        self
    }

    /// The same, asked for by this person.
    pub(super) fn by(&self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self.clone() }
    }

    /// The same with this of the caller's own.
    pub(super) fn saying(&self, name: &str, value: &str) -> Self {
        Self { metadata: Some(Metadata::from_iter([(name, value)])), ..self.clone() }
    }

    pub(super) fn with(mut self, auth: AwsAuth) -> Self {
        self.platform.auth = auth;
        self
    }

    pub(super) fn request(&self) -> CredentialRequest<'_> {
        CredentialRequest {
            integration: IntegrationId::from_uuid(Uuid::from_u128(self.integration)),
            revision: Revision(self.revision),
            platform: &self.platform,
            subject: SessionSubject {
                organisation: "acme",
                workspace: &self.workspace,
                integration: "claude",
                key: None,
                user: self.user.as_deref(),
                metadata: self.metadata.as_ref(),
            },
        }
    }
}

impl World {
    pub(super) async fn ask(&self, wanted: &Wanted) -> Result<Arc<AwsCredentials>, CredentialsError> {
        self.engine.credentials(&wanted.request()).await
    }

    pub(super) async fn a_thousand(
        &self,
        wanted: &Wanted,
    ) -> Vec<Result<Arc<AwsCredentials>, CredentialsError>> {
        let callers: Vec<_> = (0..1000)
            .map(|_| {
                let (engine, wanted) = (self.engine.clone(), wanted.clone());
                tokio::spawn(async move { engine.credentials(&wanted.request()).await })
            })
            .collect();
        let mut answers = Vec::new();
        for caller in callers {
            answers.push(caller.await.unwrap());
        }
        answers
    }
}

pub(super) fn unavailable() -> CredentialsError {
    CredentialsError::StsUnavailable(Explanation::new("connection refused"))
}

pub(super) fn denied() -> CredentialsError {
    let said = "User: arn:aws:iam::123456789012:user/gateway is not authorized to perform: sts:AssumeRole";
    CredentialsError::AccessDenied(Explanation::new(said).with_aws(Some("AccessDenied"), Some("req-1")))
}

/// Lets every task that can run do so, and every call in the air land.
pub(super) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}
