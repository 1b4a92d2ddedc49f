//! Three requests to Claude Platform on AWS, worked out beforehand with two other implementations.

use portcullis_types::Region;

use super::{example_credentials, noon};
use crate::moment::Moment;
use crate::{
    ClockOffset, ContentHash, SERVICE, Scope, SignableBody, SignableRequest, Signer, SigningOptions,
};

const HOST: &str = "aws-external-anthropic.us-west-2.api.aws";
const BODY: &[u8] =
    br#"{"model":"claude-haiku-5-5","max_tokens":16,"messages":[{"role":"user","content":"Hello"}]}"#;
const TOKEN: &str = "IQoJb3JpZ2luEXAMPLESESSIONTOKEN//////////+example=";
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
const WORKSPACE: (&str, &str) = ("anthropic-workspace-id", "wrkspc_01AbCdEf23GhIj");
const JSON: (&str, &str) = ("content-type", "application/json");

struct Golden<'a> {
    request: SignableRequest<'a>,
    session_token: Option<&'a str>,
    content_hash: ContentHash,
    canonical_hash: Option<&'a str>,
    signed_headers: &'a str,
    signature: &'a str,
}

/// Returns the canonical request, for a closer look.
fn check(golden: &Golden<'_>) -> String {
    let region: Region = "us-west-2".parse().unwrap();
    let scope = Scope { region: &region, service: SERVICE };
    let credentials = example_credentials(golden.session_token);
    let signer = Signer::with_options(SigningOptions {
        content_hash: golden.content_hash,
        ..SigningOptions::default()
    });
    let moment = Moment::new(noon(), ClockOffset::NONE).unwrap();
    let steps = signer.prepare(&golden.request, &credentials, &scope, &moment).unwrap();
    if let Some(hash) = golden.canonical_hash {
        assert_eq!(steps.string_to_sign.lines().last(), Some(hash));
    }
    let signed = signer.sign(&golden.request, &credentials, &scope, noon(), ClockOffset::NONE).unwrap();
    let expect = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-west-2/aws-external-anthropic/aws4_request, \
         SignedHeaders={}, Signature={}",
        golden.signed_headers, golden.signature
    );
    assert_eq!(signed.authorization, expect);
    assert_eq!(signed.date, "20261122T120000Z");
    assert_eq!(signed.session_token.as_deref(), golden.session_token);
    steps.canonical.as_str().into()
}

fn post_with_session_token() -> Golden<'static> {
    Golden {
        request: SignableRequest {
            method: "POST",
            host: HOST,
            path: "/v1/messages",
            query: None,
            headers: &[JSON, VERSION, WORKSPACE],
            body: SignableBody::Bytes(BODY),
        },
        session_token: Some(TOKEN),
        content_hash: ContentHash::Omit,
        canonical_hash: Some("0b1cb3c15df49c5474ba76cae255c918aef68ed7a53009faacd2c130156405c3"),
        signed_headers: "anthropic-version;anthropic-workspace-id;content-type;host;x-amz-date;x-amz-security-token",
        signature: "6a8b808f736dac9d49ff6c70d186b3fb472e444fc44f1315f32c672e67347716",
    }
}

#[test]
fn a_post_with_a_session_token() {
    let canonical = check(&post_with_session_token());
    let hash = canonical.lines().last();
    assert_eq!(hash, Some("7d6d025b588106023645f9e4b1dd15e75d572f60e7cb7b0e25295bf79a589368"));
}

#[test]
fn a_post_with_its_content_hash_as_a_header() {
    check(&Golden {
        content_hash: ContentHash::Send,
        canonical_hash: None,
        signed_headers: "anthropic-version;anthropic-workspace-id;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
        signature: "a5ab0e2a07c1e885cc88c5ad808f47d2a9cbc887fa16c9a56707bc1e07a57612",
        ..post_with_session_token()
    });
}

#[test]
fn a_get_with_repeated_query_keys() {
    let canonical = check(&Golden {
        request: SignableRequest {
            method: "GET",
            host: HOST,
            path: "/v1/files",
            query: Some("ids%5B%5D=file_b&ids%5B%5D=file_a"),
            headers: &[VERSION, WORKSPACE],
            body: SignableBody::Bytes(b""),
        },
        session_token: None,
        content_hash: ContentHash::Omit,
        canonical_hash: Some("fb81c4284fe285777153289c35d6aee18ab4061fcd58de5b03cddff35c2b1efa"),
        signed_headers: "anthropic-version;anthropic-workspace-id;host;x-amz-date",
        signature: "5660ea42cec21ae7d9018f24f2bc8ef83cccda8c465c7ce3c6dc2de49e48d16f",
    });
    assert_eq!(canonical.lines().nth(2), Some("ids%5B%5D=file_a&ids%5B%5D=file_b"));
}

#[test]
fn a_path_that_is_encoded_twice() {
    let canonical = check(&Golden {
        request: SignableRequest {
            method: "GET",
            host: HOST,
            path: "/v1/organizations/external_keys/arn%3Aaws%3Akms%3Aus-west-2%3A123456789012%3Akey%2F1234abcd-12ab-34cd-56ef-1234567890ab",
            query: None,
            headers: &[VERSION],
            body: SignableBody::Bytes(b""),
        },
        session_token: None,
        content_hash: ContentHash::Omit,
        canonical_hash: Some("ee1927866be7e14035ad0e26f09aa46297ad5244574fab2206ed42e5a432f86a"),
        signed_headers: "anthropic-version;host;x-amz-date",
        signature: "4ef54ee0658ef352d52c315807038d6b0a087cf89a2e906b2b2b8fab770cdf2c",
    });
    assert!(
        canonical.contains("arn%253Aaws%253Akms") && canonical.contains("key%252F1234abcd"),
        "{canonical}"
    );
}

#[test]
fn the_signing_key_of_the_day() {
    let region: Region = "us-west-2".parse().unwrap();
    let moment = Moment::new(noon(), ClockOffset::NONE).unwrap();
    let scope = Scope { region: &region, service: SERVICE };
    let key = crate::signing_key::SigningKeys::new().get(&moment, &scope, &example_credentials(None));
    assert_eq!(hex::encode(**key), "8de77d32ff488dd8bb7bad61c04927adab223bbefc5952a01e96d50394b55855");
}
