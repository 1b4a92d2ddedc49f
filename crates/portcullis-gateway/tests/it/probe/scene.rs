//! An emulated AWS, a verifier before it, and how a verdict is read.

use std::sync::Arc;
use std::time::Duration;

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::verification::{ExternalIdProof, Step, StepReport, Verdict, VerificationSubject};
use portcullis_credentials::{
    BoxFuture, CredentialEngine, CredentialsError, Source, SourceChain, SourceFingerprint, SourceKind,
    Verifier, VerifyOptions,
};
use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{
    EXTERNAL_ID, GATEWAY_ACCESS_KEY_ID, GATEWAY_SECRET_ACCESS_KEY, REGION, ROLE_ARN, Role, WORKSPACE_ID,
    World,
};
use portcullis_emulator::{Emulator, EmulatorHandle};
use portcullis_gateway::{GatewaySettings, PlatformProbe};
use portcullis_types::{
    ApiKeyHeader, AwsAuth, AwsCredentials, ClaudePlatformAws, FeatureSet, RoleSettings, SharedClock,
    SystemClock,
};
use tokio::net::TcpListener;

/// The gateway's user in the emulated AWS.
#[derive(Debug)]
pub(crate) struct Gateway;

impl SourceChain for Gateway {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let credentials = AwsCredentials {
            access_key_id: GATEWAY_ACCESS_KEY_ID.parse().unwrap(),
            secret_access_key: GATEWAY_SECRET_ACCESS_KEY.into(),
            session_token: None,
            expires_at: None,
        };
        let long_term_key = Some(credentials.access_key_id.clone());
        let fingerprint = SourceFingerprint { kind: SourceKind::Environment, account: None, long_term_key };
        let source = Source { credentials: Arc::new(credentials), fingerprint: Arc::new(fingerprint) };
        Box::pin(std::future::ready(Ok(source)))
    }
}

pub(super) struct Scene {
    pub(super) aws: EmulatorHandle,
    pub(super) verifier: Verifier,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut World)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let aws = Emulator::builder().build().spawn(listener).unwrap();
        aws.change_world(change);
        let base = aws.base_url();
        let verifier = verifier(&base, &base);
        Self { aws, verifier }
    }

    pub(super) async fn verify(&self, auth: AwsAuth) -> Verdict {
        self.verify_as(VerificationSubject { ..subject(auth) }).await
    }

    pub(super) async fn verify_as(&self, subject: VerificationSubject) -> Verdict {
        let options =
            VerifyOptions { inference: true, patience: Duration::ZERO, before: ExternalIdProof::Enforced };
        self.verifier.verdict(&subject, options).await
    }
}

pub(super) fn verifier(sts: &str, platform: &str) -> Verifier {
    let clock: SharedClock = Arc::new(SystemClock);
    let sts = Arc::new(AwsSts::new(Some(sts.to_owned())));
    let engine = CredentialEngine::with_parts(Arc::clone(&clock), Arc::new(Gateway), sts);
    let settings = GatewaySettings { upstream_base: platform.parse().unwrap(), ..GatewaySettings::default() };
    let probe = PlatformProbe::new(&settings, Arc::clone(&clock), engine.skew()).unwrap();
    Verifier::new(engine, Arc::new(probe), clock)
}

pub(super) fn subject(auth: AwsAuth) -> VerificationSubject {
    VerificationSubject {
        platform: ClaudePlatformAws {
            region: REGION.parse().unwrap(),
            workspace_id: WORKSPACE_ID.parse().unwrap(),
            auth,
            features: FeatureSet::default(),
        },
        organisation: "acme".to_owned(),
        workspace: "default".to_owned(),
        integration: "claude".to_owned(),
    }
}

pub(super) fn role() -> AwsAuth {
    role_with(RoleSettings::default())
}

pub(super) fn role_with(settings: RoleSettings) -> AwsAuth {
    AwsAuth::AssumedRole {
        role_arn: ROLE_ARN.parse().unwrap(),
        external_id: EXTERNAL_ID.parse().unwrap(),
        settings: Arc::new(settings),
    }
}

pub(super) fn api_key(key: &str, header: ApiKeyHeader) -> AwsAuth {
    AwsAuth::ApiKey { key: key.into(), header }
}

pub(super) fn settings(json: serde_json::Value) -> RoleSettings {
    serde_json::from_value(json).unwrap()
}

pub(super) fn policy(document: serde_json::Value) -> Policy {
    document.try_into().unwrap()
}

pub(super) fn customers_role(world: &mut World) -> &mut Role {
    world.roles.get_mut("portcullis-claude").unwrap()
}

pub(super) fn step(verdict: &Verdict, step: Step) -> &StepReport {
    verdict.steps.iter().find(|report| report.step == step).unwrap()
}

/// `passed`, `failed upstream_unreachable` and so on, for each step.
pub(super) fn shown(verdict: &Verdict) -> Vec<String> {
    let show = |report: &StepReport| {
        let status = serde_json::to_value(report.status).unwrap();
        let code = report.code.map(|code| format!(" {code}")).unwrap_or_default();
        format!("{}: {}{code}", report.step, status.as_str().unwrap())
    };
    verdict.steps.iter().map(show).collect()
}

/// What is wrong: this step, with this code, and a fix that says this; the steps before it are well.
#[track_caller]
pub(super) fn assert_fails(verdict: &Verdict, at: Step, code: &str, fix: &str) {
    let failed = verdict.first_failure().unwrap_or_else(|| panic!("nothing failed: {:?}", shown(verdict)));
    assert_eq!((failed.step, failed.code), (at, Some(code)), "{:#?}", verdict.steps);
    assert!(failed.cause.is_some(), "{failed:?}");
    let said = failed.fix.as_deref().unwrap_or_default();
    assert!(said.contains(fix), "the fix should say `{fix}`: {said}");
}
