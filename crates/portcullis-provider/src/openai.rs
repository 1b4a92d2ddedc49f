//! What OpenAI's Chat Completions and Responses APIs define, as far as both directions need it by name.

/// Parameters of a chat completion request, as OpenAI's own clients know them.
///
/// Source: OpenAI API reference, "Create chat completion".
pub const CHAT_PARAMETERS: [&str; 39] = [
    "messages",
    "model",
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
    // Not OpenAI's, but on the same footing: OpenRouter's, and the list of betas.
    "reasoning",
    "betas",
];

/// Parameters of Anthropic's own that a chat completion request may carry as well.
pub const EXTENSIONS: [&str; 17] = [
    "thinking",
    "top_k",
    "cache_control",
    "output_config",
    "container",
    "context_management",
    "compaction",
    "mcp_servers",
    "inference_geo",
    "speed",
    "diagnostics",
    "fallbacks",
    "fallback_credit_token",
    "thread",
    "billing_policy",
    // Known, and refused with advice.
    "user_profile_id",
    "system",
];

/// Whether a rule exists for this top-level parameter.
pub fn is_chat_parameter(name: &str) -> bool {
    CHAT_PARAMETERS.contains(&name) || EXTENSIONS.contains(&name)
}

/// Parameters of a Responses request, as OpenAI's own clients know them.
///
/// Source: OpenAI API reference, "Create a model response".
pub const RESPONSES_PARAMETERS: [&str; 34] = [
    "access_programs",
    "background",
    "background_options",
    "context_management",
    "conversation",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
