//! The Responses API: the items of an output, and the events of a stream.

use super::answer::{Emitted, EventRow};

/// One row of the table about a response's fields.
#[derive(Clone, Copy, Debug)]
pub struct ResponseRow {
    /// The upstream's field or block.
    pub upstream: &'static str,
    /// When, if not always.
    pub when: &'static str,
    /// What the client finds.
    pub client: &'static str,
    /// The example's request: members in JSON.
    pub asked: &'static str,
    /// The example: members of the upstream's message, in JSON.
    pub given: &'static str,
    /// This text is part of the Response.
    pub holds: &'static str,
}

const fn item(
    upstream: &'static str,
    when: &'static str,
    client: &'static str,
    given: &'static str,
    holds: &'static str,
) -> ResponseRow {
    ResponseRow { upstream, when, client, asked: "", given, holds }
}

impl ResponseRow {
    const fn asked(mut self, members: &'static str) -> Self {
        self.asked = members;
        self
    }
}

const THOUGHT: &str =
    r#""content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"}]"#;

/// The fields and items of a whole response.
pub const RESPONSES_OUTPUT: &[ResponseRow] = &[
    item("id", "", "`id: resp_…`", "", r#""id":"resp_1""#),
    item("text", "neighbouring ones", "one `message` with one `output_text`", r#""content":[{"type":"text","text":"So "},{"type":"text","text":"it is"}]"#, r#""text":"So it is""#),
    item("text.citations", "of web search results", "`annotations`", r#""content":[{"type":"text","text":"it is","citations":[{"type":"web_search_result_location","url":"https://x.example","title":"X","encrypted_index":"e","cited_text":"c"}]}]"#, r#""type":"url_citation""#),
    item("thinking, redacted_thinking", "neighbouring ones", "one `reasoning` with summaries", THOUGHT, r#""summary":[{"type":"summary_text","text":"t"}]"#),
    item("thinking, redacted_thinking", "with `include: reasoning.encrypted_content`", "`encrypted_content`, to be brought back", THOUGHT, r#""encrypted_content":"anthropic.v1."#).asked(r#""include":["reasoning.encrypted_content"]"#),
    item("tool_use", "", "`function_call`", r#""stop_reason":"tool_use","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]"#, r#""call_id":"toolu_1","name":"f","arguments":"{\"a\":1}""#),
    item("tool_use", "of a custom tool", "`custom_tool_call`", r#""stop_reason":"tool_use","content":[{"type":"tool_use","id":"toolu_1","name":"sh","input":{"input":"ls"}}]"#, r#""type":"custom_tool_call""#).asked(r#""tools":[{"type":"custom","name":"sh"}]"#),
    item("server_tool_use", "of web search, with its result", "`web_search_call`", r#""content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]}]"#, r#""type":"web_search_call""#),
    item("server_tool_use", "of code execution, with its result", "`code_interpreter_call`", r#""content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"code_execution","input":{"code":"1"}},{"type":"code_execution_tool_result","tool_use_id":"srvtoolu_1","content":{"type":"code_execution_result","stdout":"1","stderr":"","return_code":0,"content":[]}}]"#, r#""type":"code_interpreter_call""#),
    item("mcp_tool_use", "with its result", "`mcp_call`", r#""content":[{"type":"mcp_tool_use","id":"mcptoolu_1","name":"f","server_name":"s","input":{}},{"type":"mcp_tool_result","tool_use_id":"mcptoolu_1","is_error":false,"content":[{"type":"text","text":"r"}]}]"#, r#""type":"mcp_call""#),
    item("compaction", "", "`compaction`", r#""content":[{"type":"compaction","content":"c"},{"type":"text","text":"a"}]"#, r#""type":"compaction""#),
    item("stop_reason", "`end_turn`, `stop_sequence`, `tool_use`", "`status: completed`", r#""stop_reason":"end_turn""#, r#""status":"completed""#),
    item("stop_reason", "`max_tokens`, `model_context_window_exceeded`, `pause_turn`, `compaction`", "`status: incomplete`, `max_output_tokens`", r#""stop_reason":"max_tokens""#, r#""incomplete_details":{"reason":"max_output_tokens"}"#),
    item("stop_reason", "`refusal`", "`status: incomplete`, `content_filter`", r#""stop_reason":"refusal""#, r#""incomplete_details":{"reason":"content_filter"}"#),
    item("stop_details.explanation", "with `refusal`", "a part of type `refusal`", r#""stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"no"}"#, r#"{"type":"refusal","refusal":"no"}"#),
    item("usage", "", "`usage`, the prompt's count with what the cache held", r#""usage":{"input_tokens":3,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":5}"#, r#""input_tokens":113"#),
    item("the request's parameters", "", "the same, said again", "", r#""max_output_tokens":1000"#),
];

const fn row(
    event: &'static str,
    when: &'static str,
    emits: &'static str,
    given: &'static [&'static str],
    emitted: Emitted,
) -> EventRow {
    EventRow { event, when, emits, asked: r#""stream":true"#, given, emitted }
}

const TEXT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const SAID: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"So"}}"#;
const THINKING: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#;
const THOUGHT_OF: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"t"}}"#;
const CALL: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}"#;
const JSON: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#;
const SEARCH: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}}}"#;
const STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"#;
const CUT: &str = r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"output_tokens":5}}"#;
const LAST: &str = r#"{"type":"message_stop"}"#;

/// The events of a stream.
pub const RESPONSES_STREAM: &[EventRow] = &[
    row(
        "message_start",
        "",
        "`response.created`, `response.in_progress`",
        &[],
        Emitted::Sends("event: response.in_progress"),
    ),
    row(
        "content_block_start",
        "of text",
        "`response.output_item.added`, `response.content_part.added`",
        &[TEXT],
        Emitted::Sends("event: response.content_part.added"),
    ),
    row(
        "content_block_start",
        "of thinking",
        "`response.output_item.added`",
        &[THINKING],
        Emitted::Sends(r#""type":"reasoning""#),
    ),
    row(
        "content_block_start",
        "of `tool_use`",
        "`response.output_item.added`",
        &[CALL],
        Emitted::Sends(r#""type":"function_call""#),
    ),
    row(
        "content_block_start",
        "of a web search",
        "`response.output_item.added`, `response.web_search_call.in_progress`",
        &[SEARCH],
        Emitted::Sends("event: response.web_search_call.in_progress"),
    ),
    row(
        "content_block_delta",
        "`text_delta`",
        "`response.output_text.delta`",
        &[TEXT, SAID],
        Emitted::Sends("event: response.output_text.delta"),
    ),
    row(
        "content_block_delta",
        "`thinking_delta`",
        "`response.reasoning_summary_text.delta`",
        &[THINKING, THOUGHT_OF],
        Emitted::Sends("event: response.reasoning_summary_text.delta"),
    ),
    row(
        "content_block_delta",
        "`signature_delta`",
        "nothing; it is in `encrypted_content` at the end, if that is included",
        &[
            THINKING,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
        ],
        Emitted::Nothing,
    ),
    row(
        "content_block_delta",
        "`input_json_delta`",
        "`response.function_call_arguments.delta`",
        &[CALL, JSON],
        Emitted::Sends("event: response.function_call_arguments.delta"),
    ),
    row(
        "content_block_stop",
        "of thinking",
        "`response.reasoning_summary_text.done`, `response.reasoning_summary_part.done`",
        &[THINKING, THOUGHT_OF, STOP],
        Emitted::Sends("event: response.reasoning_summary_part.done"),
    ),
    row(
        "content_block_stop",
        "of `tool_use`",
        "`response.function_call_arguments.done`",
        &[CALL, JSON, STOP],
        Emitted::Sends("event: response.function_call_arguments.done"),
    ),
    row(
        "content_block_start",
        "of another item",
        "`response.output_item.done` of the one before, and its own",
        &[
            THINKING,
            THOUGHT_OF,
            STOP,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        ],
        Emitted::Sends("event: response.output_item.done"),
    ),
    row(
        "message_stop",
        "",
        "the `.done` events of the last item, `response.completed`",
        &[TEXT, SAID, STOP, END, LAST],
        Emitted::Sends("event: response.completed"),
    ),
    row(
        "message_stop",
        "of an answer that was cut or refused",
        "`response.incomplete`",
        &[TEXT, SAID, STOP, CUT, LAST],
        Emitted::Sends("event: response.incomplete"),
    ),
    row("ping", "", "a comment", &[r#"{"type":"ping"}"#], Emitted::Sends(": ping\n\n")),
    row("any other event", "", "nothing", &[r#"{"type":"weather"}"#], Emitted::Nothing),
    row(
        "error",
        "",
        "`response.failed`, and nothing after it",
        &[TEXT, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#],
        Emitted::Fails("overloaded"),
    ),
];
