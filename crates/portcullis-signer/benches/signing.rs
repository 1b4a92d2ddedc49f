//! What a signature costs, next to the AWS SDK's own signer.
//!
//! Bodies: 150 bytes, 8 kB (about 2,000 tokens) and 1 MB. `warm` has the day's key already, as nearly every request does;
//! `cold` derives it, as the SDK's signer does each time.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis_signer::{ClockOffset, SERVICE, Scope, SignableRequest, Signer};
use portcullis_types::{AwsCredentials, Region};

const HOST: &str = "aws-external-anthropic.us-west-2.api.aws";
const HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("anthropic-version", "2023-06-01"),
    ("anthropic-workspace-id", "wrkspc_01AbCdEf23GhIj"),
];
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn request(body: &[u8]) -> SignableRequest<'_> {
    SignableRequest {
        method: "POST",
        host: HOST,
        path: "/v1/messages",
        query: None,
        headers: HEADERS,
        body: portcullis_signer::SignableBody::Bytes(body),
    }
}

/// About as long as those that STS issues.
fn session_token() -> String {
    "IQoJb3JpZ2luX2VjEXAMPLE/".repeat(32)
}

fn sign_with_the_sdk(body: &[u8], identity: &Identity, at: SystemTime) -> usize {
    let params = SigningParams::builder()
        .identity(identity)
        .region("us-west-2")
        .name(SERVICE)
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .expect("all parameters are set")
        .into();
    let url = format!("https://{HOST}/v1/messages");
    let body = SignableBody::Bytes(body);
    let request = aws_sigv4::http_request::SignableRequest::new("POST", url, HEADERS.iter().copied(), body);
    let output = sign(request.expect("the URL is valid"), &params).expect("the request can be signed");
    output.signature().len()
}

fn signing(criterion: &mut Criterion) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800);
    let region: Region = "us-west-2".parse().expect("a region");
    let scope = Scope { region: &region, service: SERVICE };
    let credentials = AwsCredentials {
        access_key_id: "AKIDEXAMPLE".parse().expect("an access key id"),
        secret_access_key: SECRET.into(),
        session_token: Some(session_token().into()),
        expires_at: None,
    };
    let identity = Credentials::new("AKIDEXAMPLE", SECRET, Some(session_token()), None, "bench").into();
    let run = |signer: &Signer, body: &[u8], day: u64| {
        let at = at + Duration::from_secs(86_400 * day);
        let request = request(body);
        signer
            .sign(black_box(&request), &credentials, &scope, at, ClockOffset::NONE)
            .expect("it can be signed")
    };

    let mut group = criterion.benchmark_group("signing");
    for (name, length) in [("150B", 150), ("8kB", 8_000), ("1MB", 1_000_000)] {
        let body = vec![b'a'; length];
        group.throughput(Throughput::Bytes(length as u64));
        let warm = Signer::new();
        group.bench_with_input(BenchmarkId::new("warm", name), &body, |bencher, body| {
            bencher.iter(|| run(&warm, body, 0));
        });
        let cold = Signer::new();
        let mut day = 0;
        group.bench_with_input(BenchmarkId::new("cold", name), &body, |bencher, body| {
            bencher.iter(|| {
                day = (day + 1) % 2_000_000; // a day not seen for longer than the cache remembers
                run(&cold, body, day)
            });
        });
        group.bench_with_input(BenchmarkId::new("sdk", name), &body, |bencher, body| {
            bencher.iter(|| sign_with_the_sdk(black_box(body), &identity, at));
        });
    }
    group.finish();
}

criterion_group!(benches, signing);
criterion_main!(benches);
