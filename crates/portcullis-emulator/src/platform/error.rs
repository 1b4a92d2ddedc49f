//! Refusals in the Anthropic envelope.

use serde_json::json;

use crate::answer::Answer;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlatformError {
    pub(crate) status: u16,
    /// `error.type`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl PlatformError {
    pub(crate) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
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

    pub(crate) fn into_answer(self, request_id: &str) -> Answer {
        let body = json!({"type": "error", "error": {"type": self.kind, "message": self.message}, "request_id": request_id});
        Answer::whole(self.status, "application/json", body.to_string())
    }
}
