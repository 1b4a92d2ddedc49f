//! Whom the engine believes about the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{
    BoxFuture, CredentialEngine, CredentialRequest, CredentialsError, EngineSettings, Source, SourceChain,
};
use portcullis_emulator::Emulator;
use portcullis_emulator::world::{EXTERNAL_ID, GATEWAY_SECRET_ACCESS_KEY, REGION, ROLE_ARN};
use portcullis_types::{AwsCredentials, Clock, ClockSkew, IntegrationId, Revision, SystemClock};

use crate::emulator::Gateway;
use crate::responder::{Reply, Responder};
use crate::wanted::{platform, subject};

fn engine(endpoint: &str) -> CredentialEngine {
    engine_of(endpoint, Arc::new(Gateway(GATEWAY_SECRET_ACCESS_KEY)))
}

fn engine_of(endpoint: &str, chain: Arc<dyn SourceChain>) -> CredentialEngine {
    let mut settings = EngineSettings::new(Arc::new(SystemClock));
    settings.sts_endpoint = Some(endpoint.to_owned());
    let sts = Arc::new(AwsSts::with_settings(&settings));
    CredentialEngine::with_settings(settings, chain, sts)
}

/// The gateway's user, whose credentials ended an hour ago, if this machine's clock is right.
#[derive(Debug)]
struct SeeminglyOver;

impl SourceChain for SeeminglyOver {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        Box::pin(async {
            let mut source = Gateway(GATEWAY_SECRET_ACCESS_KEY).find().await?;
            let mut credentials = AwsCredentials::clone(&source.credentials);
            credentials.expires_at = Some(SystemClock.now() - Duration::from_secs(3600));
            source.credentials = Arc::new(credentials);
            Ok(source)
        })
    }
}

/// A session for one integration, or for another of the same role.
async fn assume(
    engine: &CredentialEngine,
    integration: u64,
) -> Result<Arc<AwsCredentials>, CredentialsError> {
    engine
        .credentials(&CredentialRequest {
            integration: IntegrationId::generate(SystemTime::UNIX_EPOCH + Duration::from_secs(integration)),
            revision: Revision(1),
            platform: &platform(REGION, ROLE_ARN.parse().unwrap(), EXTERNAL_ID.parse().unwrap()),
            subject: subject(),
        })
        .await
}

/// An answer of STS that says it is so many seconds later than it is.
fn dated(status: u16, seconds: u64, body: &str) -> Vec<u8> {
    let date =
        DateTime::from(SystemClock.now() + Duration::from_secs(seconds)).fmt(Format::HttpDate).unwrap();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\nx-amzn-requestid: r\r\ndate: {date}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}

fn session() -> String {
    r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2999-11-22T13:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#.to_owned()
}

fn error(code: &str, message: &str) -> String {
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"#
    )
}

const A_THOUSAND_YEARS: u64 = 1000 * 365 * 86_400;

#[tokio::test]
async fn a_strange_date_ends_no_session() {
    let answers = [
        dated(200, A_THOUSAND_YEARS, &session()),
        dated(500, A_THOUSAND_YEARS, "oops"),
        dated(403, A_THOUSAND_YEARS, &error("AccessDenied", "no")),
        dated(400, 7200, &error("ExpiredToken", "The security token included in the request is expired")),
    ];
    let n_answered = AtomicUsize::new(0);
    let sts = Responder::start(move |_| {
        let n = n_answered.fetch_add(1, Ordering::SeqCst);
        Reply::Bytes(answers[n.min(answers.len() - 1)].clone())
    })
    .await;
    let engine = engine(&sts.endpoint);
    let first = assume(&engine, 1).await.unwrap();
    for other in 2..5 {
        assume(&engine, other).await.unwrap_err();
        assert_eq!(engine.skew().offset_seconds(), 0, "{other}");
    }
    assert!(sts.calls() >= 4);
    assert!(first.is_live(SystemClock.now()));
    assert_eq!(engine.stats().n_sessions, 1, "the session is still kept");
}

#[tokio::test]
async fn each_way_to_refuse_a_signature_for_its_time_is_answered_with_another() {
    for (code, message) in [
        ("SignatureDoesNotMatch", "Signature expired: 20261122T120000Z is now earlier than 20261122T130000Z"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20261122T140000Z is still later"),
        ("RequestExpired", "Request has expired."),
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
    ] {
        let n_answered = AtomicUsize::new(0);
        let sts = Responder::start(move |_| {
            Reply::Bytes(match n_answered.fetch_add(1, Ordering::SeqCst) {
                0 => dated(403, 7200, &error(code, message)),
                _ => dated(200, 7200, &session()),
            })
        })
        .await;
        let engine = engine(&sts.endpoint);
        assume(&engine, 1).await.unwrap();
        assert_eq!(sts.calls(), 2, "{code}: {message}");
        let learnt = engine.skew().offset_seconds();
        assert!((7195..=7205).contains(&learnt), "{code}: {learnt}");
    }
}

#[tokio::test]
async fn credentials_that_seem_expired_are_tried_until_aws_says_what_time_it_is() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = Emulator::builder().build().spawn(listener).unwrap();
    // This machine is two hours ahead: the credentials have an hour left.
    aws.set_clock_offset(-7200);
    let engine = engine_of(&aws.base_url(), Arc::new(SeeminglyOver));
    let session = assume(&engine, 1).await.unwrap();
    assert!(!session.is_live(SystemClock.now()), "by this machine's clock");
    assert!(engine.skew().is_measured());
    assume(&engine, 2).await.unwrap();

    // Once a signature is accepted, the clock is believed.
    aws.set_clock_offset(0);
    let engine = engine_of(&aws.base_url(), Arc::new(Gateway(GATEWAY_SECRET_ACCESS_KEY)));
    assume(&engine, 1).await.unwrap();
    let over = engine_with_skew(&aws.base_url(), engine.skew());
    assert_eq!(assume(&over, 1).await.unwrap_err().code(), "aws_source_unavailable");
}

/// An engine that knows how right the clock is, and whose own credentials seem to be over.
fn engine_with_skew(endpoint: &str, skew: Arc<ClockSkew>) -> CredentialEngine {
    let settings = EngineSettings { skew, ..EngineSettings::new(Arc::new(SystemClock)) };
    let sts = Arc::new(AwsSts::new(Some(endpoint.to_owned())));
    CredentialEngine::with_settings(settings, Arc::new(SeeminglyOver), sts)
}
