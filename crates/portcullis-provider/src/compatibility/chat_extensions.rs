//! Chat Completions: Anthropic's own parameters that a request may carry as well.

use super::request::{RequestRow, row};

/// Parameters of the Messages API on a chat completion request.
pub const CHAT_EXTENSIONS: &[RequestRow] = &[
    row("thinking", "one the model accepts", "the same")
        .given(r#""thinking":{"type":"adaptive"}"#)
        .pass(r#""thinking":{"type":"adaptive"}"#),
    row("thinking", "one it does not", "an error, with what it accepts")
        .given(r#""thinking":{"type":"enabled","budget_tokens":2000}"#)
        .refused("thinking.type", "unsupported_value"),
    row("thinking", "beside `reasoning_effort`", "an error")
        .given(r#""thinking":{"type":"adaptive"},"reasoning_effort":"low""#)
        .refused("reasoning_effort", "conflicting_parameters"),
    row("top_k", "models up to 4.6", "the same")
        .on("claude-sonnet-4-6")
        .given(r#""top_k":5"#)
        .pass(r#""top_k":5"#),
    row("top_k", "later models", "an error").given(r#""top_k":5"#).refused("top_k", "unsupported_parameter"),
    row("cache_control", "", "the same")
        .given(r#""cache_control":{"type":"ephemeral"}"#)
        .pass(r#""cache_control":{"type":"ephemeral"}"#),
    row("output_config", "", "the same, merged with what other parameters put there")
        .given(r#""output_config":{"effort":"low"}"#)
        .pass(r#""output_config":{"effort":"low"}"#),
    row("container", "", "the same").given(r#""container":"c""#).pass(r#""container":"c""#),
    row("context_management", "Anthropic's `edits`", "the same")
        .given(r#""context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}"#)
        .pass(r#""context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}"#),
    row(
        "context_management",
        "edits that the client does not flag",
        "`anthropic-beta: context-management-2025-06-27`, or `compact-2026-01-12`",
    )
    .given(r#""context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}"#)
    .header("context-management-2025-06-27"),
    row("context_management", "OpenAI's list", "`edits` with a compaction")
        .given(r#""context_management":[{"type":"compaction","compact_threshold":100000}]"#)
        .map(r#"{"edits":[{"type":"compact_20260112","trigger":{"type":"input_tokens","value":100000}}]}"#),
    row("compaction", "", "the same")
        .given(r#""compaction":{"enabled":true}"#)
        .pass(r#""compaction":{"enabled":true}"#),
    row("mcp_servers", "", "the same, and an `mcp_toolset` for each")
        .given(r#""mcp_servers":[{"type":"url","url":"https://x.example","name":"s"}]"#)
        .map(r#""tools":[{"type":"mcp_toolset","mcp_server_name":"s"}]"#),
    row("mcp_servers", "without a flag of the client's own", "`anthropic-beta: mcp-client-2025-11-20`")
        .given(r#""mcp_servers":[{"type":"url","url":"https://x.example","name":"s"}]"#)
        .header("mcp-client-2025-11-20"),
    row("inference_geo", "", "the same").given(r#""inference_geo":"us""#).pass(r#""inference_geo":"us""#),
    row("speed", "", "the same").given(r#""speed":"fast""#).pass(r#""speed":"fast""#),
    row("speed", "", "`anthropic-beta: fast-mode-2026-02-01`")
        .given(r#""speed":"fast""#)
        .header("fast-mode-2026-02-01"),
    row("diagnostics", "", "the same")
        .given(r#""diagnostics":{"cache":true}"#)
        .pass(r#""diagnostics":{"cache":true}"#),
    row("fallbacks", "", "the same")
        .given(r#""fallbacks":[{"model":"claude-opus-4-7"}]"#)
        .pass(r#""fallbacks":[{"model":"claude-opus-4-7"}]"#),
    row("fallback_credit_token", "", "the same")
        .given(r#""fallback_credit_token":"t""#)
        .pass(r#""fallback_credit_token":"t""#),
    row("thread", "", "the same")
        .given(r#""thread":{"type":"create"}"#)
        .pass(r#""thread":{"type":"create"}"#),
    row("billing_policy", "", "the same").given(r#""billing_policy":"p""#).pass(r#""billing_policy":"p""#),
    row("betas", "a list of beta names", "part of the header `anthropic-beta`, behind the client's own")
        .given(r#""betas":["a-2026-01-01"]"#)
        .header("a-2026-01-01"),
    row(
        "user_profile_id",
        "beside the same header or none; in a batch only the header serves",
        "the header `anthropic-user-profile-id`",
    )
    .given(r#""user_profile_id":"uprof_1""#)
    .profile("uprof_1"),
    row("user_profile_id", "what fits in no header", "an error")
        .given(r#""user_profile_id":"a b""#)
        .refused("user_profile_id", "invalid_value"),
    row("system", "", "an error: it belongs in `messages`")
        .given(r#""system":"x""#)
        .refused("system", "unsupported_parameter"),
];
