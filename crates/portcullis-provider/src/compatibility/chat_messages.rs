//! Chat Completions: the conversation.

use super::request::{RequestRow, row};

const INVALID: &str = "invalid_value";
const VALUE: &str = "unsupported_value";

/// Who speaks.
pub const ROLES: &[RequestRow] = &[
    row("system, developer", "before everything else", "`system`, a block each text").given(r#""messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]"#)
        .map(r#""system":[{"type":"text","text":"Be brief."}]"#),
    row("system, developer", "later, where the model allows it", "a `system` message at the nearest legal place").given(r#""messages":[{"role":"user","content":"hi"},{"role":"system","content":"Be brief."}]"#)
        .map(r#"{"role":"system","content":[{"type":"text","text":"Be brief."}]}"#),
    row("system, developer", "later, before the user's message it belongs behind", "a `system` message behind it")
        .given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"system","content":"Be brief."},{"role":"user","content":"c"}]"#)
        .emulated("moved:messages[2]", r#"{"role":"system","content":[{"type":"text","text":"Be brief."}]}"#),
    row("system, developer", "later, on other models", "part of `system`").on("claude-opus-4-6").given(r#""messages":[{"role":"user","content":"hi"},{"role":"system","content":"Be brief."}]"#)
        .emulated("moved:messages[1]", r#""system":[{"type":"text","text":"Be brief."}]"#),
    row("system, developer", "the same with `mid_system: inline`", "a marked part of the user's turn").on("claude-opus-4-6").set(r#"{"mid_system":"inline"}"#)
        .given(r#""messages":[{"role":"user","content":"hi"},{"role":"system","content":"Be brief."}]"#)
        .emulated("emulated:messages[1]", "<system-message>"),
    row("system, developer", "nothing else in the conversation", "a user's turn").given(r#""messages":[{"role":"system","content":"hi"}]"#)
        .emulated("emulated:messages[0]", r#""messages":[{"role":"user""#),
    row("user", "consecutive ones", "one turn").given(r#""messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]"#)
        .map(r#""content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#),
    row("assistant", "", "an assistant's turn").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]"#)
        .map(r#"{"role":"assistant","content":[{"type":"text","text":"b"}]}"#),
    row("assistant", "first", "an error").given(r#""messages":[{"role":"assistant","content":"a"}]"#).refused("messages[0]", INVALID),
    row("assistant", "last, to be continued, models up to 4.5", "the same, without white space at its end").on("claude-haiku-4-5")
        .given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b "}]"#).emulated("trimmed:messages[1].content", r#""text":"b"}"#),
    row("assistant", "the same on later models", "an error").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#).refused("messages", VALUE),
    row("tool", "the result of a call", "`tool_result` in the user's turn").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c","content":"r"}],"tools":[{"type":"function","function":{"name":"f"}}]"#)
        .map(r#"{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"r"}]}"#),
    row("tool", "no such call, or a second result", "an error").given(r#""messages":[{"role":"user","content":"a"},{"role":"tool","tool_call_id":"c","content":"r"}]"#).refused("messages[1].tool_call_id", INVALID),
    row("function", "the result of a `function_call`", "`tool_result`").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","function_call":{"name":"f","arguments":""}},{"role":"function","name":"f","content":"r"}],"functions":[{"name":"f"}]"#)
        .map(r#"{"type":"tool_result","tool_use_id":"call_fn_1","content":[{"type":"text","text":"r"}]}"#),
    row("any other role", "", "an error").given(r#""messages":[{"role":"critic","content":"a"}]"#).refused("messages[0].role", INVALID),
    row("name", "on any message", "nothing").given(r#""messages":[{"role":"user","content":"a","name":"Zoe"}]"#).ignored("ignored:messages[0].name"),
    row("any other key", "of a message", "an error").given(r#""messages":[{"role":"user","content":"a","weight":1}]"#).refused("messages[0].weight", "unknown_parameter"),
];

/// What is said.
pub const CONTENT_PARTS: &[RequestRow] = &[
    row("text", "a string or a part", "a `text` block").given(r#""messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]"#).map(r#"{"type":"text","text":"a"}"#),
    row("text", "blank", "nothing: the upstream refuses blank text").given(r#""messages":[{"role":"user","content":[{"type":"text","text":" "},{"type":"text","text":"hi"}]}]"#).map(r#""content":[{"type":"text","text":"hi"}]"#),
    row("text", "nothing else in a user's turn", "an error").given(r#""messages":[{"role":"user","content":""}]"#).refused("messages[0].content", INVALID),
    row("image_url", "`https:`", "an `image` by URL").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]"#)
        .map(r#"{"type":"image","source":{"type":"url","url":"https://x.example/a.png"}}"#),
    row("image_url", "`http:`", "an error").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x.example/a.png"}}]}]"#)
        .refused("messages[0].content[0].image_url.url", INVALID),
    row("image_url", "`data:` with JPEG, PNG, GIF, WebP", "an `image` in base64").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODlhAQABAAAAACw="}}]}]"#)
        .map(r#""source":{"type":"base64","media_type":"image/gif","data":"R0lGODlhAQABAAAAACw="}"#),
    row("image_url", "`data:` whose first bytes are another type's", "the right type").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,R0lGODlhAQABAAAAACw="}}]}]"#)
        .emulated("media_type:messages[0].content[0]", r#""media_type":"image/gif""#),
    row("image_url", "`data:` with PDF or plain text", "a `document`").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:application/pdf;base64,JVBERi0xLjQ="}}]}]"#)
        .map(r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf""#),
    row("image_url", "`data:` with SVG, BMP, TIFF, HEIC", "an error").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg/>"}}]}]"#)
        .refused("messages[0].content[0].image_url.url", VALUE),
    row("image_url.detail", "`auto`", "nothing").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png","detail":"auto"}}]}]"#)
        .map(r#"{"type":"image","source":{"type":"url","url":"https://x.example/a.png"}}"#),
    row("image_url.detail", "other values", "nothing").given(r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png","detail":"low"}}]}]"#)
        .ignored("ignored:messages[0].content[0].image_url.detail"),
    row("file.file_data", "PDF, text, image; `filename`", "a `document` with its `title`, or an `image`").given(r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"JVBERi0xLjQ=","filename":"a.pdf"}}]}]"#)
        .map(r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQ="},"title":"a.pdf"}"#),
    row("file.file_data", "office formats and others", "an error").given(r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"UEsDBAo=","filename":"a.docx"}}]}]"#)
        .refused("messages[0].content[0].file.file_data", VALUE),
    row("file.file_id", "a file of the caller's", "a `document` or `image` by the upstream's id").given(r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-known"}}]}]"#)
        .map(r#"{"type":"document","source":{"type":"file","file_id":"file_011"}"#),
    row("file.file_id", "any other", "an error").given(r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-x"}}]}]"#)
        .refused("messages[0].content[0].file.file_id", INVALID),
    row("input_audio", "", "an error").given(r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"x","format":"wav"}}]}]"#).refused("messages[0].content[0].type", VALUE),
    row("refusal", "in an assistant's message", "a `text` block: it is what was said").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"user","content":"b"}]"#)
        .map(r#"{"role":"assistant","content":[{"type":"text","text":"no"}]}"#),
    row("image, document, search_result, container_upload", "Anthropic's own parts", "the same")
        .given(r#""messages":[{"role":"user","content":[{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]}]}]"#)
        .pass(r#"{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]}"#),
    row("cache_control", "on a part, message, tool or tool call", "the same").given(r#""messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]"#)
        .pass(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#),
    row("prompt_cache_breakpoint", "no `ttl`, or `30m`", "`cache_control`, for `30m` with `ttl: 1h`").given(r#""messages":[{"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit","ttl":"30m"}}]}]"#)
        .map(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#),
    row("prompt_cache_breakpoint", "`12h`", "an error").given(r#""messages":[{"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]}]"#)
        .refused("messages[0].content[0].prompt_cache_breakpoint.ttl", VALUE),
    row("any other type", "", "an error").given(r#""messages":[{"role":"user","content":[{"type":"video","video":"x"}]}]"#).refused("messages[0].content[0].type", INVALID),
];

/// What an assistant's message brings back.
pub const ASSISTANT_TURNS: &[RequestRow] = &[
    row("tool_calls[].function", "", "`tool_use`, its arguments as they were written").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1e2}"}}]},{"role":"tool","tool_call_id":"c","content":""}],"tools":[{"type":"function","function":{"name":"f"}}]"#)
        .map(r#"{"type":"tool_use","id":"c","name":"f","input":{"a":1e2}}"#),
    row("tool_calls[].function.arguments", "no JSON object", "an object that holds the text").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]},{"role":"tool","tool_call_id":"c","content":"r"}],"tools":[{"type":"function","function":{"name":"f"}}]"#)
        .emulated("emulated:messages[1].tool_calls[0].function.arguments", r#""input":{"_raw_arguments":"{"}"#),
    row("tool_calls[].id", "characters that the upstream refuses, or a second time", "rewritten in the call and its result").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c.1","type":"function","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c.1","content":"r"}],"tools":[{"type":"function","function":{"name":"f"}}]"#)
        .emulated("renamed:messages[1].tool_calls[0].id", r#""tool_use_id":"c_1""#),
    row("tool_calls", "without a result", "an error").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}}]},{"role":"user","content":"b"}],"tools":[{"type":"function","function":{"name":"f"}}]"#)
        .refused("messages[1].tool_calls[0].id", INVALID),
    row("tool_calls", "of tools that the request does not define", "placeholders that cannot be called").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c","content":"r"}]"#)
        .emulated("emulated:tools", r#""tool_choice":{"type":"none"}"#),
    row("content_blocks", "all blocks of the answer", "the turn, block for block").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","content_blocks":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"b"}]},{"role":"user","content":"c"}]"#)
        .pass(r#"[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"b"}]"#),
    row("content_blocks", "with another text than `content`", "an error").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"redacted","content_blocks":[{"type":"text","text":"b"}]},{"role":"user","content":"c"}]"#)
        .refused("messages[1].content", "conflicting_parameters"),
    row("thinking_blocks", "signed", "the same, first in the turn").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","thinking_blocks":[{"type":"thinking","thinking":"","signature":"s"}]},{"role":"user","content":"c"}]"#)
        .pass(r#"{"type":"thinking","thinking":"","signature":"s"}"#),
    row("thinking_blocks", "unsigned", "nothing: the upstream refuses it").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","thinking_blocks":[{"type":"thinking","thinking":"t"}]},{"role":"user","content":"c"}]"#)
        .ignored("dropped:messages[1].thinking_blocks[0].unsigned_thinking"),
    row("reasoning_details", "OpenRouter's, signed or encrypted, of Claude models", "thinking blocks").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_details":[{"type":"reasoning.text","text":"t","signature":"s","format":"anthropic-claude-v1"}]},{"role":"user","content":"c"}]"#)
        .map(r#"{"type":"thinking","thinking":"t","signature":"s"}"#),
    row("reasoning_content", "alone", "nothing: text without a signature is no thinking").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"t"},{"role":"user","content":"c"}]"#)
        .ignored("ignored:messages[1].reasoning_content"),
    row("refusal", "", "a `text` block").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","refusal":"no"},{"role":"user","content":"b"}]"#).map(r#"{"role":"assistant","content":[{"type":"text","text":"no"}]}"#),
    row("audio", "a reference to earlier audio", "an error").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","audio":{"id":"x"}},{"role":"user","content":"b"}]"#).refused("messages[1].audio", "unsupported_parameter"),
    row("is_error", "on a tool's message", "`tool_result.is_error`").given(r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c","content":"r","is_error":true}],"tools":[{"type":"function","function":{"name":"f"}}]"#)
        .map(r#""is_error":true"#),
];
