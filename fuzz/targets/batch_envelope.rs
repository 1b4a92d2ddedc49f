//! The splice of a batch: each item's model changes, and not a byte beside them.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use portcullis_provider::envelope::batch::BatchEnvelope;
use portcullis_types::ModelId;

/// Where nothing else can have come from.
const MODEL: &str = "claude-spliced-1";

fuzz_target!(|data: &[u8]| {
    let Ok(envelope) = BatchEnvelope::scan(data) else { return };
    let body = Bytes::copy_from_slice(data);
    let model: ModelId = MODEL.parse().expect("a name of a model");
    let models = vec![model; envelope.models.len()];
    let spliced = envelope.splice_models(&body, &models).concat();

    let again = BatchEnvelope::scan(&spliced).expect("a spliced body is as good as the one before");
    assert_eq!(again.models.len(), envelope.models.len());
    assert!(again.models.iter().all(|item| item.model == MODEL));
    // The same models put back: whatever else changed would show.
    let before: Result<Vec<ModelId>, _> = envelope.models.iter().map(|item| item.model.parse()).collect();
    if let Ok(before) = before
        && is_written_plainly(data, &before)
    {
        let back = again.splice_models(&Bytes::from(spliced), &before).concat();
        assert_eq!(String::from_utf8_lossy(&back), String::from_utf8_lossy(data));
    }
});

/// An escape in a model's name is not written again as it was.
fn is_written_plainly(data: &[u8], models: &[ModelId]) -> bool {
    let text = String::from_utf8_lossy(data);
    !text.contains('\\') && models.iter().all(|model| text.contains(model.as_str()))
}
