//! Causes by what is publicly known of the upstream's texts, and the envelopes of both dialects.

use serde_json::{Value, json};

use super::*;
use crate::ResponseContext;

fn parse(status: u16, body: &str) -> UpstreamError {
    UpstreamError::parse(status, &|_| None, body.as_bytes())
}

/// What Anthropic's envelope with this message means.
fn cause(status: u16, message: &str) -> UpstreamCause {
    parse(status, &json!({"type": "error", "error": {"type": "x_error", "message": message}}).to_string())
        .cause()
}

/// What AWS's JSON with this type and message means.
fn aws_cause(status: u16, code: &str, message: &str) -> UpstreamCause {
    parse(status, &json!({"__type": code, "message": message}).to_string()).cause()
}

/// The row and the action of a refusal.
fn refused(cause: &UpstreamCause) -> (&'static str, Option<&str>) {
    (cause.code(), cause.denial().expect("a refusal").action.as_deref())
}

#[test]
fn federation_that_is_off_is_recognised_whatever_the_status_and_case() {
    for status in [400, 401, 403, 500] {
        let text = "Outbound web identity federation is DISABLED for your account";
        assert_eq!(cause(status, text), UpstreamCause::FederationDisabled, "{status}");
    }
    let aws = aws_cause(403, "OutboundWebIdentityFederationDisabledException", "The feature is not enabled");
    assert_eq!(aws, UpstreamCause::FederationDisabled);
    assert_eq!(aws.code(), "federation_disabled");
    assert!(aws.explain().fix.unwrap().contains("enable-outbound-web-identity-federation"));
}

#[test]
fn a_refusal_names_the_action_and_the_kind_of_policy() {
    for (because, code) in [
        ("no session policy allows the", "access_denied_session_policy"),
        ("no identity-based policy allows the", "access_denied_identity_policy"),
        ("of an explicit deny in the", "access_denied"),
    ] {
        let text = format!(
            "User: arn:aws:sts::123456789012:assumed-role/claude/s is not authorized to perform: \
             aws-external-anthropic:CreateInference on resource: arn:aws:aws-external-anthropic:us-east-1:\
             123456789012:workspace/wrkspc_01 because {because} aws-external-anthropic:CreateInference action"
        );
        assert_eq!(refused(&cause(403, &text)), (code, Some("aws-external-anthropic:CreateInference")));
    }
    for action in ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"] {
        let text = format!("the role lacks {action}.");
        assert_eq!(refused(&cause(403, &text)), ("access_denied_web_identity_token", Some(action)));
        assert!(cause(403, &text).explain().fix.unwrap().contains(action));
    }
    assert_eq!(refused(&cause(403, "Forbidden")), ("access_denied", None));
    assert_eq!(refused(&aws_cause(403, "AccessDeniedException", "no")), ("access_denied", None));
}

#[test]
fn only_an_expired_or_unknown_session_is_stale() {
    let stale = |status, text| cause(status, text).is_stale_session();
    for status in [401, 403] {
        assert!(stale(status, "The security token included in the request is expired"));
        assert!(stale(status, "The security token included in the request is invalid"));
        assert!(!stale(status, "Missing Authentication Token"));
        assert!(!stale(status, "Outbound web identity federation is disabled for your account"));
        assert!(!stale(status, "Signature expired: 20260101T000000Z is now earlier"));
        assert!(!stale(status, "x is not authorized to perform: sts:GetWebIdentityToken"));
        assert!(!stale(status, "The request signature we calculated does not match"));
    }
    for text in ["the token has expired", "Your session has expired", "ExpiredToken: the token is expired"] {
        assert!(stale(401, text) && stale(403, text), "{text}");
    }
    for says_neither in ["", "Unauthorized", "Forbidden", "authentication failed", "what a proxy would say"] {
        assert!(!stale(401, says_neither) && !stale(403, says_neither), "{says_neither}");
    }
    assert!(!parse(401, "<html>Authorization Required</html>").cause().is_stale_session());
    assert!(aws_cause(403, "UnrecognizedClientException", "x").is_stale_session());
    assert!(aws_cause(403, "InvalidClientTokenId", "x").is_stale_session());
}

#[test]
fn every_phrase_of_the_table_leads_to_its_row() {
    let of_requests = ["context_too_long", "unsupported_beta"];
    for class in classes().filter(|class| !class.code.starts_with("aws_")) {
        for phrase in class.phrases {
            let status = if of_requests.contains(&class.code) { 400 } else { 403 };
            for text in [(*phrase).to_owned(), phrase.to_uppercase(), format!("Sorry: {phrase}.")] {
                let body = json!({"message": text}).to_string();
                assert_eq!(parse(status, &body).cause().code(), class.code, "{text}");
            }
        }
    }
}

#[test]
fn credentials_that_do_not_work_are_told_apart() {
    use UpstreamCause as C;
    for (text, expected) in [
        ("The security token included in the request is expired", C::ExpiredCredentials),
        ("The security token included in the request is invalid.", C::InvalidCredentials),
        (
            "The request signature we calculated does not match the signature you provided.",
            C::InvalidSignature,
        ),
        ("Invalid signature", C::InvalidSignature),
        ("Credential should be scoped to a valid region.", C::InvalidSignature),
        ("Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z", C::ClockSkew),
        ("Missing Authentication Token", C::MissingCredentials),
        ("Invalid bearer token", C::WorkspaceKeyRefused),
        ("something else", C::CredentialsRefused),
    ] {
        assert_eq!(cause(401, text), expected, "{text}");
    }
    for (code, expected) in [
        ("ExpiredTokenException", C::ExpiredCredentials),
        ("SessionDurationEscalationException", C::ExpiredCredentials),
        ("InvalidSignatureException", C::InvalidSignature),
        ("UnrecognizedClientException", C::InvalidCredentials),
        ("com.amazon#MissingAuthenticationTokenException", C::MissingCredentials),
    ] {
        assert_eq!(aws_cause(400, code, "x"), expected, "{code}");
    }
}

#[test]
fn account_and_workspace_problems_are_the_operators() {
    use UpstreamCause as C;
    for (status, text, expected) in [
        (403, "Your account has not subscribed to this service yet", C::NotSubscribed),
        (404, "Workspace `wrkspc_01` not found.", C::WorkspaceNotFound),
        (400, "anthropic-workspace-id header must be a valid workspace ID.", C::WorkspaceInvalid),
        (400, "anthropic-workspace-id is required when authenticating", C::WorkspaceInvalid),
        (400, "You have reached your specified workspace API usage limits", C::SpendLimit),
        (429, "You have reached your API usage limits", C::TierSpendCap),
        (402, "pay", C::Billing),
    ] {
        assert_eq!(cause(status, text), expected, "{text}");
        assert_eq!(expected.fault(), Fault::Operator);
        assert!(expected.explain().fix.is_some() && !expected.should_retry(), "{text}");
    }
}

#[test]
fn a_400_that_quotes_the_client_does_not_accuse_the_credentials() {
    let text = "messages.0.content: `Invalid signature`, AccessDenied, expiredtoken, Invalid bearer token";
    assert_eq!(cause(400, text), UpstreamCause::InvalidRequest);
    assert_eq!(
        cause(400, "messages.0: Invalid `signature` in `thinking` block"),
        UpstreamCause::InvalidRequest
    );
    assert_eq!(cause(404, "model: is not authorized to perform"), UpstreamCause::ModelNotFound);
}

#[test]
fn a_limit_that_says_when_to_come_back_is_a_rate() {
    let body =
        json!({"error": {"type": "rate_limit_error", "message": "You have reached your API usage limits"}});
    let header = |name: &str| (name == "retry-after").then(|| "7".to_owned());
    let error = UpstreamError::parse(429, &header, body.to_string().as_bytes());
    assert_eq!((error.cause(), error.retry_after.as_deref()), (UpstreamCause::RateLimited, Some("7")));
}

#[test]
fn both_request_ids_are_kept() {
    let header = |name: &str| match name {
        "request-id" => Some("req_header".to_owned()),
        "x-amzn-requestid" => Some("aws".to_owned()),
        _ => None,
    };
    let body = br#"{"type":"error","error":{"type":"api_error","message":"x"},"request_id":"req_body"}"#;
    let error = UpstreamError::parse(500, &header, body);
    assert_eq!(
        (error.request_id.as_deref(), error.aws_request_id.as_deref()),
        (Some("req_header"), Some("aws"))
    );
    assert_eq!(UpstreamError::parse(500, &|_| None, body).request_id.as_deref(), Some("req_body"));
}

#[test]
fn an_xml_document_of_aws_is_read() {
    let error = parse(
        403,
        "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>a &lt;b&gt; &amp; c</Message></Error>",
    );
    assert_eq!((error.text(), error.code.as_deref()), ("a <b> & c", Some("ExpiredToken")));
    assert_eq!(error.cause(), UpstreamCause::ExpiredCredentials);
}

#[test]
fn the_beginning_of_any_other_body_is_kept_for_the_log() {
    let error = parse(502, &format!("<html>{}", "é".repeat(1000)));
    assert!(error.text().starts_with("<html>") && error.text().len() <= 516);
    let body = String::from_utf8(error.to_openai(&ResponseContext::default()).openai_body()).unwrap();
    assert!(!body.contains("html"));
    for odd in ["", "null", "[]", "{}", r#"{"error":"x"}"#, r#"{"error":{}}"#, r#"{"error":{"type":7}}"#] {
        assert_eq!(parse(500, odd).cause(), UpstreamCause::UpstreamFailed, "{odd}");
    }
}

#[test]
fn refused_credentials_of_the_gateway_are_explained_and_the_upstreams_text_is_kept() {
    let text = "Outbound web identity federation is disabled for your account";
    let body = json!({"error": {"type": "permission_error", "message": text}}).to_string();
    let error = parse(403, &body).to_openai(&ResponseContext::default());
    assert_eq!((error.status, error.code.as_deref()), (502, Some("upstream_permission_error")));
    assert!(error.message.contains("federation_disabled") && error.message.contains("aws iam enable"));
    let upstream = error.upstream.unwrap();
    assert_eq!((upstream.cause, upstream.raw.as_deref()), (Some("federation_disabled"), Some(text)));
}

#[test]
fn what_the_client_reads_of_a_denied_action_names_it_and_the_statement_to_add() {
    let text = "User: arn:aws:sts::123456789012:assumed-role/claude/s is not authorized to perform: \
                aws-external-anthropic:CountTokens on resource: arn:aws:aws-external-anthropic:us-east-1:\
                123456789012:workspace/wrkspc_01 because no identity-based policy allows the \
                aws-external-anthropic:CountTokens action";
    let header = |name: &str| (name == "x-amzn-requestid").then(|| "aws-1".to_owned());
    let body =
        json!({"error": {"type": "permission_error", "message": text}, "request_id": "req_1"}).to_string();
    let error = UpstreamError::parse(403, &header, body.as_bytes()).to_openai(&ResponseContext::default());
    for body in [error.openai_body(), error.anthropic_body("r")] {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let meta =
            body.pointer("/error/metadata").or_else(|| body.pointer("/error/details/metadata")).unwrap();
        assert_eq!(meta["cause"], "access_denied_identity_policy");
        assert_eq!(meta["fault"], "operator");
        assert_eq!(meta["denied_action"], "aws-external-anthropic:CountTokens");
        assert_eq!(
            (&meta["upstream_request_id"], &meta["aws_request_id"]),
            (&json!("req_1"), &json!("aws-1"))
        );
        assert_eq!(meta["raw"], text);
        let fix = meta["fix"].as_str().unwrap();
        let statement: Value =
            serde_json::from_str(&fix[fix.find('{').unwrap()..=fix.rfind('}').unwrap()]).unwrap();
        assert_eq!(statement["Action"], "aws-external-anthropic:CountTokens");
        assert_eq!(
            statement["Resource"],
            "arn:aws:aws-external-anthropic:us-east-1:123456789012:workspace/wrkspc_01"
        );
    }
}

#[test]
fn nothing_secret_that_the_upstream_repeats_reaches_the_client() {
    let text = "The request signature we calculated does not match. The Canonical String should have been \
                'POST\n/v1/messages\nx-amz-security-token:TOKEN\n\nHASH' for ASIAIOSFODNN7EXAMPLE"
        .replace("TOKEN", &"IQoJb3JpZ2luX2Vj/+".repeat(30))
        .replace("HASH", &"0f".repeat(32));
    for body in [
        json!({"error": {"type": "authentication_error", "message": text}}).to_string(),
        json!({"__type": "SignatureDoesNotMatch", "message": text}).to_string(),
        format!("<Error><Code>SignatureDoesNotMatch</Code><Message>{text}</Message></Error>"),
        text.clone(),
    ] {
        let error = parse(403, &body);
        let shown = String::from_utf8(error.to_openai(&ResponseContext::default()).openai_body()).unwrap();
        for secret in ["IQoJb3Jp", "0f0f", "IOSFODNN7"] {
            assert!(!shown.contains(secret) && !format!("{error:?}").contains(secret), "{secret}: {shown}");
        }
    }
}

#[test]
fn what_the_operator_has_to_mend_is_added_to_anthropics_own_answer() {
    let body = json!({"type": "error", "request_id": "req_1", "error": {"type": "not_found_error",
        "message": "Workspace `wrkspc_01` not found.", "details": {"error_code": "x"}}});
    let told: Value =
        serde_json::from_slice(&parse(404, &body.to_string()).annotate(body.to_string().as_bytes()).unwrap())
            .unwrap();
    assert_eq!(told["error"]["details"]["metadata"]["cause"], "workspace_not_found");
    assert_eq!(told["error"]["details"]["metadata"]["raw"], Value::Null);
    let mut without = told.clone();
    without["error"]["details"].as_object_mut().unwrap().remove("metadata");
    assert_eq!(without, body);
    for (status, message) in [(400, "max_tokens: Field required"), (529, "Overloaded"), (404, "model: x")] {
        let body = json!({"error": {"type": "x_error", "message": message}}).to_string();
        assert_eq!(parse(status, &body).annotate(body.as_bytes()), None, "{message}");
    }
    let body = json!({"error": {"type": "x_error", "message": "bad: AKIAIOSFODNN7EXAMPLE"}}).to_string();
    let told: Value = serde_json::from_slice(&parse(400, &body).annotate(body.as_bytes()).unwrap()).unwrap();
    assert_eq!(told, json!({"error": {"type": "x_error", "message": "bad: [redacted]"}}));
}

#[test]
fn refused_credentials_of_the_caller_are_the_callers() {
    let context = ResponseContext::default();
    let of = |status: u16, kind: &str| {
        let body = json!({"error": {"type": kind, "message": "no"}}).to_string();
        parse(status, &body).to_openai_for(CredentialHolder::Caller, &context)
    };
    let refused = of(401, "authentication_error");
    assert_eq!(
        (refused.status, refused.code.as_deref(), refused.message.as_str()),
        (401, Some("invalid_api_key"), "no")
    );
    let refused = of(403, "permission_error");
    assert_eq!((refused.status, refused.code.as_deref()), (403, Some("permission_denied")));
}

#[test]
fn an_event_has_the_usual_status_of_its_type() {
    for (kind, status) in
        [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("new_error", 500)]
    {
        let data =
            json!({"type": "error", "error": {"type": kind, "message": "x"}, "request_id": "r"}).to_string();
        let error = UpstreamError::from_event(&data);
        assert_eq!((error.status, error.request_id.as_deref()), (status, Some("r")), "{kind}");
    }
    assert_eq!(UpstreamError::from_event("nonsense").status, 500);
}

#[test]
fn a_gateways_own_error_has_the_shape_of_each_dialect() {
    let invalid =
        InvalidRequest::at(crate::InvalidCode::InvalidType, "messages[0].role", "`role` must be a string");
    let error = ApiError::from(invalid);
    let openai: Value = serde_json::from_slice(&error.openai_body()).unwrap();
    assert_eq!(
        openai,
        json!({"error": {"message": "`role` must be a string", "type": "invalid_request_error",
                         "param": "messages[0].role", "code": "invalid_type"}})
    );
    let anthropic: Value = serde_json::from_slice(&error.anthropic_body("req_1")).unwrap();
    assert_eq!(
        anthropic,
        json!({"type": "error", "request_id": "req_1", "error": {"type": "invalid_request_error",
               "message": "`role` must be a string", "details": {"error_code": "invalid_type"}}})
    );
}

#[test]
fn an_error_event_is_one_event_that_the_sdks_raise_from() {
    let error = ApiError::broken_stream("upstream stream ended unexpectedly");
    let openai = String::from_utf8(error.event(Dialect::OpenAi, "r")).unwrap();
    assert!(openai.starts_with("data: {\"error\":{") && openai.ends_with("}\n\n"), "{openai}");
    assert!(openai.contains(r#""upstream_status":null,"upstream_type":null"#), "{openai}");
    let anthropic = String::from_utf8(error.event(Dialect::Anthropic, "r")).unwrap();
    assert!(
        anthropic.starts_with("event: error\ndata: {\"type\":\"error\",") && anthropic.ends_with("}\n\n")
    );
    assert_eq!(openai.matches('\n').count() + anthropic.matches('\n').count(), 5);
}

#[test]
fn overload_has_anthropics_own_status_for_its_clients() {
    let error = ApiError::new(503, ErrorKind::Overloaded, "overloaded", "x");
    assert_eq!((error.status_in(Dialect::OpenAi), error.status_in(Dialect::Anthropic)), (503, 529));
}
