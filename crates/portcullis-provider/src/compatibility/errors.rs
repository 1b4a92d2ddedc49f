//! Errors of the upstream as clients of OpenAI's dialect read them.

/// One row of the table about errors.
#[derive(Clone, Copy, Debug)]
pub struct ErrorRow {
    /// The upstream's status.
    pub status: u16,
    /// What distinguishes it from others of that status.
    pub when: &'static str,
    /// The example's body.
    pub body: &'static str,
    /// The client's status, `type` and `code`.
    pub client: (u16, &'static str, Option<&'static str>),
    /// The value of `x-should-retry`, where the client's own rule would be wrong.
    pub should_retry: Option<bool>,
    /// What else there is to know.
    pub note: &'static str,
}

const fn row(
    status: u16,
    when: &'static str,
    body: &'static str,
    client: (u16, &'static str, Option<&'static str>),
) -> ErrorRow {
    ErrorRow { status, when, body, client, should_retry: None, note: "" }
}

impl ErrorRow {
    const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    const fn no_retry(mut self) -> Self {
        self.should_retry = Some(false);
        self
    }
}

const REQUEST: &str = "invalid_request_error";
const SERVER: &str = "server_error";
const QUOTA: &str = "insufficient_quota";

/// What the upstream refuses with, and what the client reads.
pub const ERRORS: &[ErrorRow] = &[
    row(400, "`invalid_request_error`", r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}"#, (400, REQUEST, None)).note("`param` is the path in the client's own request"),
    row(400, "thinking is missing before a call", r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."}}"#, (400, REQUEST, None)).note("the message goes on with what the client must bring back: `thinking_blocks`, or `reasoning` items"),
    row(400, "the prompt is too long", r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 300000 tokens > 200000 maximum"}}"#, (400, REQUEST, Some("context_length_exceeded"))),
    row(400, "a spending limit", r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#, (400, QUOTA, Some(QUOTA))).no_retry(),
    row(401, "", r#"{"type":"error","error":{"type":"authentication_error","message":"invalid"}}"#, (502, SERVER, Some("upstream_authentication_error"))).no_retry().note("the credential is the gateway's, not the client's"),
    row(402, "`billing_error`", r#"{"type":"error","error":{"type":"billing_error","message":"pay"}}"#, (402, QUOTA, Some(QUOTA))).no_retry(),
    row(403, "", r#"{"type":"error","error":{"type":"permission_error","message":"no"}}"#, (502, SERVER, Some("upstream_permission_error"))).no_retry().note("the role is the gateway's; `error.metadata` names the action that was denied"),
    row(404, "the model", r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#, (404, REQUEST, Some("model_not_found"))).note("the message names the nearest living model"),
    row(404, "anything else", r#"{"type":"error","error":{"type":"not_found_error","message":"file: file_1"}}"#, (404, REQUEST, Some("not_found"))),
    row(409, "`conflict_error`", r#"{"type":"error","error":{"type":"conflict_error","message":"busy"}}"#, (409, REQUEST, Some("conflict"))),
    row(413, "`request_too_large`, or a proxy's page", "<html>413</html>", (413, REQUEST, Some("request_too_large"))),
    row(422, "", r#"{"type":"error","error":{"type":"invalid_request_error","message":"x"}}"#, (400, REQUEST, None)),
    row(429, "`rate_limit_error`", r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#, (429, "rate_limit_error", Some("rate_limit_exceeded"))).note("`retry-after` and the rate-limit headers pass, and OpenAI's `x-ratelimit-*` are added"),
    row(500, "`api_error`", r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#, (500, SERVER, None)),
    row(503, "", r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#, (503, SERVER, None)),
    row(504, "`timeout_error`", r#"{"type":"error","error":{"type":"timeout_error","message":"x"}}"#, (504, SERVER, Some("timeout"))),
    row(529, "`overloaded_error`", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, (503, SERVER, Some("overloaded"))).note("529 is outside many clients' tables"),
    row(502, "no JSON", "<html>502</html>", (502, SERVER, Some("upstream_unreachable"))),
    row(418, "any other 4xx", r#"{"type":"error","error":{"type":"teapot_error","message":"x"}}"#, (418, REQUEST, None)),
];
