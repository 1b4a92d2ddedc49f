//! Messages: what is translated is a chat completion whose numbers add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{CREATED, received};
use portcullis_provider::{ResponseContext, to_completion};
use portcullis_types::Compliance;

const FINISH_REASONS: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

fuzz_target!(|data: &[u8]| {
    for compliance in [Compliance::Strict, Compliance::Extended] {
        let context = ResponseContext { compliance, ..ResponseContext::default() };
        let completion = match to_completion(data, &context, CREATED) {
            Ok(completion) => received::object(&completion.body),
            Err(error) => return received::check_error(&error),
        };
        let [choice] = &completion["choices"].as_array().expect("choices")[..] else {
            panic!("not one choice")
        };
        let reason = choice["finish_reason"].as_str().expect("a finish reason");
        assert!(FINISH_REASONS.contains(&reason), "{reason}");
        let count = |name: &str| completion["usage"][name].as_u64().expect("a count");
        let sum = count("prompt_tokens").saturating_add(count("completion_tokens"));
        assert_eq!(count("total_tokens"), sum);
    }
});
