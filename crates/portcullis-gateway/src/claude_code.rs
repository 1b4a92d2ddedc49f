//! What Claude Code says of a request's place in its work: read for the record, never sent on.

use http::HeaderMap;

/// Characters of one id. Claude Code's are UUIDs.
const LONGEST: usize = 128;

/// The ids of a request's session and agent, as far as they were sent.
///
/// Source: Claude Code's documentation, "LLM gateway configuration": a gateway may use these headers for attribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClaudeCode {
    pub(crate) session_id: Option<Box<str>>,
    pub(crate) agent_id: Option<Box<str>>,
    pub(crate) parent_agent_id: Option<Box<str>>,
}

impl ClaudeCode {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let id = |name: &str| {
            let text = headers.get(name)?.to_str().ok()?.trim();
            // What goes into a log line is what such an id may be.
            let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:@".contains(&b));
            ((1..=LONGEST).contains(&text.len()) && is_plain).then(|| text.into())
        };
        Self {
            session_id: id("x-claude-code-session-id"),
            agent_id: id("x-claude-code-agent-id"),
            parent_agent_id: id("x-claude-code-parent-agent-id"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_anything_else_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert("x-claude-code-session-id", "8d3f-1".parse().unwrap());
        headers.insert("x-claude-code-agent-id", "a\tb c".parse().unwrap());
        headers.insert("x-claude-code-parent-agent-id", "x".repeat(200).parse().unwrap());
        let expect = ClaudeCode { session_id: Some("8d3f-1".into()), ..ClaudeCode::default() };
        assert_eq!(ClaudeCode::of(&headers), expect);
    }
}
