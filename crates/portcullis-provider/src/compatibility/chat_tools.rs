//! Chat Completions: tools, the choice among them, and JSON schemas.

use super::request::{RequestRow, row};

const INVALID: &str = "invalid_value";
const VALUE: &str = "unsupported_value";
const CONFLICT: &str = "conflicting_parameters";

/// What can be called.
pub const TOOLS: &[RequestRow] = &[
    row("tools[].function", "", "a tool, its schema as it was written").given(r#""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}]"#)
        .map(r#"{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"integer"}}}}"#),
    row("tools[].function.parameters", "absent", "a schema without properties").given(r#""tools":[{"type":"function","function":{"name":"f"}}]"#).map(r#""input_schema":{"type":"object","properties":{}}"#),
    row("tools[].function.strict", "true", "`strict`, with an adapted schema").given(r#""tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}]"#)
        .map(r#""additionalProperties":false},"strict":true"#),
    row("tools[].function.name", "not 1 to 64 of `a-zA-Z0-9_-`", "an error").given(r#""tools":[{"type":"function","function":{"name":"a.b"}}]"#).refused("tools[0].function.name", INVALID),
    row("tools[].function.name", "the same with `rename_tools`", "another name there, its own on the way back").set(r#"{"rename_tools":true}"#)
        .given(r#""tools":[{"type":"function","function":{"name":"a.b"}}]"#).emulated("renamed:tools[0].function.name", r#""name":"a_b""#),
    row("tools[]", "two of one name", "an error").given(r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#).refused("tools[1]", INVALID),
    row("tools[].custom", "free text", "a tool that takes one text, turned back in the answer").given(r#""tools":[{"type":"custom","custom":{"name":"sh"}}]"#)
        .emulated("emulated:tools[0]", r#""input_schema":{"type":"object","properties":{"input":{"type":"string"}}"#),
    row("tools[].custom.format", "a grammar", "an error").given(r#""tools":[{"type":"custom","custom":{"name":"sh","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}]"#)
        .refused("tools[0].custom.format", VALUE),
    row("tools[]", "Anthropic's own (`input_schema`, or a dated `type`)", "the same").given(r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#).pass(r#"{"type":"web_search_20250305","name":"web_search"}"#),
    row("tools[].type", "any other", "an error").given(r#""tools":[{"type":"file_search"}]"#).refused("tools[0].type", INVALID),
    row("tools[].cache_control", "and `defer_loading`, `allowed_callers`, `input_examples`, `eager_input_streaming`", "the same").given(r#""tools":[{"type":"function","function":{"name":"f"},"defer_loading":true}]"#).pass(r#""defer_loading":true"#),
    row("functions", "deprecated", "tools; answers use `function_call`").given(r#""functions":[{"name":"f"}]"#).map(r#""tools":[{"name":"f","#),
    row("functions", "beside `tools`", "an error").given(r#""functions":[{"name":"f"}],"tools":[{"type":"function","function":{"name":"g"}}]"#).refused("functions", CONFLICT),
];

/// Which of them is called.
pub const TOOL_CHOICE: &[RequestRow] = &[
    row("tool_choice", "`auto`", "`auto`").given(r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto""#).map(r#""tool_choice":{"type":"auto"}"#),
    row("tool_choice", "`none`", "`none`; the tools stay").given(r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none""#).map(r#""tool_choice":{"type":"none"}"#),
    row("tool_choice", "`required`", "`any`").given(r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#).map(r#""tool_choice":{"type":"any"}"#),
    row("tool_choice", "`required` or a function, on models that refuse it", "an error").on("claude-opus-5-5").given(r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#).refused("tool_choice", VALUE),
    row("tool_choice", "a function or custom tool", "`tool`").given(r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}"#).map(r#""tool_choice":{"type":"tool","name":"f"}"#),
    row("tool_choice", "`allowed_tools`", "only those tools are sent").given(r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}"#)
        .emulated("emulated:tool_choice.allowed_tools", r#""tools":[{"name":"g""#),
    row("tool_choice", "a demand without tools", "an error").given(r#""tool_choice":"required""#).refused("tool_choice", INVALID),
    row("function_call", "deprecated", "as `tool_choice`").given(r#""functions":[{"name":"f"}],"function_call":{"name":"f"}"#).map(r#""tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true}"#),
    row("parallel_tool_calls", "true", "nothing").given(r#""parallel_tool_calls":true"#).noop(),
    row("parallel_tool_calls", "false", "`disable_parallel_tool_use`").given(r#""tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false"#).map(r#""disable_parallel_tool_use":true"#),
];

/// Schemas of `response_format` and of strict tools. Those of other tools are sent as they were written.
pub const SCHEMAS: &[RequestRow] = &[
    row("type, enum, const, anyOf, allOf, $ref, $defs, default, required, title, description", "", "kept").given(r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"enum":["a","b"]}},"required":["x"]}}}"#)
        .map(r#""properties":{"x":{"enum":["a","b"]}},"required":["x"]"#),
    row("oneOf", "", "`anyOf`").given(r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"oneOf":[{"type":"string"},{"type":"null"}]}}}}}"#)
        .map(r#""x":{"anyOf":[{"type":"string"},{"type":"null"}]}"#),
    row("additionalProperties", "beside properties", "false").given(r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"type":"string"}}}}}"#)
        .map(r#""additionalProperties":false"#),
    row("additionalProperties", "alone: a map", "an error").given(r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}}}}"#)
        .refused("response_format.json_schema.schema/properties/m", VALUE),
    row("minimum, maxLength, uniqueItems and other bounds", "", "words in the description, not enforced").given(r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"type":"integer","minimum":0}}}}}"#)
        .emulated("schema:/properties/x", r#""description":"{minimum: 0}""#),
    row("$ref", "recursive or external", "an error").given(r##""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"$ref":"#"}}}}}"##)
        .refused("response_format.json_schema.schema", VALUE),
];
