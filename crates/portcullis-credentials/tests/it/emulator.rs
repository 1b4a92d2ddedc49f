//! Against a stand-in for STS that verifies signatures and evaluates trust policies.

use std::sync::Arc;
use std::time::SystemTime;

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{
    BoxFuture, CredentialEngine, CredentialRequest, CredentialsError, Source, SourceChain, SourceFingerprint,
    SourceKind,
};
use portcullis_emulator::world::{
    EXTERNAL_ID, GATEWAY_ACCESS_KEY_ID, GATEWAY_ACCOUNT, GATEWAY_ARN, GATEWAY_SECRET_ACCESS_KEY, REGION,
    ROLE_ARN,
};
use portcullis_emulator::{Emulator, EmulatorHandle, StsMode};
use portcullis_types::{AwsCredentials, IntegrationId, Revision, SystemClock};
use tokio::net::TcpListener;

use crate::wanted::{platform, subject};

/// The gateway's user in the emulated AWS, with this secret.
#[derive(Debug)]
pub(crate) struct Gateway(pub(crate) &'static str);

impl SourceChain for Gateway {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let credentials = AwsCredentials {
            access_key_id: GATEWAY_ACCESS_KEY_ID.parse().unwrap(),
            secret_access_key: self.0.into(),
            session_token: None,
            expires_at: None,
        };
        let long_term_key = Some(credentials.access_key_id.clone());
        let fingerprint = SourceFingerprint { kind: SourceKind::Environment, account: None, long_term_key };
        let source = Source { credentials: Arc::new(credentials), fingerprint: Arc::new(fingerprint) };
        Box::pin(std::future::ready(Ok(source)))
    }
}

async fn aws() -> EmulatorHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Emulator::builder().build().spawn(listener).unwrap()
}

fn engine(aws: &EmulatorHandle, secret: &'static str) -> CredentialEngine {
    let sts = Arc::new(AwsSts::new(Some(aws.base_url())));
    CredentialEngine::with_parts(Arc::new(SystemClock), Arc::new(Gateway(secret)), sts)
}

async fn assume(
    engine: &CredentialEngine,
    role_arn: &str,
    external_id: &str,
) -> Result<Arc<AwsCredentials>, CredentialsError> {
    engine
        .credentials(&CredentialRequest {
            integration: IntegrationId::generate(SystemTime::UNIX_EPOCH),
            revision: Revision(1),
            platform: &platform(REGION, role_arn.parse().unwrap(), external_id.parse().unwrap()),
            subject: subject(),
        })
        .await
}

#[tokio::test]
async fn the_role_is_assumed_with_a_signature_that_holds() {
    let aws = aws().await;
    let engine = engine(&aws, GATEWAY_SECRET_ACCESS_KEY);
    let session = assume(&engine, ROLE_ARN, EXTERNAL_ID).await.unwrap();
    assert!(session.session_token.is_some() && session.expires_at.is_some());
    let seen = aws.requests();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].verified && seen[0].refusal.is_none(), "{:?}", seen[0]);
    assert_eq!(seen[0].external_id.as_deref(), Some(EXTERNAL_ID));
    assert_eq!(seen[0].session_name.as_deref(), Some("pcs-default-claude"));
    assert_eq!(seen[0].region.as_deref(), Some(REGION));
    let identity = engine.source_identity().await.unwrap();
    assert_eq!((&*identity.account, &*identity.arn), (GATEWAY_ACCOUNT, GATEWAY_ARN));
}

#[tokio::test]
async fn the_trust_policy_decides_and_its_refusal_is_explained() {
    let aws = aws().await;
    let engine = engine(&aws, GATEWAY_SECRET_ACCESS_KEY);
    let wrong_id = assume(&engine, ROLE_ARN, "somebody-elses-id").await.unwrap_err();
    let no_role = assume(&engine, "arn:aws:iam::123456789012:role/nobody", EXTERNAL_ID).await.unwrap_err();
    for error in [wrong_id, no_role] {
        assert_eq!(error.code(), "aws_assume_role_denied");
        assert!(error.to_string().contains("is not authorized to perform: sts:AssumeRole"), "{error}");
        assert!(error.explain().fix.unwrap().contains("external ID"));
    }
}

#[tokio::test]
async fn a_wrong_secret_of_the_gateway_itself_is_the_operators_matter() {
    let aws = aws().await;
    let error = assume(&engine(&aws, "hunter2"), ROLE_ARN, EXTERNAL_ID).await.unwrap_err();
    assert_eq!(error.code(), "aws_source_rejected");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn every_way_in_which_sts_fails_has_its_own_name() {
    let check = async |mode: StsMode, expected: &str| {
        let aws = aws().await;
        aws.set_sts_mode(mode);
        let error =
            assume(&engine(&aws, GATEWAY_SECRET_ACCESS_KEY), ROLE_ARN, EXTERNAL_ID).await.unwrap_err();
        assert_eq!(error.code(), expected, "{mode:?}: {error}");
    };
    check(StsMode::Throttling, "aws_sts_throttled").await;
    check(StsMode::Unavailable, "aws_sts_unavailable").await;
    check(StsMode::InternalFailure, "aws_sts_unavailable").await;
    check(StsMode::RegionDisabled, "aws_sts_region_disabled").await;
    check(StsMode::Garbage, "aws_sts_malformed_answer").await;
    check(StsMode::Truncated, "aws_sts_malformed_answer").await;
    check(StsMode::Incomplete, "aws_sts_malformed_answer").await;
    check(StsMode::Unreachable, "aws_sts_unavailable").await;
}

#[tokio::test]
async fn a_thousand_cold_callers_make_one_call_whatever_comes_of_it() {
    for mode in [StsMode::Ok, StsMode::Throttling, StsMode::Unavailable, StsMode::AccessDenied] {
        let aws = aws().await;
        aws.set_sts_mode(mode);
        let engine = engine(&aws, GATEWAY_SECRET_ACCESS_KEY);
        let integration = IntegrationId::generate(SystemTime::UNIX_EPOCH);
        let callers: Vec<_> = (0..1000)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    let platform = platform(REGION, ROLE_ARN.parse().unwrap(), EXTERNAL_ID.parse().unwrap());
                    let (revision, subject) = (Revision(1), subject());
                    let request = CredentialRequest { integration, revision, platform: &platform, subject };
                    engine.credentials(&request).await.is_ok()
                })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), mode == StsMode::Ok, "{mode:?}");
        }
        assert_eq!(aws.requests().len(), 1, "{mode:?}");
    }
}
