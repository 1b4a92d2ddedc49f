//! What OpenAI's Chat Completions API defines, as far as both directions need it by name.
