//! Refusals in the Anthropic envelope.

use serde_json::{Value, json};

use crate::answer::Answer;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlatformError {
    pub(crate) status: u16,
    /// `error.type`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// `error.details.error_code`.
    code: Option<&'static str>,
}

impl PlatformError {
    pub(crate) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), code: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "permission_error", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found_error", message)
    }

    pub(crate) fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The whole body.
    pub(crate) fn envelope(&self, request_id: &str) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Some(code) = self.code {
            error["details"] = json!({"error_code": code});
        }
        json!({"type": "error", "error": error, "request_id": request_id})
    }

    pub(crate) fn into_answer(self, request_id: &str) -> Answer {
        Answer::whole(self.status, "application/json", self.envelope(request_id).to_string())
    }
}
