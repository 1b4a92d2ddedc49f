//! The `encrypted_content` of reasoning and compaction items: blocks of the upstream, wrapped so that clients keep them.
//!
//! The blocks are signed or encrypted by the upstream already, so the wrapping only has to be recognisable and safe in
//! any JSON: a prefix, then the blocks' JSON array in URL-safe base64. LiteLLM puts the bare array there; that is read
//! as well, so that conversations begun behind it go on.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// What our own begins with.
pub const PREFIX: &str = "anthropic.v1.";

/// Written without padding, read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Wraps blocks as they came from the upstream.
pub(crate) fn encode(blocks: &[&Value]) -> String {
    let json = serde_json::to_vec(blocks).expect("a JSON value is always JSON");
    let mut text = PREFIX.to_owned();
    BASE64.encode_string(json, &mut text);
    text
}

/// The JSON that was wrapped; none if the text is neither ours nor LiteLLM's. What it says is still to be checked.
pub(crate) fn decode(text: &str) -> Option<String> {
    match text.strip_prefix(PREFIX) {
        Some(base64) => String::from_utf8(BASE64.decode(base64.trim_ascii()).ok()?).ok(),
        None => text.trim_start().starts_with('[').then(|| text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_wrapped_comes_back() {
        let block = json!({"type": "thinking", "thinking": "hm? é", "signature": "sig=="});
        let text = encode(&[&block, &block]);
        assert!(text.starts_with("anthropic.v1.W3si"), "{text}");
        assert_eq!(decode(&text), Some(json!([block, block]).to_string()));
        for length in 0..4 {
            let text = encode(&[&json!("x".repeat(length))]);
            let padded = format!("{text}{}", "=".repeat((4 - (text.len() - PREFIX.len()) % 4) % 4));
            assert_eq!(decode(&padded), decode(&text), "{padded}");
        }
    }

    #[test]
    fn the_array_of_litellm_is_read_and_anything_else_is_foreign() {
        assert_eq!(decode("[{}]").as_deref(), Some("[{}]"));
        for foreign in ["", "gAAAAABo", "anthropic.v1.!", "anthropic.v1.gA", "anthropic.v2.W10"] {
            assert_eq!(decode(foreign), None, "{foreign}");
        }
    }
}
