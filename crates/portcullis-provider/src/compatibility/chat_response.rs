//! Chat Completions: what becomes of a message's fields.

use super::answer::{AnswerRow, Shown};

const fn row(
    upstream: &'static str,
    when: &'static str,
    client: &'static str,
    given: &'static str,
    shown: Shown,
) -> AnswerRow {
    AnswerRow { upstream, when, client, asked: "", given, shown }
}

impl AnswerRow {
    const fn asked(mut self, members: &'static str) -> Self {
        self.asked = members;
        self
    }
}

const CUSTOM: &str = r#""tools":[{"type":"custom","custom":{"name":"sh"}}]"#;
const CALL: &str =
    r#""stop_reason":"tool_use","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]"#;
const CITED: &str = r#""content":[{"type":"text","text":"So"},{"type":"text","text":"it is","citations":[{"type":"web_search_result_location","url":"https://x.example","title":"X","encrypted_index":"e","cited_text":"c"}]}]"#;
const THOUGHT: &str =
    r#""content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"}]"#;
const SEARCHED: &str = r#""content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},{"type":"text","text":"a"}]"#;

/// The fields of a whole answer.
pub const CHAT_RESPONSE: &[AnswerRow] = &[
    row("id", "", "`id`", "", Shown::Map(r#""id":"msg_1""#)),
    row("model", "", "`model`", "", Shown::Map(r#""model":"claude-opus-4-8""#)),
    row("content[].text", "", "`message.content`, all texts joined", r#""content":[{"type":"text","text":"So "},{"type":"text","text":"it is"}]"#, Shown::Map(r#""content":"So it is""#)),
    row("content", "without text", "`message.content: null`", r#""content":[]"#, Shown::Map(r#""content":null"#)),
    row("content[].tool_use", "", "`message.tool_calls`", CALL, Shown::Map(r#""tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#)),
    row("content[].tool_use", "of a custom tool", "`message.tool_calls` of type `custom`", r#""stop_reason":"tool_use","content":[{"type":"tool_use","id":"toolu_1","name":"sh","input":{"input":"ls"}}]"#, Shown::Map(r#""type":"custom","custom":{"name":"sh","input":"ls"}"#)).asked(CUSTOM),
    row("content[].tool_use", "of a request with `functions`", "`message.function_call`", CALL, Shown::Map(r#""function_call":{"name":"f","arguments":"{\"a\":1}"}"#)).asked(r#""functions":[{"name":"f"}]"#),
    row("content[].tool_use.caller, .toolset_name", "", "the same on the tool call", r#""stop_reason":"tool_use","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{},"toolset_name":"browser"}]"#, Shown::Extension(r#""toolset_name":"browser""#)),
    row("content[].server_tool_use and its result", "", "never a tool call", SEARCHED, Shown::Nowhere(r#""tool_calls""#)),
    row("content[].thinking", "", "`message.reasoning_content`", THOUGHT, Shown::Extension(r#""reasoning_content":"t""#)),
    row("content[].thinking, redacted_thinking", "", "`message.thinking_blocks`, to be brought back", THOUGHT, Shown::Extension(r#""thinking_blocks":[{"type":"thinking","thinking":"t","signature":"s"}]"#)),
    row("content", "when text, thinking and calls would not rebuild it", "`message.content_blocks`, to be brought back", SEARCHED, Shown::Extension(r#""content_blocks":[{"type":"server_tool_use""#)),
    row("content", "any other", "`message.content_blocks`", THOUGHT, Shown::Asked(r#""content_blocks":[{"type":"thinking""#)),
    row("content[].text.citations", "of web search results", "`message.annotations`, in code points of the content", CITED, Shown::Map(r#""annotations":[{"type":"url_citation","url_citation":{"url":"https://x.example","title":"X","start_index":2,"end_index":7}}]"#)),
    row("stop_details.explanation", "with `refusal`", "`message.refusal`", r#""stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"no"}"#, Shown::Map(r#""refusal":"no""#)),
    row("stop_details", "with `refusal`", "`choices[0].stop_details`", r#""stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"no"}"#, Shown::Extension(r#""stop_details":{"type":"refusal","explanation":"no"}"#)),
    row("stop_reason", "`end_turn`, `stop_sequence`", "`finish_reason: stop`", r#""stop_reason":"stop_sequence","stop_sequence":"END""#, Shown::Map(r#""finish_reason":"stop""#)),
    row("stop_reason", "`max_tokens`, `model_context_window_exceeded`, `pause_turn`, `compaction`", "`finish_reason: length`", r#""stop_reason":"max_tokens""#, Shown::Map(r#""finish_reason":"length""#)),
    row("stop_reason", "`tool_use`", "`finish_reason: tool_calls`", CALL, Shown::Map(r#""finish_reason":"tool_calls""#)),
    row("stop_reason", "`tool_use`, of a request with `functions`", "`finish_reason: function_call`", CALL, Shown::Map(r#""finish_reason":"function_call""#)).asked(r#""functions":[{"name":"f"}]"#),
    row("stop_reason", "`refusal`", "`finish_reason: content_filter`", r#""stop_reason":"refusal""#, Shown::Map(r#""finish_reason":"content_filter""#)),
    row("stop_reason", "one that is not known", "`finish_reason: stop`", r#""stop_reason":"tired""#, Shown::Map(r#""finish_reason":"stop""#)),
    row("stop_reason", "", "`choices[0].native_finish_reason`", r#""stop_reason":"end_turn""#, Shown::Extension(r#""native_finish_reason":"end_turn""#)),
    row("stop_sequence", "", "`choices[0].stop_sequence`", r#""stop_reason":"stop_sequence","stop_sequence":"END""#, Shown::Extension(r#""stop_sequence":"END""#)),
    row("usage.input_tokens and both cache counts", "", "`usage.prompt_tokens`, their sum", r#""usage":{"input_tokens":3,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":5}"#, Shown::Map(r#""prompt_tokens":113,"completion_tokens":5,"total_tokens":118"#)),
    row("usage.cache_read_input_tokens, .cache_creation_input_tokens", "", "`usage.prompt_tokens_details`", r#""usage":{"input_tokens":3,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":5}"#, Shown::Map(r#""prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":10}"#)),
    row("usage.output_tokens_details.thinking_tokens", "", "`usage.completion_tokens_details.reasoning_tokens`", r#""usage":{"input_tokens":3,"output_tokens":5,"output_tokens_details":{"thinking_tokens":4}}"#, Shown::Map(r#""completion_tokens_details":{"reasoning_tokens":4}"#)),
    row("usage", "", "`usage.native`, as it came", r#""usage":{"input_tokens":3,"output_tokens":5,"inference_geo":"us"}"#, Shown::Extension(r#""native":{"input_tokens":3,"output_tokens":5,"inference_geo":"us"}"#)),
    row("usage.service_tier", "when the request named a tier", "`service_tier`: `default` or `priority`", r#""usage":{"input_tokens":3,"output_tokens":5,"service_tier":"standard"}"#, Shown::Map(r#""service_tier":"default""#)).asked(r#""service_tier":"auto""#),
    row("container, context_management, diagnostics, input_transformations", "", "the same", r#""container":{"id":"c"}"#, Shown::Extension(r#""container":{"id":"c"}"#)),
    row("nothing", "", "`system_fingerprint`, `message.audio`", "", Shown::Nowhere("system_fingerprint")),
];
