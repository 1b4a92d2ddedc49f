//! `AssumeRole` through the AWS SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{
    BoxFuture, CredentialEngine, CredentialRequest, CredentialsError, Source, SourceChain, SourceFingerprint,
    SourceKind,
};
use portcullis_types::{AwsCredentials, ExternalId, IntegrationId, Revision, SystemClock};

use crate::responder::{Reply, Responder, http};
use crate::wanted::{platform, subject};

const XML: &str = "text/xml";

#[derive(Debug)]
struct FixedChain;

impl SourceChain for FixedChain {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let credentials = AwsCredentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret_access_key: "hunter2-source".into(),
            session_token: Some("hunter2-source-token".into()),
            expires_at: None,
        };
        let fingerprint = SourceFingerprint { kind: SourceKind::Other, account: None, long_term_key: None };
        let source = Source { credentials: Arc::new(credentials), fingerprint: Arc::new(fingerprint) };
        Box::pin(std::future::ready(Ok(source)))
    }
}

fn engine(endpoint: &str) -> CredentialEngine {
    let sts = Arc::new(AwsSts::new(Some(endpoint.to_owned())));
    CredentialEngine::with_parts(Arc::new(SystemClock), Arc::new(FixedChain), sts)
}

async fn assume(engine: &CredentialEngine) -> Result<Arc<AwsCredentials>, CredentialsError> {
    assume_with(engine, "pcs-acme").await
}

async fn assume_with(
    engine: &CredentialEngine,
    external_id: &str,
) -> Result<Arc<AwsCredentials>, CredentialsError> {
    let external_id: ExternalId = external_id.parse().unwrap();
    let role_arn = "arn:aws:iam::123456789012:role/team/claude".parse().unwrap();
    engine
        .credentials(&CredentialRequest {
            integration: IntegrationId::generate(SystemTime::UNIX_EPOCH),
            revision: Revision(1),
            platform: &platform("eu-central-1", role_arn, external_id),
            subject: subject(),
        })
        .await
}

fn session_xml(credentials: &str) -> String {
    format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/claude/pcs-default-claude</Arn><AssumedRoleId>AROAEXAMPLE:pcs-default-claude</AssumedRoleId></AssumedRoleUser>{credentials}</AssumeRoleResult><ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata></AssumeRoleResponse>"#
    )
}

fn error_xml(code: &str, message: &str) -> String {
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>"#
    )
}

const KEY: &str = "<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>";
const SECRET: &str = "<SecretAccessKey>hunter2-session</SecretAccessKey>";
const TOKEN: &str = "<SessionToken>hunter2-session-token</SessionToken>";
const EXPIRATION: &str = "<Expiration>2999-11-22T13:00:00Z</Expiration>";

fn whole_session() -> String {
    session_xml(&format!("<Credentials>{KEY}{SECRET}{TOKEN}{EXPIRATION}</Credentials>"))
}

#[tokio::test]
async fn a_role_is_assumed_with_everything_that_was_asked_for() {
    let sts = Responder::start(|request| {
        for part in [
            "Action=AssumeRole",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fteam%2Fclaude",
            "ExternalId=pcs-acme",
            "RoleSessionName=pcs-default-claude",
            "DurationSeconds=3600",
            "Credential=AKIAIOSFODNN7EXAMPLE/",
            "/eu-central-1/sts/aws4_request",
            "x-amz-security-token: hunter2-source-token",
        ] {
            if !request.contains(part) {
                return Reply::Bytes(http(400, XML, &error_xml("ValidationError", &format!("no {part}"))));
            }
        }
        Reply::Bytes(http(200, XML, &whole_session()))
    })
    .await;
    let session = assume(&engine(&sts.endpoint)).await.unwrap();
    assert_eq!(session.access_key_id.as_str(), "ASIAIOSFODNN7EXAMPLE");
    assert_eq!(session.expose_secret_access_key(), "hunter2-session");
    assert_eq!(session.expose_session_token(), Some("hunter2-session-token"));
    let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(32_500_270_800);
    assert_eq!(session.expires_at, Some(expires_at));
}

async fn check(answer: Vec<u8>, expected: &str, most_calls: usize) {
    let shown = String::from_utf8_lossy(&answer[..answer.len().min(300)]).into_owned();
    let sts = Responder::start(move |_| Reply::Bytes(answer.clone())).await;
    let engine = engine(&sts.endpoint);
    let error = assume(&engine).await.unwrap_err();
    assert_eq!(error.code(), expected, "{error} for {shown}");
    assert!((1..=most_calls).contains(&sts.calls()), "{} calls for {shown}", sts.calls());
    let told = format!("{error} {error:?} {engine:?}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn answers_that_make_no_sense_are_errors_and_leave_nothing_behind() {
    let whole = http(200, XML, &whole_session());
    let malformed = "aws_sts_malformed_answer";
    check(http(200, XML, "not xml at all <<<&"), malformed, 2).await;
    check(http(200, XML, ""), malformed, 2).await;
    check(http(200, "text/html", "<html><body>Sign in to the hotel's network</body></html>"), malformed, 2)
        .await;
    check(http(200, "application/json", r#"{"AccessKeyId":"hunter2"}"#), malformed, 2).await;
    check(http(200, XML, &session_xml("")), malformed, 2).await;
    for left_out in 0..4 {
        let mut fields = [KEY, SECRET, TOKEN, EXPIRATION];
        fields[left_out] = "";
        let body = session_xml(&format!("<Credentials>{}</Credentials>", fields.concat()));
        check(http(200, XML, &body), malformed, 2).await;
    }
    let stale = whole_session().replace("2999-", "2001-");
    check(http(200, XML, &stale), malformed, 2).await;
    check(http(200, XML, &whole_session().replace("2999-11-22T13:00:00Z", "soon")), malformed, 2).await;
    check(http(200, XML, &"x".repeat(10 << 20)), malformed, 2).await;
    // Cut off in the middle of what `content-length` promised, or before anything.
    check(whole[..whole.len() - 200].to_vec(), malformed, 2).await;
    check(b"HTTP/1.1 2".to_vec(), "aws_sts_unavailable", 2).await;
    check(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "aws_sts_unavailable", 2).await;
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_is_an_error_and_leaves_no_half_session() {
    let length = Arc::new(AtomicUsize::new(0));
    let cut = Arc::clone(&length);
    let server = Responder::start(move |_| {
        let body = whole_session();
        Reply::Bytes(http(200, XML, &body[..cut.load(Ordering::SeqCst)]))
    })
    .await;
    let engine = engine(&server.endpoint);
    let whole = whole_session();
    for cut in 0..=whole.len() {
        length.store(cut, Ordering::SeqCst);
        match assume_with(&engine, &format!("cut-{cut}")).await {
            Ok(session) => {
                assert_eq!(cut, whole.len(), "a session from a part of the answer");
                assert_eq!(session.expose_session_token(), Some("hunter2-session-token"));
                assert_eq!(session.expose_secret_access_key(), "hunter2-session");
            }
            Err(error) => {
                assert!(cut < whole.len(), "{error}");
                assert_eq!(error.code(), "aws_sts_malformed_answer", "{cut}: {error}");
                assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn refusals_keep_their_meaning_and_their_words() {
    let refusal = |status, code, message| http(status, XML, &error_xml(code, message));
    check(refusal(403, "AccessDenied", "no"), "aws_assume_role_denied", 1).await;
    check(refusal(403, "RegionDisabledException", "no"), "aws_sts_region_disabled", 1).await;
    check(refusal(400, "PackedPolicyTooLarge", "110%"), "aws_packed_policy_too_large", 1).await;
    check(refusal(400, "Throttling", "Rate exceeded"), "aws_sts_throttled", 2).await;
    check(refusal(400, "ExpiredTokenException", "expired"), "aws_source_rejected", 4).await;
    check(refusal(403, "InvalidClientTokenId", "invalid"), "aws_source_rejected", 4).await;
    let too_long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    check(refusal(400, "ValidationError", too_long), "aws_session_duration_refused", 3).await;
    check(http(500, XML, "<oops"), "aws_sts_unavailable", 2).await;
    check(http(503, "text/html", "<html>busy</html>"), "aws_sts_unavailable", 2).await;
    check(http(429, XML, ""), "aws_sts_throttled", 2).await;
    check(http(403, "text/html", "<html>blocked by a proxy</html>"), "aws_sts_malformed_answer", 1).await;
}

#[tokio::test]
async fn a_wrong_external_id_is_denied_with_advice() {
    let said = "User: arn:aws:iam::111122223333:user/gateway is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/team/claude";
    let sts = Responder::start(move |request| {
        Reply::Bytes(if request.contains("ExternalId=pcs-acme") {
            http(200, XML, &whole_session())
        } else {
            http(403, XML, &error_xml("AccessDenied", said))
        })
    })
    .await;
    let engine = engine(&sts.endpoint);
    let error = assume_with(&engine, "pcs-mallory").await.unwrap_err();
    assert_eq!(error.code(), "aws_assume_role_denied");
    assert_eq!(&*error.explanation().message, said);
    assert_eq!(error.explanation().aws_code.as_deref(), Some("AccessDenied"));
    assert_eq!(error.explanation().request_id.as_deref(), Some("c6104cbe-af31-11e0-8154-cbc7ccf896c7"));
    let fix = error.explain().fix.unwrap();
    assert!(fix.contains("external ID"), "{fix}");
    assume(&engine).await.unwrap();
}

#[tokio::test]
async fn an_sts_that_is_not_there_or_says_nothing_is_unavailable() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    assert_eq!(assume(&engine(&endpoint)).await.unwrap_err().code(), "aws_sts_unavailable");

    let silent = Responder::start(|_| Reply::Stall).await;
    let started = tokio::time::Instant::now();
    assert_eq!(assume(&engine(&silent.endpoint)).await.unwrap_err().code(), "aws_sts_unavailable");
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    assert!(silent.calls() <= 2);
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_an_error_and_no_panic() {
    let error = assume(&engine("not a url")).await.unwrap_err();
    assert!(["aws_sts_invalid_request", "aws_sts_unavailable"].contains(&error.code()), "{error}");
}
