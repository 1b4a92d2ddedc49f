//! Chat Completions: the parameters beside the conversation and the tools.

use super::request::{RequestRow, row};

const UNSUPPORTED: &str = "unsupported_parameter";
const VALUE: &str = "unsupported_value";
const INVALID: &str = "invalid_value";
const CONFLICT: &str = "conflicting_parameters";

/// A model that takes sampling parameters and a budget for thinking.
const SAMPLING: &str = "claude-sonnet-4-6";

/// Length, sampling, format, reasoning, account, and what cannot be.
pub const CHAT_PARAMETERS: &[RequestRow] = &[
    // The basis
    row("model", "`@provider/model`, or a bare id and a header that names the provider", "the model's id at the upstream")
        .map(r#"{"model":"claude-opus-4-8""#),
    row("messages", "see below", "`system` and `messages`").map(r#""messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]"#),
    row("messages", "empty", "an error").given(r#""messages":[]"#).refused("messages", INVALID),
    row("stream", "true", "`stream`").given(r#""stream":true"#).pass(r#""stream":true"#),
    row("stream", "false, with `max_tokens` up to 16000", "nothing: the answer comes whole").given(r#""stream":false"#).noop(),
    row("stream", "false, with more or no `max_tokens`", "`stream: true` upstream; the gateway puts the answer together")
        .given(r#""max_tokens":20000"#).map(r#""stream":true"#),
    row("stream_options", "`include_usage`", "a last chunk with the usage").given(r#""stream":true,"stream_options":{"include_usage":true}"#).map(r#""stream":true"#),
    row("stream_options", "`include_obfuscation: true`", "nothing").given(r#""stream":true,"stream_options":{"include_obfuscation":true}"#).ignored("ignored:stream_options.include_obfuscation"),
    row("stream_options", "without `stream: true`", "an error").given(r#""stream_options":{"include_usage":true}"#).refused("stream_options", INVALID),
    row("any other name", "not in these tables", "an error").given(r#""extra_body":1"#).refused("extra_body", "unknown_parameter"),
    // Length
    row("max_completion_tokens", "", "`max_tokens`").given(r#""max_tokens":null,"max_completion_tokens":7"#).map(r#""max_tokens":7"#),
    row("max_tokens", "", "`max_tokens`").given(r#""max_tokens":7"#).pass(r#""max_tokens":7"#),
    row("max_tokens", "beside another `max_completion_tokens`", "an error").given(r#""max_tokens":7,"max_completion_tokens":8"#).refused("max_tokens", CONFLICT),
    row("max_tokens", "absent", "the model's largest, or the provider's `max_tokens_cap`").given(r#""max_tokens":null"#).map(r#""max_tokens":128000"#),
    row("stop", "a text or a list", "`stop_sequences`").given(r#""stop":"END""#).map(r#""stop_sequences":["END"]"#),
    row("stop", "blank", "an error").given(r#""stop":[" "]"#).refused("stop[0]", INVALID),
    // Sampling
    row("temperature", "0 to 1, models up to 4.6", "`temperature`").on(SAMPLING).given(r#""temperature":0.5"#).pass(r#""temperature":0.5"#),
    row("temperature", "above 1", "an error").on(SAMPLING).given(r#""temperature":1.5"#).refused("temperature", INVALID),
    row("temperature", "1, later models", "nothing: it is the default").given(r#""temperature":1"#).noop(),
    row("temperature", "other values, later models", "an error").given(r#""temperature":0.5"#).refused("temperature", VALUE),
    row("temperature", "the same with `sampling: report`", "nothing").set(r#"{"sampling":"report"}"#).given(r#""temperature":0.5"#).ignored("ignored:temperature"),
    row("top_p", "0 to 1, models up to 4.6", "`top_p`").on(SAMPLING).given(r#""top_p":0.97"#).pass(r#""top_p":0.97"#),
    row("top_p", "1, later models", "nothing: it is the default").given(r#""top_p":1"#).noop(),
    row("top_p", "other values, later models", "an error").given(r#""top_p":0.5"#).refused("top_p", VALUE),
    row("top_p", "beside a `temperature`, neither 1", "an error").on(SAMPLING).given(r#""temperature":0.5,"top_p":0.5"#).refused("top_p", CONFLICT),
    row("seed", "", "nothing: OpenAI promises best effort only").given(r#""seed":1"#).ignored("ignored:seed"),
    row("n", "1", "nothing").given(r#""n":1"#).noop(),
    row("n", "more", "an error").given(r#""n":2"#).refused("n", VALUE),
    row("presence_penalty", "0", "nothing").given(r#""presence_penalty":0"#).noop(),
    row("presence_penalty", "other values", "an error").given(r#""presence_penalty":0.5"#).refused("presence_penalty", VALUE),
    row("frequency_penalty", "0", "nothing").given(r#""frequency_penalty":0"#).noop(),
    row("frequency_penalty", "other values", "an error").given(r#""frequency_penalty":0.5"#).refused("frequency_penalty", VALUE),
    row("logit_bias", "empty", "nothing").given(r#""logit_bias":{}"#).noop(),
    row("logit_bias", "other values", "an error").given(r#""logit_bias":{"1":2}"#).refused("logit_bias", UNSUPPORTED),
    row("logprobs", "false", "nothing").given(r#""logprobs":false"#).noop(),
    row("logprobs", "true", "an error: the upstream has none").given(r#""logprobs":true"#).refused("logprobs", UNSUPPORTED),
    row("top_logprobs", "any number", "an error").given(r#""top_logprobs":2"#).refused("top_logprobs", UNSUPPORTED),
    // The answer's form
    row("response_format", "`text`", "nothing").given(r#""response_format":{"type":"text"}"#).noop(),
    row("response_format", "`json_schema`", "`output_config.format` with an adapted schema; never a forced tool")
        .given(r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"type":"integer"}}}}}"#)
        .map(r#""output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"x":{"type":"integer"}},"additionalProperties":false}}}"#),
    row("response_format", "`json_object`", "an instruction in the system prompt").given(r#""response_format":{"type":"json_object"}"#)
        .emulated("emulated:response_format.json_object", r#""system":[{"type":"text""#),
    row("response_format", "`json_object` with `on_unsupported: error`", "an error").set(r#"{"on_unsupported":"error"}"#)
        .given(r#""response_format":{"type":"json_object"}"#).refused("response_format.json_object", UNSUPPORTED),
    row("modalities", "`[\"text\"]`", "nothing").given(r#""modalities":["text"]"#).noop(),
    row("modalities", "with audio", "an error").given(r#""modalities":["audio"]"#).refused("modalities", VALUE),
    row("audio", "", "an error").given(r#""audio":{"voice":"x","format":"wav"}"#).refused("audio", UNSUPPORTED),
    row("verbosity", "`medium`", "nothing").given(r#""verbosity":"medium""#).noop(),
    row("verbosity", "`low`, `high`", "nothing: effort is another thing").given(r#""verbosity":"low""#).ignored("ignored:verbosity"),
    row("prediction", "", "nothing: it only saves time").given(r#""prediction":{"type":"content","content":"x"}"#).ignored("ignored:prediction"),
    // Reasoning
    row("reasoning_effort", "on models that think as they see fit", "`thinking: adaptive` with its summary, and `output_config.effort`")
        .given(r#""reasoning_effort":"high""#).map(r#""thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"}"#),
    row("reasoning_effort", "on models that think with a budget (4.5)", "`thinking: enabled` with a budget within 80 % of `max_tokens`")
        .on("claude-haiku-4-5").given(r#""max_tokens":20000,"reasoning_effort":"medium""#).map(r#""thinking":{"type":"enabled","budget_tokens":12000"#),
    row("reasoning_effort", "`none` where thinking is off by default", "nothing").given(r#""reasoning_effort":"none""#).noop(),
    row("reasoning_effort", "`none` where it is on by default", "`thinking: disabled`").on("claude-opus-5").given(r#""reasoning_effort":"none""#).map(r#""thinking":{"type":"disabled"}"#),
    row("reasoning_effort", "`none` on `claude-sonnet-5-5`", "`thinking: between_tools`, the least it does").on("claude-sonnet-5-5").given(r#""reasoning_effort":"none""#)
        .emulated("emulated:reasoning_effort", r#""thinking":{"type":"between_tools""#),
    row("reasoning_effort", "`none` where thinking cannot be switched off", "an error").on("claude-opus-5-5").given(r#""reasoning_effort":"none""#).refused("reasoning_effort", VALUE),
    row("reasoning_effort", "one the model does not have", "an error").on("claude-opus-4-6").given(r#""reasoning_effort":"xhigh""#).refused("reasoning_effort", VALUE),
    row("reasoning", "OpenRouter's: `effort`, `max_tokens`, `enabled`, `exclude`", "as `reasoning_effort`").given(r#""reasoning":{"effort":"low"}"#).map(r#""output_config":{"effort":"low"}"#),
    row("reasoning", "`exclude: true`", "`thinking.display: omitted`").given(r#""reasoning":{"effort":"low","exclude":true}"#).map(r#""display":"omitted""#),
    // Who asks, and on which terms
    row("user", "an opaque id", "`metadata.user_id`").given(r#""user":"u-1""#).map(r#""metadata":{"user_id":"u-1"}"#),
    row("user", "an e-mail address or telephone number", "`metadata.user_id`, hashed").given(r#""user":"zoe@example.com""#).emulated("hashed:user", r#""metadata":{"user_id":"sha256:"#),
    row("safety_identifier", "", "`metadata.user_id`, before `user`").given(r#""safety_identifier":"s-1""#).map(r#""metadata":{"user_id":"s-1"}"#),
    row("metadata", "`user_id`", "`metadata.user_id`").given(r#""metadata":{"user_id":"m-1"}"#).map(r#""metadata":{"user_id":"m-1"}"#),
    row("metadata", "other keys", "nothing").given(r#""metadata":{"team":"x"}"#).ignored("ignored:metadata"),
    row("store", "false", "nothing").given(r#""store":false"#).noop(),
    row("store", "true", "nothing is kept").given(r#""store":true"#).ignored("ignored:store"),
    row("service_tier", "`auto`, `priority`, `fast`, `scale`", "`auto`").given(r#""service_tier":"priority""#).map(r#""service_tier":"auto""#),
    row("service_tier", "`default`", "`standard_only`").given(r#""service_tier":"default""#).map(r#""service_tier":"standard_only""#),
    row("service_tier", "`flex`", "an error").given(r#""service_tier":"flex""#).refused("service_tier", VALUE),
    row("prompt_cache_key", "", "nothing").given(r#""prompt_cache_key":"k""#).ignored("ignored:prompt_cache_key"),
    row("prompt_cache_retention", "", "nothing").given(r#""prompt_cache_retention":"24h""#).ignored("ignored:prompt_cache_retention"),
    row("prompt_cache_options", "`implicit`", "top-level `cache_control`").given(r#""prompt_cache_options":{"mode":"implicit"}"#).map(r#""cache_control":{"type":"ephemeral"}"#),
    row("prompt_cache_options", "`explicit`", "nothing: only the marked parts").given(r#""prompt_cache_options":{"mode":"explicit"}"#).noop(),
    row("moderation", "", "an error: a promise nobody here can keep").given(r#""moderation":{"mode":"x"}"#).refused("moderation", UNSUPPORTED),
    // Web search
    row("web_search_options", "", "the tool `web_search_20250305`").given(r#""web_search_options":{}"#).map(r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#),
    row("web_search_options", "`user_location`", "`user_location` of the tool").given(r#""web_search_options":{"user_location":{"type":"approximate","approximate":{"city":"Bern"}}}"#)
        .map(r#""user_location":{"type":"approximate","city":"Bern"}"#),
    row("web_search_options", "`search_context_size` other than `medium`", "nothing").given(r#""web_search_options":{"search_context_size":"low"}"#).ignored("ignored:web_search_options.search_context_size"),
];
