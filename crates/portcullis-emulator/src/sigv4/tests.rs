//! AWS's published example, three golden vectors of this service, and every way to break them.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "IQoJb3JpZ2luEXAMPLESESSIONTOKEN//////////+example=";
const BODY: &[u8] =
    br#"{"model":"claude-haiku-5-5","max_tokens":16,"messages":[{"role":"user","content":"Hello"}]}"#;
const HOST: &str = "aws-external-anthropic.us-west-2.api.aws";
const SCOPE: &str = "20261122/us-west-2/aws-external-anthropic/aws4_request";
const EXPECTED: ExpectedScope<'_> = ExpectedScope { region: "us-west-2", service: "aws-external-anthropic" };

#[derive(Clone, Debug)]
struct Vector {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    temporary: bool,
}

impl Vector {
    fn new(method: &str, path: &str, query: Option<&str>, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self {
            method: method.into(),
            path: path.into(),
            query: query.map(Into::into),
            headers,
            body: body.to_vec(),
            temporary: false,
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(candidate, _)| candidate != name);
        self.headers.push((name.into(), value.into()));
    }

    fn key(&self) -> KnownKey {
        KnownKey {
            secret: SECRET.into(),
            session_token: self.temporary.then(|| TOKEN.into()),
            expires_at: None,
        }
    }

    fn verify_with(
        &self,
        key: &KnownKey,
        expected: ExpectedScope<'_>,
        now: SystemTime,
        rule: WorkspaceHeader,
    ) -> Result<Verified, SignatureFault> {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let request = ReceivedRequest {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &headers,
            body: &self.body,
        };
        verify_with(&request, |id| (id == "AKIDEXAMPLE").then(|| key.clone()), expected, now, rule)
    }

    fn verify(&self) -> Result<Verified, SignatureFault> {
        self.verify_with(&self.key(), EXPECTED, noon(), WorkspaceHeader::MustBeSigned)
    }

    /// Replaces the list of signed headers and signs anew, so that only the rule under test can refuse.
    fn resign(&mut self, signed: &str, scope: &str) {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let request = ReceivedRequest {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &headers,
            body: &self.body,
        };
        let names: Vec<String> = signed.split(';').map(str::to_owned).collect();
        let canonical =
            canonical::canonical_request(&request, &names, &hex::encode(Sha256::digest(&self.body)));
        let date = "20261122T120000Z";
        let parts: Vec<&str> = scope.split('/').collect();
        let key = signing_key(SECRET, parts[0], parts[1], parts[2]);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
        let signature = hex::encode(hmac(&key, text.as_bytes()));
        self.set("authorization", &authorization(scope, signed, &signature));
    }
}

fn authorization(scope: &str, signed: &str, signature: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, Signature={signature}")
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)
}

const SIGNED_A: &str =
    "anthropic-version;anthropic-workspace-id;content-type;host;x-amz-date;x-amz-security-token";

fn vector_a() -> Vector {
    let signature = "6a8b808f736dac9d49ff6c70d186b3fb472e444fc44f1315f32c672e67347716";
    let headers = [
        ("host", HOST),
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-workspace-id", "wrkspc_01AbCdEf23GhIj"),
        ("x-amz-date", "20261122T120000Z"),
        ("x-amz-security-token", TOKEN),
        ("authorization", &authorization(SCOPE, SIGNED_A, signature)),
        ("accept-encoding", "gzip"),
    ];
    Vector { temporary: true, ..Vector::new("POST", "/v1/messages", None, &headers, BODY) }
}

fn vector_b() -> Vector {
    let signature = "5660ea42cec21ae7d9018f24f2bc8ef83cccda8c465c7ce3c6dc2de49e48d16f";
    let signed = "anthropic-version;anthropic-workspace-id;host;x-amz-date";
    let headers = [
        ("host", HOST),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-workspace-id", "wrkspc_01AbCdEf23GhIj"),
        ("x-amz-date", "20261122T120000Z"),
        ("authorization", &authorization(SCOPE, signed, signature)),
    ];
    Vector::new("GET", "/v1/files", Some("ids%5B%5D=file_b&ids%5B%5D=file_a"), &headers, b"")
}

fn vector_c() -> Vector {
    let signature = "4ef54ee0658ef352d52c315807038d6b0a087cf89a2e906b2b2b8fab770cdf2c";
    let path = "/v1/organizations/external_keys/arn%3Aaws%3Akms%3Aus-west-2%3A123456789012%3Akey%2F1234abcd-12ab-34cd-56ef-1234567890ab";
    let headers = [
        ("host", HOST),
        ("anthropic-version", "2023-06-01"),
        ("x-amz-date", "20261122T120000Z"),
        ("authorization", &authorization(SCOPE, "anthropic-version;host;x-amz-date", signature)),
    ];
    Vector::new("GET", path, None, &headers, b"")
}

#[test]
fn golden_vectors_are_accepted() {
    for vector in [vector_a(), vector_b(), vector_c()] {
        let verified = vector.verify().unwrap();
        assert_eq!(verified.access_key_id, "AKIDEXAMPLE");
        assert_eq!((verified.date.as_str(), verified.region.as_str()), ("20261122", "us-west-2"));
    }
    let mut with_hash = vector_a();
    with_hash.set("x-amz-content-sha256", "7d6d025b588106023645f9e4b1dd15e75d572f60e7cb7b0e25295bf79a589368");
    let signed = "anthropic-version;anthropic-workspace-id;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let signature = "a5ab0e2a07c1e885cc88c5ad808f47d2a9cbc887fa16c9a56707bc1e07a57612";
    with_hash.set("authorization", &authorization(SCOPE, signed, signature));
    assert_eq!(with_hash.verify().unwrap().signed_headers.join(";"), signed);
}

#[test]
fn aws_published_example_is_accepted() {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("host", "iam.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ];
    let vector = Vector::new("GET", "/", Some("Action=ListUsers&Version=2010-05-08"), &headers, b"");
    let expected = ExpectedScope { region: "us-east-1", service: "iam" };
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    assert_eq!(
        vector.verify_with(&vector.key(), expected, at, WorkspaceHeader::MustBeSigned).unwrap().service,
        "iam"
    );
}

#[test]
fn the_signing_key_is_the_published_one() {
    let key = signing_key(SECRET, "20261122", "us-west-2", "aws-external-anthropic");
    assert_eq!(hex::encode(key), "8de77d32ff488dd8bb7bad61c04927adab223bbefc5952a01e96d50394b55855");
    let key = signing_key(SECRET, "20150830", "us-east-1", "iam");
    assert_eq!(hex::encode(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

#[test]
fn any_one_byte_change_is_refused() {
    for vector in [vector_a(), vector_b(), vector_c()] {
        let mut changed: Vec<Vector> = (0..vector.body.len())
            .map(|index| {
                let mut copy = vector.clone();
                copy.body[index] ^= 1;
                copy
            })
            .collect();
        for (index, _) in vector.path.char_indices().skip(1) {
            let mut copy = vector.clone();
            copy.path.replace_range(index..=index, "_");
            changed.extend((copy.path != vector.path).then_some(copy));
        }
        for (position, (name, value)) in vector.headers.iter().enumerate() {
            for index in (0..value.len()).filter(|_| name != "accept-encoding") {
                let mut copy = vector.clone();
                let replacement = if &value[index..=index] == "0" { "1" } else { "0" };
                copy.headers[position].1.replace_range(index..=index, replacement);
                changed.push(copy);
            }
        }
        changed.push(Vector { method: "PUT".into(), ..vector.clone() });
        changed.push(Vector { query: Some("beta=true".into()), ..vector.clone() });
        for case in changed {
            assert!(case.verify().is_err(), "{case:?}");
        }
    }
}

#[test]
fn the_order_of_query_parameters_does_not_matter_but_repeats_do() {
    let mut vector = vector_b();
    vector.query = Some("ids%5B%5D=file_a&ids[]=file_b".into());
    assert!(vector.verify().is_ok());
    vector.query = Some("ids%5B%5D=file_a".into());
    assert_eq!(vector.verify(), Err(SignatureFault::SignatureMismatch));
}

#[test]
fn skew_of_five_minutes_passes_and_a_second_more_does_not() {
    let vector = vector_a();
    let at = |now| vector.verify_with(&vector.key(), EXPECTED, now, WorkspaceHeader::MustBeSigned);
    let second = Duration::from_secs(1);
    assert!(at(noon() + MAX_SKEW).is_ok());
    assert!(at(noon() - MAX_SKEW).is_ok());
    let late = at(noon() + MAX_SKEW + second).unwrap_err();
    assert_eq!(
        late.message(),
        "Signature expired: 20261122T120000Z is now earlier than 20261122T120001Z (20261122T120501Z - 5 min.)"
    );
    assert!(matches!(at(noon() - MAX_SKEW - second), Err(SignatureFault::SignatureNotYetCurrent { .. })));
}

#[test]
fn scope_must_be_of_this_endpoint_and_day() {
    let vector = vector_a();
    let at = |region, service| {
        vector.verify_with(
            &vector.key(),
            ExpectedScope { region, service },
            noon(),
            WorkspaceHeader::MustBeSigned,
        )
    };
    assert_eq!(
        at("us-east-1", EXPECTED.service).unwrap_err().message(),
        "Credential should be scoped to a valid region, not 'us-west-2'."
    );
    assert_eq!(
        at("us-west-2", "sts").unwrap_err().message(),
        "Credential should be scoped to correct service: 'sts'."
    );
    let mut yesterday = vector_a();
    yesterday.resign(SIGNED_A, "20261121/us-west-2/aws-external-anthropic/aws4_request");
    assert!(matches!(yesterday.verify(), Err(SignatureFault::ScopeDateMismatch { .. })));
}

#[test]
fn headers_that_must_be_signed_must_be_signed() {
    let refused = |signed: &str, missing: &str| {
        let mut vector = vector_a();
        vector.resign(signed, SCOPE);
        assert_eq!(vector.verify(), Err(SignatureFault::UnsignedHeader { name: missing.into() }));
    };
    refused("anthropic-workspace-id;x-amz-date;x-amz-security-token", "host");
    refused("anthropic-workspace-id;host;x-amz-security-token", "x-amz-date");
    refused("anthropic-workspace-id;host;x-amz-date", "x-amz-security-token");
    refused("host;x-amz-date;x-amz-security-token", "anthropic-workspace-id");
    let mut lenient = vector_a();
    lenient.resign("host;x-amz-date;x-amz-security-token", SCOPE);
    assert!(lenient.verify_with(&lenient.key(), EXPECTED, noon(), WorkspaceHeader::MayBeUnsigned).is_ok());
    let mut absent = vector_a();
    absent.resign("anthropic-workspace-id;host;x-amz-date;x-amz-security-token;x-gone", SCOPE);
    assert_eq!(absent.verify(), Err(SignatureFault::SignedHeaderAbsent { name: "x-gone".into() }));
}

#[test]
fn repeated_headers_are_joined_in_order() {
    let mut vector = vector_a();
    vector.headers.push(("anthropic-beta".into(), "  one   two ".into()));
    vector.headers.push(("Anthropic-Beta".into(), "three".into()));
    vector.resign("anthropic-beta;anthropic-workspace-id;host;x-amz-date;x-amz-security-token", SCOPE);
    assert!(vector.verify().is_ok());
    let joined = vector.headers.iter().position(|(name, _)| name == "anthropic-beta").unwrap();
    vector.headers[joined].1 = "one two,three".into();
    vector.headers.retain(|(name, _)| name != "Anthropic-Beta");
    assert!(vector.verify().is_ok(), "one line with a comma is the same list");
}

#[test]
fn session_token_must_be_the_keys_own() {
    let mut vector = vector_a();
    vector.headers.retain(|(name, _)| name != "x-amz-security-token");
    vector.resign("anthropic-workspace-id;host;x-amz-date", SCOPE);
    assert_eq!(vector.verify(), Err(SignatureFault::MissingSessionToken));
    let mut other = vector_a();
    other.set("x-amz-security-token", "another");
    other.resign(SIGNED_A, SCOPE);
    assert_eq!(other.verify(), Err(SignatureFault::InvalidSessionToken));
    let mut superfluous = vector_a();
    superfluous.temporary = false;
    assert_eq!(superfluous.verify(), Err(SignatureFault::InvalidSessionToken));
}

#[test]
fn an_expired_key_is_told_only_to_who_holds_its_secret() {
    let vector = vector_a();
    let key = KnownKey { expires_at: Some(noon()), ..vector.key() };
    let verify = |vector: &Vector| vector.verify_with(&key, EXPECTED, noon(), WorkspaceHeader::MustBeSigned);
    assert_eq!(verify(&vector), Err(SignatureFault::ExpiredToken));
    let mut forged = vector;
    forged.body.push(b' ');
    assert_eq!(verify(&forged), Err(SignatureFault::SignatureMismatch));
}

#[test]
fn payload_must_be_hashed() {
    let signed = "anthropic-workspace-id;host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    for (value, fault) in [
        ("UNSIGNED-PAYLOAD", SignatureFault::UnsignedPayload),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SignatureFault::UnsignedPayload),
        ("00", SignatureFault::PayloadHashMismatch),
    ] {
        let mut vector = vector_a();
        vector.set("x-amz-content-sha256", value);
        vector.resign(signed, SCOPE);
        assert_eq!(vector.verify(), Err(fault));
    }
}

#[test]
fn malformed_authorization_is_told_apart() {
    let signature = "0".repeat(64);
    let code_of = |value: Option<&str>| {
        let mut vector = vector_a();
        vector.headers.retain(|(name, _)| name != "authorization");
        if let Some(value) = value {
            vector.set("authorization", value);
        }
        vector.verify().unwrap_err().code()
    };
    assert_eq!(code_of(None), "MissingAuthenticationToken");
    for incomplete in [
        "Bearer x".to_owned(),
        "AWS4-HMAC-SHA256".to_owned(),
        "AWS4-HMAC-SHA256 Credential=a".to_owned(),
        authorization("20261122/us-west-2/aws4_request", SIGNED_A, &signature),
        authorization("20261122//aws-external-anthropic/aws4_request", SIGNED_A, &signature),
        authorization(SCOPE, "x-amz-date;host", &signature),
        authorization(SCOPE, "Host;x-amz-date", &signature),
        authorization(SCOPE, "host;host;x-amz-date", &signature),
        authorization(SCOPE, "", &signature),
        format!("{}, Extra=1", authorization(SCOPE, SIGNED_A, &signature)),
    ] {
        assert_eq!(code_of(Some(&incomplete)), "IncompleteSignature", "{incomplete}");
    }
    assert_eq!(code_of(Some(&authorization(SCOPE, SIGNED_A, "short"))), "SignatureDoesNotMatch");
    let stranger = authorization(SCOPE, SIGNED_A, &signature).replace("AKIDEXAMPLE", "AKIDOTHER");
    assert_eq!(code_of(Some(&stranger)), "InvalidClientTokenId");
    let mut twice = vector_a();
    twice.headers.push(("Authorization".into(), "Bearer x".into()));
    assert_eq!(twice.verify(), Err(SignatureFault::RepeatedHeader { name: "authorization" }));
}

#[test]
fn the_date_header_stands_in_for_x_amz_date() {
    let mut vector = vector_c();
    vector.headers.retain(|(name, _)| name != "x-amz-date");
    assert_eq!(vector.verify(), Err(SignatureFault::MissingDate));
    vector.set("date", "yesterday");
    assert_eq!(vector.verify(), Err(SignatureFault::InvalidDate));
    vector.set("date", "Sun, 22 Nov 2026 12:00:00 GMT");
    assert_eq!(vector.verify(), Err(SignatureFault::SignedHeaderAbsent { name: "x-amz-date".into() }));
    vector.resign("anthropic-version;date;host", SCOPE);
    assert!(vector.verify().is_ok());
}

#[test]
fn paths_are_normalised_and_encoded_twice() {
    for (raw, canonical) in [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/./", "/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/./example", "/example"),
        ("//example//", "/example/"),
        ("/example1/example2/../..", "/"),
        ("/a%2Fb", "/a%252Fb"),
        ("/ü~-._", "/%C3%BC~-._"),
        ("/a:b@c", "/a%3Ab%40c"),
    ] {
        assert_eq!(canonical::canonical_path(raw), canonical, "{raw}");
    }
}

#[test]
fn queries_are_decoded_encoded_and_sorted() {
    for (raw, canonical) in [
        ("", ""),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1&a", "a=&a=1&a=2"),
        ("a=x+y&b=%2B", "a=x%20y&b=%2B"),
        ("&&a=1&", "a=1"),
        ("a=b=c", "a=b%3Dc"),
        ("%e1%88%b4=bar", "%E1%88%B4=bar"),
    ] {
        assert_eq!(canonical::canonical_query(raw), canonical, "{raw}");
    }
}

#[test]
fn debug_hides_the_secret() {
    assert!(!format!("{:?}", vector_a().key()).contains("wJalr"));
    assert!(!format!("{:?}", vector_a().key()).contains("IQoJ"));
}

proptest! {
    #[test]
    fn nothing_that_arrives_makes_it_panic(
        path in "\\PC{0,40}", query in proptest::option::of("\\PC{0,40}"), authorization in "\\PC{0,120}",
        date in "\\PC{0,20}", body in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let headers = [("authorization", authorization.as_str()), ("x-amz-date", date.as_str()), ("host", HOST)];
        let mut vector = Vector::new("POST", &path, query.as_deref(), &headers, &body);
        prop_assert!(vector.verify().is_err());
        vector.set("authorization", &format!("AWS4-HMAC-SHA256 {authorization}"));
        prop_assert!(vector.verify().is_err());
    }
}

#[test]
fn a_second_signature_in_the_query_is_refused() {
    let signed = "anthropic-version;anthropic-workspace-id;host;x-amz-date";
    let check = |query: &str, expected: Result<(), SignatureFault>| {
        let mut vector = Vector { query: Some(query.into()), ..vector_b() };
        vector.resign(signed, SCOPE);
        assert_eq!(vector.verify().map(|_| ()), expected, "{query}");
    };
    check("limit=5&x-amz=1", Ok(()));
    for query in [
        "X-Amz-Signature=0a",
        "limit=5&x-amz-signature",
        "X%2DAmz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Credential=",
    ] {
        check(query, Err(SignatureFault::TwoSignatures));
    }
}
