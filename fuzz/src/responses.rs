//! What the way back to a client of the Responses API has to know of its request.

use portcullis_provider::Target;
use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_types::{ModelId, TranslationOptions};

/// A request with every kind of tool that has items of its own, and with everything included.
const REQUEST: &[u8] = br#"{
    "model": "m", "input": "Hello", "stream": true, "include": ["reasoning.encrypted_content"],
    "tools": [{"type": "function", "name": "get_weather", "parameters": null, "strict": null},
              {"type": "custom", "name": "shell"}, {"type": "web_search"}]
}"#;

/// The context of that request.
///
/// # Panics
/// If the request is refused, which is then what has to be mended.
#[must_use]
pub fn context() -> ResponsesContext {
    let model: ModelId = "claude-opus-4-8".parse().expect("a name of a model");
    let request = ResponsesRequest::parse(REQUEST).expect("a request");
    let target = Target::embedded(&model, TranslationOptions::default());
    match request.to_messages(&target, None) {
        Ok(translated) => translated.context,
        Err(invalid) => panic!("{invalid:?}"),
    }
}
