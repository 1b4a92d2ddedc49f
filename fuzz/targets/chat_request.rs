//! Chat Completions requests: what is accepted is a Messages request for every model, and always the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{models, received};
use portcullis_provider::{ApiError, ChatRequest};

fuzz_target!(|data: &[u8]| {
    let request = match ChatRequest::parse(data) {
        Ok(request) => request,
        Err(invalid) => return received::check_error(&ApiError::from_invalid(invalid)),
    };
    models::for_each_target(|target| match request.to_messages(target) {
        Ok(translated) => {
            let (betas, warnings) = (&translated.betas, &translated.warnings);
            received::check_messages_request(&translated.body, target.model.as_str(), betas, warnings);
            let again = request.to_messages(target).expect("what was accepted is accepted again");
            assert_eq!(again.body, translated.body);
        }
        Err(invalid) => received::check_error(&ApiError::from_invalid(invalid)),
    });
});
