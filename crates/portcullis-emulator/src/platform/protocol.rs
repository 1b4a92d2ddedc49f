//! What the headers say of how a body is to be read: the version and the betas.

use super::error::PlatformError;
use crate::server::Arrival;

/// `anthropic-version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// `2023-06-01`.
    First,
    /// `2026-10-21`.
    Second,
}

/// The version and the betas of one request; of a batch, those of its creation.
#[derive(Clone, Debug)]
pub(super) struct Protocol {
    pub(super) version: Version,
    betas: Vec<String>,
}

impl Version {
    /// Reads the header.
    pub(super) fn of(arrival: &Arrival) -> Result<Self, PlatformError> {
        match arrival.only("anthropic-version")? {
            Some("2023-06-01") => Ok(Self::First),
            Some("2026-10-21") => Ok(Self::Second),
            Some(other) => {
                Err(PlatformError::invalid(format!("anthropic-version: \"{other}\" is not a valid version")))
            }
            None => Err(PlatformError::invalid("anthropic-version: header is required")),
        }
    }
}

impl Protocol {
    /// Reads the betas. An unknown one is refused.
    pub(super) fn of(arrival: &Arrival, version: Version) -> Result<Self, PlatformError> {
        let lines = arrival.headers.iter().filter(|(name, _)| name == "anthropic-beta");
        let betas: Vec<String> = lines
            .flat_map(|(_, value)| value.split(','))
            .map(|beta| beta.trim().to_owned())
            .filter(|beta| !beta.is_empty())
            .collect();
        match betas.iter().find(|beta| !is_known(beta)) {
            Some(beta) => Err(PlatformError::invalid(format!(
                "Unexpected value(s) `{beta}` for the `anthropic-beta` header."
            ))),
            None => Ok(Self { version, betas }),
        }
    }

    /// Whether one of these families of betas was asked for, of whatever date.
    pub(super) fn has_any(&self, families: &[&str]) -> bool {
        self.betas.iter().any(|beta| family(beta).is_some_and(|family| families.contains(&family)))
    }

    /// Whether exactly this beta was asked for.
    pub(super) fn has(&self, beta: &str) -> bool {
        self.betas.iter().any(|candidate| candidate == beta)
    }
}

/// Families of betas, without their dates. Source: Anthropic's SDK for Python 2.14; Claude docs, "Beta headers"; what
/// Claude Code 2.1 can send.
const FAMILIES: &[&str] = &[
    "adaptive-thinking",
    "admin-user-sign-out",
    "advanced-tool-use",
    "advisor-tool",
    "afk-mode",
    "agent-memory",
    "analytics-usage-cost",
    "auto-mode-classifier",
    "cache-diagnosis",
    "cache-keepalive",
    "ccr-byoc",
    "ccr-triggers",
    "ce-claude-code-managed-settings",
    "ce-plugins",
    "ce-user-management",
    "claude-code",
    "claude-code-side-query",
    "code-execution",
    "compact",
    "computer-use",
    "context-1m",
    "context-hint",
    "context-management",
    "dangerous-tool-use",
    "dev-full-thinking",
    "dreaming",
    "effort",
    "efs",
    "environments",
    "experimental-claude-tag",
    "extended-cache-ttl",
    "fallback-credit",
    "fast-mode",
    "files-api",
    "fine-grained-tool-streaming",
    "google-managed-data-controls",
    "inline-tools",
    "interleaved-thinking",
    "managed-agents",
    "max-tokens-3-5-sonnet",
    "mcp-client",
    "mcp-servers",
    "mcp-tunnels",
    "message-batches",
    "message-threads",
    "mid-conversation-output-config",
    "mid-conversation-system",
    "mid-conversation-system-clear-at",
    "mid-conversation-tool-changes",
    "model-context-window-exceeded",
    "oauth",
    "oidc-federation",
    "output-128k",
    "output-300k",
    "pdfs",
    "per-turn-control",
    "program-use-case-ids",
    "prompt-caching",
    "prompt-caching-evict",
    "prompt-caching-scope",
    "redact-thinking",
    "request-tags",
    "resumption",
    "search-results",
    "server-side-fallback",
    "skills",
    "spend-limit-reads",
    "structured-outputs",
    "subagent-review",
    "summarize-connector-text",
    "task-budgets",
    "telemetry-destinations",
    "thinking-binding-controls",
    "thinking-display-updates",
    "thinking-resumption",
    "thinking-token-count",
    "timing",
    "token-counting",
    "token-efficient-tools",
    "tool-examples",
    "tool-provenance",
    "tool-search-tool",
    "user-profiles",
    "user-profiles-billing",
    "web-fetch",
    "web-search",
    "web-search-results-only",
    "webhooks",
];

fn is_known(beta: &str) -> bool {
    family(beta).is_some_and(|family| FAMILIES.contains(&family))
}

/// The name without its date, `YYYY-MM-DD` or `YYYYMMDD`.
fn family(beta: &str) -> Option<&str> {
    let is_date = |text: &str| {
        text.bytes().filter(u8::is_ascii_digit).count() == 8
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let cut = |length: usize| {
        let at = beta.len().checked_sub(length)?;
        let (name, date) = (beta.get(..at)?, beta.get(at..)?);
        let name = name.strip_suffix('-')?;
        is_date(date).then_some(name)
    };
    cut("YYYY-MM-DD".len()).or_else(|| cut("YYYYMMDD".len()))
}

#[cfg(test)]
impl Protocol {
    /// For tests of what reads bodies.
    pub(super) fn with(version: Version, betas: &[&str]) -> Self {
        Self { version, betas: betas.iter().map(|beta| (*beta).to_owned()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn betas_are_known_by_family_and_date() {
        for beta in ["context-1m-2025-08-07", "claude-code-20250219", "compact-2026-09-04"] {
            assert!(is_known(beta), "{beta}");
        }
        for beta in
            ["context-1m", "no-such-thing-2025-08-07", "-2025-08-07", "context-1m-2025-8-7", "é-2025-08-07"]
        {
            assert!(!is_known(beta), "{beta}");
        }
        let protocol = Protocol::with(Version::First, &["mcp-client-2025-11-20"]);
        assert!(protocol.has_any(&["mcp-client"]) && !protocol.has("mcp-client-2025-04-04"));
    }
}
