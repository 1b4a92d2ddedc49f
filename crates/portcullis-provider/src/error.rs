//! Errors, from the upstream and our own, in the client's dialect.
//!
//! [`UpstreamError`] is what the upstream answered, [`UpstreamCause`] what that means, [`Class`] the row of the table that
//! says whose fault it is and what to do, [`Explained`] that row filled with what the error names, and [`ApiError`] what
//! the client reads. The table of [`UpstreamError::to_openai`] decides the last from the first.
//!
//! | upstream | client's status | `type` | `code` |
//! |---|---|---|---|
//! | 400 | 400 | `invalid_request_error` | null, or `context_length_exceeded` |
//! | 400 or 429 about a spending limit, 402 | 400, 429, 402 | `insufficient_quota` | `insufficient_quota` |
//! | 401, or AWS refuses the signature | 502 | `server_error` | `upstream_authentication_error` |
//! | 403, or AWS refuses the role | 502 | `server_error` | `upstream_permission_error` |
//! | 404 | 404 | `invalid_request_error` | `model_not_found` or `not_found` |
//! | 409 | 409 | `invalid_request_error` | `conflict` |
//! | 413 | 413 | `invalid_request_error` | `request_too_large` |
//! | 422 | 400 | `invalid_request_error` | null |
//! | 429 | 429 | `rate_limit_error` | `rate_limit_exceeded` |
//! | 500, 503 | same | `server_error` | null |
//! | 504 | 504 | `server_error` | `timeout` |
//! | 529 | 503 | `server_error` | `overloaded` |
//! | 5xx that is no JSON | 502, or 504 for 504 | `server_error` | `upstream_unreachable` or `timeout` |
//!
//! 401 and 403 become 502 because the credential is the gateway's: the client's own key is fine. The upstream's text
//! then stands in `error.metadata.raw`. It may name the role's ARN and the AWS account, which are no secrets but which
//! an operator may not want to show: the gateway can clear [`UpstreamMeta::raw`].

mod cause;
mod class;
mod denial;
mod explain;
mod handbook;
mod rate_limits;
mod redact;
mod upstream;

use std::borrow::Cow;

use serde::Serialize;

use crate::invalid::InvalidRequest;
use crate::sse;

pub use cause::UpstreamCause;
pub use class::{Class, Fault, classes, network, sts, verification};
pub use denial::{Because, Denial, PolicyKind};
pub use explain::Explained;
pub use handbook::handbook;
pub use rate_limits::rate_limit_headers;
pub use redact::redact;
pub use upstream::{CredentialHolder, UpstreamError};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Chat Completions.
    OpenAi,
    /// Messages.
    Anthropic,
}

/// What kind of error it is; each dialect has its own word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong.
    InvalidRequest,
    /// The caller's key is missing or wrong.
    Authentication,
    /// The caller's key may not do this.
    Permission,
    /// There is no such thing.
    NotFound,
    /// The state of a thing forbids it.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// Too many requests for now.
    RateLimit,
    /// The money is spent; waiting a minute does not help.
    InsufficientQuota,
    /// Our fault, or the upstream's.
    Server,
    /// The upstream has no capacity for now.
    Overloaded,
    /// It took too long.
    Timeout,
}

impl ErrorKind {
    /// OpenAI's `error.type`.
    pub fn openai_type(self) -> &'static str {
        match self {
            Self::InvalidRequest
            | Self::Authentication
            | Self::Permission
            | Self::NotFound
            | Self::Conflict
            | Self::TooLarge => "invalid_request_error",
            Self::RateLimit => "rate_limit_error",
            Self::InsufficientQuota => "insufficient_quota",
            Self::Server | Self::Overloaded | Self::Timeout => "server_error",
        }
    }

    /// Anthropic's `error.type`.
    pub fn anthropic_type(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::Authentication => "authentication_error",
            Self::Permission => "permission_error",
            Self::NotFound => "not_found_error",
            Self::Conflict => "conflict_error",
            Self::TooLarge => "request_too_large",
            Self::RateLimit => "rate_limit_error",
            Self::InsufficientQuota => "billing_error",
            Self::Server => "api_error",
            Self::Overloaded => "overloaded_error",
            Self::Timeout => "timeout_error",
        }
    }
}

/// What is known about the upstream's part in an error; `error.metadata` in OpenAI's dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UpstreamMeta {
    /// The upstream's name.
    pub provider: Cow<'static, str>,
    /// Its HTTP status; none if the stream broke.
    pub upstream_status: Option<u16>,
    /// Its `error.type`.
    pub upstream_type: Option<String>,
    /// Its `error.details.error_code`, or AWS's error code.
    pub upstream_code: Option<String>,
    /// Its `request-id`, which Anthropic knows.
    pub upstream_request_id: Option<String>,
    /// Its `x-amzn-requestid`, which CloudTrail knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_request_id: Option<String>,
    /// The stable code of the cause; see [`Class::code`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// Whose fault it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The IAM action that was refused, such as `aws-external-anthropic:CreateInference`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_action: Option<String>,
    /// What to do, with the statement to add or the command to run where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The upstream's own text, when the error's message is another one. May name ARNs and account ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// An error as a client reads it, in either dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The HTTP status for an OpenAI client; see [`ApiError::status_in`].
    pub status: u16,
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// A stable code for programs.
    pub code: Option<Cow<'static, str>>,
    /// A sentence for people.
    pub message: String,
    /// The path of the culprit in the client's request.
    pub param: Option<String>,
    /// The upstream's part, if it had one.
    pub upstream: Option<Box<UpstreamMeta>>,
    /// Value for `retry-after`, as the upstream gave it.
    pub retry_after: Option<String>,
    /// Value for `x-should-retry`; none leaves it to the client's own rule (408, 409, 429 and 5xx).
    pub should_retry: Option<bool>,
}

impl ApiError {
    /// An error that the gateway itself makes.
    pub fn new(
        status: u16,
        kind: ErrorKind,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code: Some(code.into()),
            message: message.into(),
            param: None,
            upstream: None,
            retry_after: None,
            should_retry: None,
        }
    }

    /// The refusal of a request.
    pub fn from_invalid(invalid: InvalidRequest) -> Self {
        let InvalidRequest { code, param, message } = invalid;
        Self { param, ..Self::new(400, ErrorKind::InvalidRequest, code.as_str(), message) }
    }

    /// The upstream's stream broke the protocol, or broke off.
    ///
    /// - `what`: for the client to read, such as "upstream stream ended unexpectedly".
    pub fn broken_stream(what: &'static str) -> Self {
        Self::of_class(502, ErrorKind::Server, &network::UPSTREAM_STREAM_ERROR, what)
    }

    /// An error of the gateway's own that a row of the table explains.
    pub fn of_class(status: u16, kind: ErrorKind, class: &'static Class, message: impl Into<String>) -> Self {
        let Explained { code, fault, fix, .. } = Explained::new(class, &Denial::default());
        let upstream = UpstreamMeta {
            provider: upstream::PROVIDER,
            cause: Some(code),
            fault: Some(fault),
            fix,
            ..UpstreamMeta::default()
        };
        Self { upstream: Some(Box::new(upstream)), ..Self::new(status, kind, code, message) }
    }

    /// The HTTP status in a dialect: Anthropic has one of its own for overload.
    pub fn status_in(&self, dialect: Dialect) -> u16 {
        match (dialect, self.kind) {
            (Dialect::Anthropic, ErrorKind::Overloaded) => 529,
            _ => self.status,
        }
    }

    /// The body in OpenAI's shape.
    pub fn openai_body(&self) -> Vec<u8> {
        to_json(&OpenAiBody {
            error: OpenAiError {
                message: &self.message,
                kind: self.kind.openai_type(),
                param: self.param.as_deref(),
                code: self.code.as_deref(),
                metadata: self.upstream.as_deref(),
            },
        })
    }

    /// The body in Anthropic's shape.
    pub fn anthropic_body(&self, request_id: &str) -> Vec<u8> {
        to_json(&AnthropicBody {
            kind: "error",
            error: AnthropicError {
                kind: self.kind.anthropic_type(),
                message: &self.message,
                details: self
                    .code
                    .as_deref()
                    .map(|error_code| AnthropicDetails { error_code, metadata: self.upstream.as_deref() }),
            },
            request_id,
        })
    }

    /// The last event of a stream in OpenAI's dialect. Nothing may follow it, `[DONE]` least of all: clients would
    /// take the answer for complete.
    pub fn openai_event(&self) -> Vec<u8> {
        let mut event = b"data: ".to_vec();
        event.extend_from_slice(&self.openai_body());
        event.extend_from_slice(b"\n\n");
        event
    }

    /// The last event of a stream in Anthropic's dialect.
    pub fn anthropic_event(&self, request_id: &str) -> Vec<u8> {
        let mut event = b"event: error\ndata: ".to_vec();
        event.extend_from_slice(&self.anthropic_body(request_id));
        event.extend_from_slice(b"\n\n");
        event
    }

    /// The body in a dialect.
    pub fn body(&self, dialect: Dialect, request_id: &str) -> Vec<u8> {
        match dialect {
            Dialect::OpenAi => self.openai_body(),
            Dialect::Anthropic => self.anthropic_body(request_id),
        }
    }

    /// The last event of a stream in a dialect.
    pub fn event(&self, dialect: Dialect, request_id: &str) -> Vec<u8> {
        match dialect {
            Dialect::OpenAi => self.openai_event(),
            Dialect::Anthropic => self.anthropic_event(request_id),
        }
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(invalid: InvalidRequest) -> Self {
        Self::from_invalid(invalid)
    }
}

impl From<sse::SseError> for ApiError {
    fn from(error: sse::SseError) -> Self {
        match error {
            sse::SseError::EventTooLarge { .. } => {
                Self::broken_stream("upstream sent an event that is too large")
            }
            sse::SseError::Incomplete => Self::broken_stream("upstream stream ended unexpectedly"),
        }
    }
}

#[derive(Serialize)]
struct OpenAiBody<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a UpstreamMeta>,
}

#[derive(Serialize)]
struct AnthropicBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: AnthropicError<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<AnthropicDetails<'a>>,
}

#[derive(Serialize)]
struct AnthropicDetails<'a> {
    error_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a UpstreamMeta>,
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("strings and numbers under string keys are always JSON")
}

#[cfg(test)]
mod tests;
