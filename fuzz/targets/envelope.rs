//! The model splice: one value changes, and not a byte beside it.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use portcullis_provider::Envelope;
use portcullis_types::ModelId;
use serde_json::{Map, Value};

/// None where a text has an escape for half a character: JSON's grammar has it, and no string of Rust's can hold it.
fn members(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

fuzz_target!(|data: &[u8]| {
    let Ok(envelope) = Envelope::scan(data) else { return };
    let body = Bytes::copy_from_slice(data);
    let (before, after) = (&data[..envelope.model_span.start], &data[envelope.model_span.end..]);
    let original = members(data);
    assert!(original.as_ref().is_none_or(|original| original["model"] == envelope.model.as_str()));

    let model: ModelId = "claude-spliced-1".parse().expect("a name of a model");
    let spliced = envelope.splice_model(&body, &model);
    if envelope.model != model.as_str() {
        assert_eq!(spliced, [before, b"\"claude-spliced-1\"", after].concat());
    }

    let again = Envelope::scan(&spliced).expect("a spliced body is as good as the one before");
    assert_eq!((again.model.as_str(), again.stream), ("claude-spliced-1", envelope.stream));
    let expected = original.map(|mut original| {
        original["model"] = "claude-spliced-1".into();
        original
    });
    assert_eq!(members(&spliced), expected);
});
