//! What the upstream answered instead of a message.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::cause::UpstreamCause;
use super::class::Fault;
use super::explain::Explained;
use super::redact::redact;
use super::{ApiError, ErrorKind, UpstreamMeta};
use crate::ResponseContext;

pub(super) const PROVIDER: Cow<'static, str> = Cow::Borrowed("claude-platform-aws");

/// How much of a body that is no JSON is kept, in bytes.
const KEPT_TEXT: usize = 512;

/// Fields that bear the same name in both dialects, when the upstream's message begins with one of them.
const SAME_NAME: &[&str] =
    &["messages", "model", "temperature", "top_p", "tools", "metadata", "stream", "service_tier"];

/// Whose credential the upstream refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialHolder {
    /// The gateway's: the client can do nothing about it.
    Gateway,
    /// The caller's own, passed through.
    Caller,
}

/// Which shape the body had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Anthropic,
    Aws,
    Other,
}

/// An error that the upstream answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamError {
    /// The HTTP status; for an event inside a stream the one that its type usually has.
    pub status: u16,
    /// Anthropic's `error.type`.
    pub error_type: Option<String>,
    /// The text for people. May name ARNs and account ids.
    pub message: Option<String>,
    /// Anthropic's `error.details.error_code`, or AWS's error code.
    pub code: Option<String>,
    /// Anthropic's id of the request.
    pub request_id: Option<String>,
    /// AWS's id of the request, which CloudTrail knows.
    pub aws_request_id: Option<String>,
    /// Seconds or a date, as the header had it.
    pub retry_after: Option<String>,
    /// The header `x-should-retry`.
    pub should_retry: Option<bool>,
    /// The beginning of a body that is no JSON.
    pub raw: Option<String>,
    shape: Shape,
}

impl UpstreamError {
    /// Reads an answer: Anthropic's envelope, then AWS's JSON, then AWS's XML, then anything.
    ///
    /// - `status`: of the answer, not 2xx.
    /// - `header`: looks up a header of the answer by its lower-case name.
    /// - `body`: whole, or at least its beginning.
    pub fn parse(status: u16, header: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Self {
        let mut error = Self::empty(status);
        error.request_id = header("request-id");
        error.aws_request_id = header("x-amzn-requestid");
        error.retry_after = header("retry-after");
        error.should_retry = header("x-should-retry").and_then(|value| value.trim().parse().ok());
        let parsed = serde_json::from_slice::<Value>(body).ok();
        let known = match &parsed {
            Some(json) => error.take_anthropic(json) || error.take_aws(json, header("x-amzn-errortype")),
            None => error.take_xml(body),
        };
        if !known {
            error.code = header("x-amzn-errortype").map(|name| bare_aws_code(&name));
            error.raw = Some(beginning(body)).filter(|text| !text.is_empty());
        }
        error.redacted()
    }

    /// Reads the data of an `error` event inside a stream.
    pub fn from_event(data: &str) -> Self {
        let mut error = Self::empty(500);
        let parsed = serde_json::from_str::<Value>(data).ok();
        if parsed.is_some_and(|json| error.take_anthropic(&json)) {
            error.status = usual_status(error.error_type_text());
        } else {
            error.raw = Some(beginning(data.as_bytes())).filter(|text| !text.is_empty());
        }
        error.redacted()
    }

    /// Nothing secret that the upstream repeats goes any further.
    fn redacted(mut self) -> Self {
        let texts = [&mut self.message, &mut self.raw, &mut self.code, &mut self.error_type];
        for text in texts.into_iter().flatten() {
            if let Cow::Owned(clean) = redact(text) {
                *text = clean;
            }
        }
        self
    }

    fn empty(status: u16) -> Self {
        Self {
            status,
            error_type: None,
            message: None,
            code: None,
            request_id: None,
            aws_request_id: None,
            retry_after: None,
            should_retry: None,
            raw: None,
            shape: Shape::Other,
        }
    }

    fn take_anthropic(&mut self, json: &Value) -> bool {
        let Some(Value::Object(error)) = json.get("error") else { return false };
        self.error_type = text(error.get("type"));
        self.message = text(error.get("message"));
        self.code = error.get("details").and_then(|details| text(details.get("error_code")));
        self.request_id = self.request_id.take().or_else(|| text(json.get("request_id")));
        let known = self.error_type.is_some() || self.message.is_some();
        if known {
            self.shape = Shape::Anthropic;
        }
        known
    }

    fn take_aws(&mut self, json: &Value, error_type_header: Option<String>) -> bool {
        let first = |names: [&str; 2]| names.iter().find_map(|name| text(json.get(name)));
        self.message = first(["message", "Message"]);
        self.code = first(["__type", "code"]).or(error_type_header).map(|name| bare_aws_code(&name));
        let known = self.message.is_some() || self.code.is_some();
        if known {
            self.shape = Shape::Aws;
        }
        known
    }

    fn take_xml(&mut self, body: &[u8]) -> bool {
        let beginning = String::from_utf8_lossy(&body[..body.len().min(8 * KEPT_TEXT)]);
        if !beginning.contains("<Error>") {
            return false;
        }
        self.message = element(&beginning, "Message");
        self.code = element(&beginning, "Code");
        self.shape = Shape::Aws;
        self.message.is_some() || self.code.is_some()
    }

    pub(super) fn is_anthropic(&self) -> bool {
        self.shape == Shape::Anthropic
    }

    pub(super) fn error_type_text(&self) -> &str {
        self.error_type.as_deref().unwrap_or_default()
    }

    pub(super) fn code_text(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }

    /// Whatever the upstream wrote for people, or the beginning of its body.
    pub fn text(&self) -> &str {
        self.message.as_deref().or(self.raw.as_deref()).unwrap_or_default()
    }

    /// What it means and what to do about it.
    pub fn cause(&self) -> UpstreamCause {
        UpstreamCause::of(self)
    }

    /// What it means, whose fault it is and what to do about it.
    pub fn explain(&self) -> Explained {
        self.cause().explain()
    }

    /// The error as the client reads it, the credential being the gateway's.
    pub fn to_openai(&self, context: &ResponseContext) -> ApiError {
        self.to_openai_for(CredentialHolder::Gateway, context)
    }

    /// The error as the client reads it, by the table of the [module](super).
    pub fn to_openai_for(&self, holder: CredentialHolder, context: &ResponseContext) -> ApiError {
        let cause = self.cause();
        let mut error = self.by_row(&cause, context);
        error.should_retry = error.should_retry.or(self.should_retry);
        if cause.is_authentication() || cause.is_permission() {
            match holder {
                CredentialHolder::Gateway => hide_credentials(&mut error, &cause),
                CredentialHolder::Caller => blame_credentials(&mut error, &cause),
            }
        }
        error.upstream = Some(Box::new(self.meta(&cause, &error.message)));
        error
    }

    /// Anthropic's own answer without what was redacted, and with what is known of the cause added as
    /// `error.details.metadata` where the operator has to mend it: the client branches on the words it knows, and a
    /// person reads what to do.
    ///
    /// - `body`: the one that was parsed; none comes back if it can pass as it is, or is not Anthropic's.
    pub fn annotate(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut answer = serde_json::from_slice::<Value>(body).ok().filter(|_| self.is_anthropic())?;
        let message = self.message.as_deref().unwrap_or_default();
        let error = answer.get_mut("error")?.as_object_mut()?;
        let said = error.insert("message".to_owned(), message.into());
        let cause = self.cause();
        if cause.fault() != Fault::Operator {
            let is_redacted = said.is_some_and(|said| said != message);
            return is_redacted.then(|| serde_json::to_vec(&answer).ok()).flatten();
        }
        let details = error.entry("details").or_insert_with(|| Value::Object(Map::new()));
        if !details.is_object() {
            *details = Value::Object(Map::new());
        }
        details["metadata"] = serde_json::to_value(self.meta(&cause, message)).ok()?;
        serde_json::to_vec(&answer).ok()
    }

    /// The row of the table, leaving credentials aside.
    fn by_row(&self, cause: &UpstreamCause, context: &ResponseContext) -> ApiError {
        use ErrorKind as K;
        let none = None::<&'static str>;
        let (status, kind, code) = match (cause, self.status) {
            (
                UpstreamCause::SpendLimit
                | UpstreamCause::TierSpendCap
                | UpstreamCause::Billing
                | UpstreamCause::OrganizationOnHold,
                status,
            ) => (status, K::InsufficientQuota, Some("insufficient_quota")),
            (UpstreamCause::ContextTooLong, _) => (400, K::InvalidRequest, Some("context_length_exceeded")),
            (UpstreamCause::RateLimited, _) => (429, K::RateLimit, Some("rate_limit_exceeded")),
            (UpstreamCause::ModelNotFound, _) => (404, K::NotFound, Some("model_not_found")),
            (_, 404) => (404, K::NotFound, Some("not_found")),
            (_, 409) => (409, K::Conflict, Some("conflict")),
            (_, 413) => (413, K::TooLarge, Some("request_too_large")),
            (_, 422) => (400, K::InvalidRequest, none),
            (_, 504) => (504, K::Timeout, Some("timeout")),
            (_, 529) => (503, K::Overloaded, Some("overloaded")),
            (_, 500..) if self.shape == Shape::Other => (502, K::Server, Some("upstream_unreachable")),
            (_, status @ 500..) => (status, K::Server, none),
            (_, status @ 400..) => (status, K::InvalidRequest, none),
            // A redirect or worse: nothing a client could follow.
            _ => (502, K::Server, Some("upstream_unreachable")),
        };
        let spent = kind == K::InsufficientQuota;
        ApiError {
            status,
            kind,
            code: code.map(Cow::Borrowed),
            message: self.client_message(status, context),
            param: self.param(cause, context),
            upstream: None,
            retry_after: self.retry_after.clone(),
            should_retry: if spent { Some(false) } else { None },
        }
    }

    /// The upstream's text, with what to do about it where that is said in the other dialect's words.
    fn client_message(&self, status: u16, context: &ResponseContext) -> String {
        let Some(own) = &self.message else { return generic_message(status).to_owned() };
        match context.places.hint(own).filter(|_| self.status == 400) {
            Some(hint) => format!("{own} ({hint})"),
            None => own.clone(),
        }
    }

    fn param(&self, cause: &UpstreamCause, context: &ResponseContext) -> Option<String> {
        match cause {
            UpstreamCause::ContextTooLong => Some("messages".to_owned()),
            UpstreamCause::ModelNotFound => Some("model".to_owned()),
            UpstreamCause::InvalidRequest => {
                let (path, _) = self.message.as_deref()?.split_once(": ")?;
                if let Some(path) = context.places.client_path(path) {
                    return Some(path);
                }
                let name = match path {
                    "max_tokens" if context.max_tokens_field.is_empty() => "max_tokens",
                    "max_tokens" => context.max_tokens_field,
                    other => SAME_NAME.iter().find(|name| **name == other)?,
                };
                Some(name.to_owned())
            }
            _ => None,
        }
    }

    fn meta(&self, cause: &UpstreamCause, message: &str) -> UpstreamMeta {
        let Explained { code, fault, fix, .. } = cause.explain();
        UpstreamMeta {
            provider: PROVIDER,
            upstream_status: Some(self.status),
            upstream_type: self.error_type.clone(),
            upstream_code: self.code.clone(),
            upstream_request_id: self.request_id.clone(),
            aws_request_id: self.aws_request_id.clone(),
            cause: Some(code),
            fault: Some(fault),
            denied_action: cause.denial().and_then(|denial| denial.action.clone()),
            fix,
            // A page of a proxy in between is nobody's own text.
            raw: self.message.clone().filter(|own| own != message),
        }
    }
}

/// The gateway's credentials were refused: the client's request and key are fine.
fn hide_credentials(error: &mut ApiError, cause: &UpstreamCause) {
    let (code, what) = if cause.is_authentication() {
        ("upstream_authentication_error", "The gateway could not authenticate to the upstream provider.")
    } else {
        (
            "upstream_permission_error",
            "The upstream provider refused the gateway's credentials for this request.",
        )
    };
    error.status = 502;
    error.kind = ErrorKind::Server;
    error.code = Some(Cow::Borrowed(code));
    error.param = None;
    let explained = cause.explain();
    error.message = match explained.fix {
        Some(fix) => format!("{what} ({}) For the operator: {fix}", explained.code),
        None => what.to_owned(),
    };
    // A client would retry a 502, and nothing but new credentials changes the answer.
    error.should_retry = Some(cause.should_retry());
}

/// The caller's own credentials were refused.
fn blame_credentials(error: &mut ApiError, cause: &UpstreamCause) {
    let (status, kind, code) = if cause.is_authentication() {
        (401, ErrorKind::Authentication, "invalid_api_key")
    } else {
        (403, ErrorKind::Permission, "permission_denied")
    };
    (error.status, error.kind, error.code) = (status, kind, Some(Cow::Borrowed(code)));
}

/// The message when the upstream sent none that a client should read.
fn generic_message(status: u16) -> &'static str {
    match status {
        404 => "The upstream provider does not know what the request refers to.",
        413 => "Request exceeds the maximum allowed size.",
        429 => "The upstream provider's rate limit is reached.",
        503 => "The upstream provider is overloaded.",
        504 => "The upstream provider took too long to answer.",
        500.. => "The upstream provider could not be reached.",
        _ => "The upstream provider refused the request.",
    }
}

/// The HTTP status that Anthropic's API uses for an error type.
fn usual_status(error_type: &str) -> u16 {
    match error_type {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// A non-empty string or a number, as text.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `com.amazon.coral#ExpiredTokenException:http://…` is `ExpiredTokenException`.
fn bare_aws_code(name: &str) -> String {
    let name = name.split_once(':').map_or(name, |(before, _)| before);
    name.rsplit_once('#').map_or(name, |(_, after)| after).to_owned()
}

/// The content of the first such element. AWS's error documents are flat, and nothing here is trusted to be XML.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (content, _) = after.split_once(&format!("</{name}>"))?;
    let unescaped =
        content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    Some(unescaped).filter(|text| !text.is_empty())
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(KEPT_TEXT)]).trim().to_owned()
}
