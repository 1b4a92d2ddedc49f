//! Messages: what is translated is a response whose numbers add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{CREATED, received, responses};
use portcullis_provider::responses::response::to_response;

fuzz_target!(|data: &[u8]| {
    let response = match to_response(data, &responses::context(), CREATED, CREATED + 1) {
        Ok(answer) => received::object(&answer.body),
        Err(error) => return received::check_error(&error),
    };
    assert_eq!(response["object"], "response");
    let status = response["status"].as_str().expect("a status");
    assert!(["completed", "incomplete"].contains(&status), "{status}");
    for item in response["output"].as_array().expect("an output") {
        assert!(item["type"].is_string() && item["id"].is_string(), "{item}");
    }
    let count = |name: &str| response["usage"][name].as_u64().expect("a count");
    let sum = count("input_tokens").saturating_add(count("output_tokens"));
    assert_eq!(count("total_tokens"), sum);
});
