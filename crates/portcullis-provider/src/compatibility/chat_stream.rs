//! Chat Completions: what becomes of a stream's events.

use super::answer::{Emitted, EventRow};

const fn row(
    event: &'static str,
    when: &'static str,
    emits: &'static str,
    given: &'static [&'static str],
    emitted: Emitted,
) -> EventRow {
    EventRow { event, when, emits, asked: r#""stream":true"#, given, emitted }
}

impl EventRow {
    const fn asked(mut self, members: &'static str) -> Self {
        self.asked = members;
        self
    }
}

const TEXT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const THINKING: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#;
const CALL: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}"#;
const SERVER_CALL: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#;
const JSON: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#;
const STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"#;
const LAST: &str = r#"{"type":"message_stop"}"#;

/// The events of a stream.
pub const CHAT_STREAM: &[EventRow] = &[
    row("content_block_start", "the first, of text", "the role, with empty content", &[TEXT], Emitted::Sends(r#""delta":{"role":"assistant","content":"","refusal":null}"#)),
    row("content_block_start", "the first, of anything else", "the role, with `content: null`", &[THINKING], Emitted::Sends(r#""delta":{"role":"assistant","content":null,"refusal":null}"#)),
    row("content_block_start", "of `tool_use`", "a tool call with index, id and name", &[CALL], Emitted::Sends(r#""tool_calls":[{"index":0,"id":"toolu_1","type":"function","function":{"name":"f","arguments":""}}]"#)),
    row("content_block_start", "of a server's tool, its result, or an unknown block", "nothing; it is in `content_blocks` at the end", &[TEXT, STOP, r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#], Emitted::Nothing),
    row("content_block_delta", "`text_delta`", "`delta.content`", &[TEXT, r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"So"}}"#], Emitted::Sends(r#""delta":{"content":"So"}"#)),
    row("content_block_delta", "`thinking_delta`", "`delta.reasoning_content`", &[THINKING, r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"t"}}"#], Emitted::Sends(r#""delta":{"reasoning_content":"t"}"#)),
    row("content_block_delta", "`signature_delta`", "nothing; it is in `thinking_blocks` at the end", &[THINKING, r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#], Emitted::Nothing),
    row("content_block_delta", "`input_json_delta` of `tool_use`", "the arguments, as they were cut", &[CALL, JSON], Emitted::Sends(r#""tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]"#)),
    row("content_block_delta", "`input_json_delta` of a server's tool", "nothing: it is not the client's call", &[SERVER_CALL, JSON], Emitted::Nothing),
    row("content_block_delta", "`citations_delta`", "nothing; it is in `annotations` at the end", &[TEXT, r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://x.example","title":"X","encrypted_index":"e","cited_text":"c"}}}"#], Emitted::Nothing),
    row("content_block_stop", "of a `tool_use` without arguments", "`{}` as its arguments", &[CALL, STOP], Emitted::Sends(r#""function":{"arguments":"{}"}"#)),
    row("content_block_stop", "of a custom tool's call", "the whole call", &[r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"sh","input":{"input":"ls"}}}"#, STOP], Emitted::Sends(r#""type":"custom","custom":{"name":"sh","input":"ls"}"#)).asked(r#""stream":true,"tools":[{"type":"custom","custom":{"name":"sh"}}]"#),
    row("content_block_stop", "of any other block", "nothing", &[TEXT, STOP], Emitted::Nothing),
    row("message_delta", "with a `stop_reason`", "`finish_reason`, and what is sent once: `thinking_blocks`, `content_blocks`, `annotations`", &[TEXT, STOP, END], Emitted::Sends(r#""finish_reason":"stop","native_finish_reason":"end_turn""#)),
    row("message_delta", "a refusal with an explanation", "`delta.refusal`, then `finish_reason: content_filter`", &[r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"no"}},"usage":{"output_tokens":5}}"#], Emitted::Sends(r#""delta":{"refusal":"no"}"#)),
    row("message_stop", "", "`[DONE]`", &[TEXT, STOP, END, LAST], Emitted::Sends("data: [DONE]\n\n")),
    row("message_stop", "with `include_usage`", "the usage, then `[DONE]`", &[TEXT, STOP, END, LAST], Emitted::Sends(r#""choices":[],"usage":{"prompt_tokens":3"#)).asked(r#""stream":true,"stream_options":{"include_usage":true}"#),
    row("ping", "", "a comment, which SDKs do not show", &[r#"{"type":"ping"}"#], Emitted::Sends(": ping\n\n")),
    row("any other event", "", "nothing", &[r#"{"type":"weather"}"#], Emitted::Nothing),
    row("error", "", "the error, and neither `finish_reason` nor `[DONE]`", &[TEXT, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#], Emitted::Fails("overloaded")),
    row("a second message_start, or a delta of no block", "", "an error: the stream is broken", &[r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"So"}}"#], Emitted::Fails("upstream_stream_error")),
];
