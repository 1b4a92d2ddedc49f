//! What the signer promises beyond the algorithm.

use std::time::Duration;

use portcullis_types::Region;

use super::{example_credentials, noon};
use crate::moment::Moment;
use crate::{ClockOffset, SERVICE, Scope, SignError, SignableBody, SignableRequest, Signer};

const WORKSPACE: (&str, &str) = ("anthropic-workspace-id", "wrkspc_01AbCdEf23GhIj");

fn post<'a>(headers: &'a [(&'a str, &'a str)]) -> SignableRequest<'a> {
    SignableRequest {
        method: "POST",
        host: "aws-external-anthropic.us-west-2.api.aws",
        path: "/v1/messages",
        query: None,
        headers,
        body: SignableBody::Bytes(b"{}"),
    }
}

/// The `authorization` header, or why there is none.
fn authorization(request: &SignableRequest<'_>) -> Result<String, SignError> {
    authorization_for(request, SERVICE)
}

fn authorization_for(request: &SignableRequest<'_>, service: &str) -> Result<String, SignError> {
    let region: Region = "us-west-2".parse().unwrap();
    let scope = Scope { region: &region, service };
    let signed = Signer::new().sign(
        request,
        &example_credentials(Some("token")),
        &scope,
        noon(),
        ClockOffset::NONE,
    )?;
    Ok(signed.authorization)
}

fn signed_headers(request: &SignableRequest<'_>, service: &str) -> String {
    let authorization = authorization_for(request, service).unwrap();
    let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
    rest.split_once(',').unwrap().0.into()
}

#[test]
fn the_same_request_is_signed_the_same_way() {
    let headers = [WORKSPACE];
    assert_eq!(authorization(&post(&headers)).unwrap(), authorization(&post(&headers)).unwrap());
}

#[test]
fn a_workspace_is_demanded_and_signed() {
    assert!(signed_headers(&post(&[WORKSPACE]), SERVICE).contains("anthropic-workspace-id;"));
    let check =
        |headers: &[(&str, &str)], why| assert_eq!(authorization(&post(headers)), Err(why), "{headers:?}");
    check(&[], SignError::MissingWorkspace);
    check(&[("anthropic-workspace-id", " ")], SignError::MissingWorkspace);
    check(&[WORKSPACE, WORKSPACE], SignError::RepeatedWorkspace);
}

#[test]
fn only_account_routes_do_without_a_workspace() {
    let check = |path, expect: Option<SignError>| {
        let request = SignableRequest { path, ..post(&[]) };
        assert_eq!(authorization(&request).err(), expect, "{path}");
    };
    check("/v1/organizations", None);
    check("/v1/organizations/workspaces", None);
    check("/v1/organizationsx", Some(SignError::MissingWorkspace));
    check("/v1/organizations/../messages", Some(SignError::MissingWorkspace));
    check("/v1/models", Some(SignError::MissingWorkspace));
}

#[test]
fn other_services_know_no_workspace() {
    assert_eq!(signed_headers(&post(&[]), "sts"), "host;x-amz-date;x-amz-security-token");
}

#[test]
fn unsigned_headers_leave_the_signature_alone() {
    let bare = [WORKSPACE];
    let dressed = [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("user-agent", "portcullis"),
        WORKSPACE,
        ("connection", "keep-alive"),
        ("authorization", "Bearer of the client"),
        ("content-length", "2"),
    ];
    assert_eq!(authorization(&post(&bare)).unwrap(), authorization(&post(&dressed)).unwrap());
}

#[test]
fn body_bytes_are_untouched() {
    let headers = [WORKSPACE];
    let with = |body: &[u8]| {
        authorization(&SignableRequest { body: SignableBody::Bytes(body), ..post(&headers) }).unwrap()
    };
    assert_ne!(with(br#"{"a":1}"#), with(br#"{"a": 1}"#));
    assert_ne!(with(b"{}"), with(b"{}\n"));
    assert_ne!(with(b"\xff\x00"), with(b""));
}

#[test]
fn a_hash_signs_as_its_bytes_do() {
    use sha2::{Digest, Sha256};
    let headers = [WORKSPACE];
    let with = |body| authorization(&SignableRequest { body, ..post(&headers) }).unwrap();
    for bytes in [&b""[..], b"{}", b"\xff\x00"] {
        let hash = SignableBody::Sha256(Sha256::digest(bytes).into());
        assert_eq!(with(hash), with(SignableBody::Bytes(bytes)));
    }
}

#[test]
fn the_offset_is_added_to_the_clock() {
    let region: Region = "us-west-2".parse().unwrap();
    let scope = Scope { region: &region, service: SERVICE };
    let headers = [WORKSPACE];
    let sign = |at, offset| {
        let offset = ClockOffset::from_seconds(offset);
        Signer::new().sign(&post(&headers), &example_credentials(None), &scope, at, offset).unwrap()
    };
    let shifted = sign(noon() - Duration::from_secs(43_500), 43_500);
    assert_eq!(shifted.authorization, sign(noon(), 0).authorization);
    assert_eq!(sign(noon(), -43_201).date, "20261121T235959Z");
    assert!(sign(noon(), -43_201).authorization.contains("/20261121/"));
}

#[test]
fn what_cannot_go_on_the_wire_is_refused_by_name() {
    let headers = [WORKSPACE];
    let good = post(&headers);
    let check = |request: SignableRequest<'_>, why: SignError| assert_eq!(authorization(&request), Err(why));
    check(SignableRequest { method: "", ..good }, SignError::Method);
    check(SignableRequest { method: "GET /", ..good }, SignError::Method);
    for host in ["", "a b", "a/b", "user@host", "h\r\nx: y", "h\u{f6}st"] {
        check(SignableRequest { host, ..good }, SignError::Host);
    }
    for path in ["", "v1", "/v1?x", "/v1#x", "/a b", "/\u{e4}", "/a\nb"] {
        check(SignableRequest { path, ..good }, SignError::Path);
    }
    for query in ["a b", "a#b", "\u{e4}", "a\nb"] {
        check(SignableRequest { query: Some(query), ..good }, SignError::Query);
    }
    for service in ["", "AWS", "a/b", "a\nb"] {
        assert_eq!(authorization_for(&good, service), Err(SignError::Service));
    }
}

#[test]
fn headers_that_cannot_be_signed_are_refused_by_name() {
    let check = |name: &str, value: &str, why: SignError| {
        assert_eq!(authorization(&post(&[WORKSPACE, (name, value)])), Err(why), "{name:?}: {value:?}");
    };
    for name in ["", "Content-Type", "a b", "a:b", "a\r\nb", "\u{e4}"] {
        check(name, "x", SignError::HeaderName(name.into()));
    }
    for value in ["a\r\nx-evil: 1", "a\0", "a\tb", "\u{7f}"] {
        check("anthropic-beta", value, SignError::HeaderValue("anthropic-beta".into()));
    }
    for name in ["host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        check(name, "x", SignError::ReservedHeader(name.into()));
    }
}

#[test]
fn a_time_that_cannot_be_written_is_refused() {
    let offset = ClockOffset::from_seconds(i64::MIN);
    assert_eq!(Moment::new(noon(), offset).err(), Some(SignError::Time));
}

#[test]
fn headers_come_out_by_name() {
    let region: Region = "us-west-2".parse().unwrap();
    let scope = Scope { region: &region, service: SERVICE };
    let headers = [WORKSPACE];
    let names = |token| {
        let credentials = example_credentials(token);
        let signed =
            Signer::new().sign(&post(&headers), &credentials, &scope, noon(), ClockOffset::NONE).unwrap();
        let seen: Vec<(&'static str, String)> = signed.iter().map(|(n, v)| (n, v.to_owned())).collect();
        assert_eq!(seen, signed.into_iter().collect::<Vec<_>>());
        seen.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(None), ["authorization", "x-amz-date"]);
    assert_eq!(names(Some("token")), ["authorization", "x-amz-date", "x-amz-security-token"]);
}

#[test]
fn debug_hides_every_secret() {
    let region: Region = "us-west-2".parse().unwrap();
    let scope = Scope { region: &region, service: SERVICE };
    let headers = [WORKSPACE, ("x-custom", "hunter2")];
    let request = SignableRequest { body: SignableBody::Bytes(b"hunter3"), ..post(&headers) };
    let credentials = example_credentials(Some("hunter4"));
    let signer = Signer::new();
    let signed = signer.sign(&request, &credentials, &scope, noon(), ClockOffset::NONE).unwrap();
    let (_, signature) = signed.authorization.rsplit_once('=').unwrap();
    let shown = format!("{request:?} {signer:?} {signed:?} {credentials:?} {scope:?}");
    for secret in ["hunter", "wJalr", "104, 117, 110", signature] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
