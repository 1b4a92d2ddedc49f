//! Whom the engine believes about the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{CredentialEngine, CredentialRequest, CredentialsError, EngineSettings};
use portcullis_emulator::world::{EXTERNAL_ID, GATEWAY_SECRET_ACCESS_KEY, REGION, ROLE_ARN};
use portcullis_types::{AwsCredentials, Clock, IntegrationId, Revision, SystemClock};

use crate::emulator::Gateway;
use crate::responder::{Reply, Responder};
use crate::wanted::{platform, subject};

fn engine(endpoint: &str) -> CredentialEngine {
    let mut settings = EngineSettings::new(Arc::new(SystemClock));
    settings.sts_endpoint = Some(endpoint.to_owned());
    let sts = Arc::new(AwsSts::with_settings(&settings));
    CredentialEngine::with_settings(settings, Arc::new(Gateway(GATEWAY_SECRET_ACCESS_KEY)), sts)
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
