//! Random requests: odd paths, repeated queries, other scripts, blanks, empty and binary bodies.

use std::time::{Duration, SystemTime};

use portcullis_signer::{Scope, SignableBody, SignableRequest, WORKSPACE_HEADER};
use portcullis_types::{AwsCredentials, Region};
use proptest::prelude::*;

/// How many requests a property is tried on: 2,000, or 100,000 in the long run.
pub(crate) fn config() -> ProptestConfig {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, not the product's configuration")]
    let is_long = std::env::var("PORTCULLIS_LONG_TESTS").is_ok_and(|value| value == "1");
    ProptestConfig { cases: if is_long { 100_000 } else { 2_000 }, ..ProptestConfig::default() }
}

/// A request that owns its parts, with what signs it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) region: Region,
    pub(crate) service: String,
    pub(crate) credentials: AwsCredentials,
    pub(crate) at: SystemTime,
}

pub(crate) const HOST: &str = "aws-external-anthropic.us-west-2.api.aws";

impl Case {
    pub(crate) fn borrowed_headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(crate) fn request<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> SignableRequest<'a> {
        SignableRequest {
            method: &self.method,
            host: HOST,
            path: &self.path,
            query: self.query.as_deref(),
            headers,
            body: SignableBody::Bytes(&self.body),
        }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { region: &self.region, service: &self.service }
    }
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let line = (
        prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH"]),
        paths(),
        prop::option::of(queries()),
        headers(),
        prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..300)],
    );
    let signing = (
        prop::sample::select(vec!["us-west-2", "eu-central-1", "ap-southeast-7", "us-gov-west-1"]),
        prop::sample::select(vec!["aws-external-anthropic", "sts", "execute-api"]),
        "[A-Z0-9]{16,20}",
        "[A-Za-z0-9/+]{40}",
        prop::option::of("[A-Za-z0-9/+=]{1,400}"),
        0..4_000_000_000_u64,
    );
    (line, signing).prop_map(|((method, path, query, headers, body), signing)| {
        let (region, service, id, secret, token, seconds) = signing;
        Case {
            method: method.into(),
            path,
            query,
            headers,
            body,
            region: region.parse().unwrap(),
            service: service.into(),
            credentials: AwsCredentials {
                access_key_id: id.parse().unwrap(),
                secret_access_key: secret.into(),
                session_token: token.map(Into::into),
                expires_at: None,
            },
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        }
    })
}

/// Text as a client percent-encodes it: some letters in clear, some encoded, in either case of the digits.
fn encoded_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => "[a-zA-Z0-9._~-]",
        2 => any::<char>().prop_map(|c| encode(&c.to_string(), true)),
        1 => any::<char>().prop_map(|c| encode(&c.to_string(), false)),
        1 => "[!$'()*,;:@]",
    ];
    prop::collection::vec(character, 0..8).prop_map(|parts| parts.concat())
}

fn encode(text: &str, is_upper: bool) -> String {
    text.bytes().map(|b| if is_upper { format!("%{b:02X}") } else { format!("%{b:02x}") }).collect()
}

fn paths() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        3 => encoded_text(),
        1 => prop::sample::select(vec!["", ".", "..", "...", ".a", "v1", "messages", "%2e%2e", "%2F"])
            .prop_map(String::from),
    ];
    prop::collection::vec(segment, 0..7).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn queries() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(vec!["ids%5B%5D", "ids[]", "a", "A", "beta", ""]).prop_map(String::from),
        encoded_text(),
    ];
    let pair = (name, prop::option::of(encoded_text())).prop_map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => name,
    });
    prop::collection::vec(pair, 0..7).prop_map(|pairs| pairs.join("&"))
}

/// Names that both sides sign, some of them twice; values with blanks anywhere and letters of any script.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        prop::sample::select(vec!["content-type", "anthropic-version", "anthropic-beta", "accept"])
            .prop_map(String::from),
        "x-[a-z0-9_-]{1,12}".prop_filter("the signer has these", |name| !is_taken(name)),
    ];
    let value = prop_oneof![" {0,3}[a-z0-9,;=/ ]{0,20} {0,3}", "[ \\PC]{0,20}"];
    prop::collection::vec((name, value), 0..8).prop_map(|mut headers| {
        headers.push((WORKSPACE_HEADER.into(), "wrkspc_01AbCdEf23GhIj".into()));
        headers
    })
}

fn is_taken(name: &str) -> bool {
    ["x-amz-", "x-amzn-", "x-b3-", "x-forwarded-"].iter().any(|prefix| name.starts_with(prefix))
}
