//! The standard chain. The environment belongs to a process, so each case runs in one of its own.

use std::future::Future;
use std::process::Stdio;
use std::sync::Arc;

use portcullis_credentials::{CredentialEngine, EngineSettings};
use portcullis_emulator::world::{
    CONTAINER_TOKEN, GATEWAY_ACCESS_KEY_ID, GATEWAY_ARN, GATEWAY_ROLE_ARN, GATEWAY_SECRET_ACCESS_KEY,
    SSO_ACCESS_TOKEN, WEB_IDENTITY_TOKEN,
};
use portcullis_emulator::{Emulator, EmulatorHandle};
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

/// Where single sign-on would begin, and under which name the SDK's command line keeps a token for it: its SHA-1.
const SSO_START_URL: &str = "https://sso.example.com/start";
const SSO_CACHE_NAME: &str = "9ad544bfa11b39c042ecaec2e1b51e4dfb5ec648.json";

async fn emulated_aws() -> EmulatorHandle {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Emulator::builder().build().spawn(listener).unwrap()
}

/// A home with single sign-on set up and signed in.
fn signed_in_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = format!(
        r#"{{"startUrl": "{SSO_START_URL}", "region": "us-west-2", "accessToken": "{SSO_ACCESS_TOKEN}", "expiresAt": "2999-11-22T13:00:00Z"}}"#
    );
    std::fs::write(cache.join(SSO_CACHE_NAME), token).unwrap();
    let profile = format!(
        "[default]\nsso_start_url = {SSO_START_URL}\nsso_region = us-west-2\nsso_account_id = 111122223333\nsso_role_name = portcullis-gateway-role\n"
    );
    std::fs::write(home.path().join(".aws/config"), profile).unwrap();
    home
}

/// The emulated AWS verifies the signature with whatever was found, and says whose it is.
#[tokio::test]
async fn credentials_of_every_kind_are_accepted_by_the_aws_that_gave_them() {
    if is_the_child() {
        return report_who_the_gateway_is().await;
    }
    let name = "source::credentials_of_every_kind_are_accepted_by_the_aws_that_gave_them";
    let aws = emulated_aws().await;
    let url = aws.base_url();
    let check = async |variables: &[(&str, &str)], kind: &str, arn: &str| {
        let mut all = vec![("AWS_ENDPOINT_URL_STS", &*url), ("AWS_REGION", "us-west-2")];
        if kind != "instanceMetadata" {
            all.push(("AWS_EC2_METADATA_DISABLED", "true"));
        }
        all.extend_from_slice(variables);
        let told = in_a_process_of_its_own(name, &all).await;
        assert!(told.contains(&format!("found: {kind} {arn}")), "{kind}: {told}");
    };
    let session_of = "arn:aws:sts::111122223333:assumed-role/portcullis-gateway-role/";
    let keys =
        [("AWS_ACCESS_KEY_ID", GATEWAY_ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", GATEWAY_SECRET_ACCESS_KEY)];
    check(&keys, "environment", GATEWAY_ARN).await;
    check(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)], "instanceMetadata", session_of).await;
    let container = format!("{url}/_credentials/container");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*container),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN),
    ];
    check(&variables, "container", session_of).await;
    let (_folder, token) = file("token", WEB_IDENTITY_TOKEN);
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", &*token), ("AWS_ROLE_ARN", GATEWAY_ROLE_ARN)];
    check(&variables, "webIdentity", session_of).await;
    let home = signed_in_home();
    let variables = [("HOME", home.path().to_str().unwrap()), ("AWS_ENDPOINT_URL_SSO", &*url)];
    check(&variables, "sso", session_of).await;
}

/// Tells of the identity twice, and changes what the chain finds in between.
async fn report_a_rotation() {
    let engine = CredentialEngine::from_environment(EngineSettings::new(Arc::new(SystemClock))).await;
    let before = engine.source().await.unwrap();
    let service_role = portcullis_types::AwsAuth::ServiceRole;
    rotate().await;
    let request = portcullis_credentials::CredentialRequest {
        integration: portcullis_types::IntegrationId::generate(std::time::SystemTime::UNIX_EPOCH),
        revision: portcullis_types::Revision(1),
        platform: &portcullis_types::ClaudePlatformAws {
            region: "us-west-2".parse().unwrap(),
            workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
            auth: service_role,
            features: portcullis_types::FeatureSet::default(),
        },
        subject: crate::wanted::subject(),
    };
    engine.forget(&request);
    let after = engine.source().await.unwrap();
    let is_new = before.credentials.access_key_id != after.credentials.access_key_id;
    println!("\nrotated: {} {is_new}", after.fingerprint.kind);
}

/// Puts another file in the place of the one that the chain reads, if the parent names both, and asks the parent to have
/// the emulated AWS end what it gave.
#[expect(clippy::disallowed_methods, reason = "how the parent tells this process what to change")]
async fn rotate() {
    if let (Ok(next), Ok(current)) =
        (std::env::var("PORTCULLIS_TEST_NEXT"), std::env::var("PORTCULLIS_TEST_CURRENT"))
    {
        std::fs::rename(next, current).unwrap();
    }
    if let Ok(flag) = std::env::var("PORTCULLIS_TEST_FLAG") {
        std::fs::write(&flag, "rotate").unwrap();
        while std::fs::read_to_string(&flag).unwrap() != "rotated" {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn whatever_the_source_its_rotation_is_noticed() {
    if is_the_child() {
        return report_a_rotation().await;
    }
    let name = "source::whatever_the_source_its_rotation_is_noticed";
    let aws = Arc::new(emulated_aws().await);
    let url = aws.base_url();
    let check = async |variables: &[(&str, &str)], kind: &str| {
        let (_folder, flag) = file("flag", "");
        let mut all = vec![("AWS_ENDPOINT_URL_STS", &*url), ("AWS_REGION", "us-west-2")];
        all.push(("PORTCULLIS_TEST_FLAG", &flag));
        if kind != "instanceMetadata" {
            all.push(("AWS_EC2_METADATA_DISABLED", "true"));
        }
        all.extend_from_slice(variables);
        let rotating = {
            let (aws, flag) = (Arc::clone(&aws), flag.clone());
            tokio::spawn(async move {
                while std::fs::read_to_string(&flag).unwrap() != "rotate" {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                aws.rotate_sources();
                std::fs::write(&flag, "rotated").unwrap();
            })
        };
        let told = in_a_process_of_its_own(name, &all).await;
        rotating.abort();
        assert!(told.contains(&format!("rotated: {kind} true")), "{kind}: {told}");
    };
    let profile =
        |key: &str| format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = hunter2\n");
    let (_folder, current) = file("credentials", &profile("AKIAIOSFODNN7EXAMPLE"));
    let (_other_folder, next) = file("next", &profile("AKIAI44QH8DHBEXAMPLE"));
    let files = [("PORTCULLIS_TEST_CURRENT", &*current), ("PORTCULLIS_TEST_NEXT", &*next)];
    check(&[&files[..], &[("AWS_SHARED_CREDENTIALS_FILE", &*current)]].concat(), "profile").await;

    let keys = |key: &str| {
        format!(
            r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"hunter2","SessionToken":"hunter2","Expiration":"2999-11-22T13:00:00Z"}}"#
        )
    };
    let (_folder, current) = file("keys", &keys("ASIAIOSFODNN7EXAMPLE"));
    let (_other_folder, next) = file("next", &keys("ASIAI44QH8DHBEXAMPLE"));
    let (_config_folder, config) =
        file("config", &format!("[default]\ncredential_process = /bin/cat {current}\n"));
    let files = [("PORTCULLIS_TEST_CURRENT", &*current), ("PORTCULLIS_TEST_NEXT", &*next)];
    let process = [("AWS_CONFIG_FILE", &*config), ("PATH", "/usr/bin:/bin")];
    check(&[&files[..], &process].concat(), "process").await;

    check(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)], "instanceMetadata").await;
    let container = format!("{url}/_credentials/container");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*container),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN),
    ];
    check(&variables, "container").await;
    let (_folder, token) = file("token", WEB_IDENTITY_TOKEN);
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", &*token), ("AWS_ROLE_ARN", GATEWAY_ROLE_ARN)];
    check(&variables, "webIdentity").await;
    let home = signed_in_home();
    let variables = [("HOME", home.path().to_str().unwrap()), ("AWS_ENDPOINT_URL_SSO", &*url)];
    check(&variables, "sso").await;
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
