//! The standard chain. The environment belongs to a process, so each case runs in one of its own.

use std::future::Future;
use std::process::Stdio;
use std::sync::Arc;

use portcullis_credentials::{CredentialEngine, EngineSettings};
use portcullis_types::SystemClock;
use tokio::process::Command;

use crate::responder::{Reply, Responder, http};

const IDENTITY: &str = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/gateway</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#;
const WEB_IDENTITY: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>hunter2</SecretAccessKey><SessionToken>hunter2</SessionToken><Expiration>2999-11-22T13:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"#;
const CONTAINER: &str = r#"{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"hunter2","Token":"hunter2","Expiration":"2999-11-22T13:00:00Z"}"#;

/// STS, a container's endpoint and the instance metadata service in one.
async fn aws() -> Responder {
    Responder::start(|request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        Reply::Bytes(match path {
            "/container" => http(200, "application/json", CONTAINER),
            "/latest/api/token" => {
                let answer = http(200, "text/plain", "metadata-token");
                let ttl = b"HTTP/1.1 200 X\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n";
                [&ttl[..], &answer["HTTP/1.1 200 X\r\n".len()..]].concat()
            }
            _ if path.ends_with("/security-credentials/") => http(200, "text/plain", "gateway"),
            _ if path.contains("/security-credentials") => {
                let body = CONTAINER.replacen(
                    '{',
                    r#"{"Code":"Success","LastUpdated":"2026-11-22T12:00:00Z","Type":"AWS-HMAC","#,
                    1,
                );
                http(200, "application/json", &body)
            }
            _ if request.contains("Action=AssumeRoleWithWebIdentity") => http(200, "text/xml", WEB_IDENTITY),
            _ if request.contains("Action=GetCallerIdentity") => http(200, "text/xml", IDENTITY),
            _ => http(404, "text/plain", "no such thing"),
        })
    })
    .await
}

/// Runs the test named `name` of this very binary with only `variables` in its environment.
async fn in_a_process_of_its_own(name: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("PORTCULLIS_TEST_CHILD", "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    told
}

#[expect(clippy::disallowed_methods, reason = "how this test tells itself from its parent; no configuration")]
fn is_the_child() -> bool {
    std::env::var_os("PORTCULLIS_TEST_CHILD").is_some()
}

async fn report_who_the_gateway_is() {
    let settings = EngineSettings::new(Arc::new(SystemClock));
    let engine = CredentialEngine::from_environment(settings).await;
    match engine.source_identity().await {
        Ok(identity) => {
            println!("\nfound: {} {} {}", identity.kind, identity.arn, identity.expires_at.is_some());
        }
        Err(error) => println!("\nfailed: {} {error}", error.code()),
    }
}

/// Writes `text` to a file that lives as long as the returned folder.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[tokio::test]
async fn the_standard_chain_is_asked_in_full_and_says_where_it_found_what() {
    if is_the_child() {
        return report_who_the_gateway_is().await;
    }
    let name = "source::the_standard_chain_is_asked_in_full_and_says_where_it_found_what";
    let aws = aws().await;
    let check = async |variables: &[(&str, &str)], expected: &str| {
        let mut all = vec![
            ("AWS_ENDPOINT_URL_STS", &*aws.endpoint),
            ("AWS_REGION", "eu-central-1"),
            ("HOME", "/nonexistent"),
        ];
        if !variables.iter().any(|(name, _)| *name == "AWS_EC2_METADATA_SERVICE_ENDPOINT") {
            all.push(("AWS_EC2_METADATA_DISABLED", "true"));
        }
        all.extend_from_slice(variables);
        let told = in_a_process_of_its_own(name, &all).await;
        assert!(told.contains(expected), "expected {expected:?}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    };
    let gateway = "arn:aws:iam::123456789012:user/gateway";
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
    check(&keys, &format!("found: environment {gateway} false")).await;

    let (_folder, path) = file(
        "credentials",
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hunter2\n",
    );
    check(&[("AWS_SHARED_CREDENTIALS_FILE", &path)], &format!("found: profile {gateway} false")).await;

    let process = r#"echo '{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"hunter2","SessionToken":"hunter2","Expiration":"2999-11-22T13:00:00Z"}'"#;
    let (_folder, path) = file("config", &format!("[profile gateway]\ncredential_process = {process}\n"));
    let variables = [("AWS_CONFIG_FILE", &*path), ("AWS_PROFILE", "gateway"), ("PATH", "/usr/bin:/bin")];
    check(&variables, &format!("found: process {gateway} true")).await;

    let (_folder, path) = file("token", "hunter2.hunter2.hunter2");
    let variables =
        [("AWS_WEB_IDENTITY_TOKEN_FILE", &*path), ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gateway")];
    check(&variables, &format!("found: webIdentity {gateway} true")).await;

    let container = format!("{}/container", aws.endpoint);
    check(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container)], &format!("found: container {gateway} true"))
        .await;
    check(
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.endpoint)],
        &format!("found: instanceMetadata {gateway} true"),
    )
    .await;
    check(&[], "failed: aws_source_unavailable").await;
}

#[tokio::test]
async fn starting_needs_no_aws_and_waits_for_nothing() {
    // Nothing listens where this engine would look; it must not look.
    let started = tokio::time::Instant::now();
    let mut settings = EngineSettings::new(Arc::new(SystemClock));
    settings.sts_endpoint = Some("http://127.0.0.1:1".to_owned());
    let mut starting = Box::pin(CredentialEngine::from_environment(settings));
    let waker = std::task::Waker::noop();
    let first_poll = starting.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(first_poll.is_ready(), "it waits for something");
    assert!(started.elapsed() < std::time::Duration::from_millis(200));
}
