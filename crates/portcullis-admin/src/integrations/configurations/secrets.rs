//! Secrets as clients write them. Nothing here repeats one in a message.

use portcullis_types::{SecretString, api_key};
use serde_json::Value;

use crate::fields::Reading;
use crate::fields::read::{self, invalid};

/// What stands in place of a secret.
pub(super) const MASK: &str = "********";

/// A secret access key: 1 to 512 visible ASCII characters.
pub(super) fn secret_access_key(value: Value) -> Reading<SecretString> {
    let text = read::string(value)?;
    let fits = (1..=512).contains(&text.len()) && is_visible(&text);
    if fits { Ok(text.into()) } else { Err(invalid("must be 1 to 512 visible ASCII characters")) }
}

/// A workspace key: 1 to 4096 visible ASCII characters.
///
/// AWS makes keys that begin with `AEAA`, and with `aws-external-anthropic-api-key-` for a few hours' use; others are
/// taken too, because AWS promises neither. One of our own would only ever be a mistake.
pub(super) fn workspace_key(value: Value) -> Reading<SecretString> {
    let text = read::string(value)?;
    if text.starts_with(api_key::PREFIX) {
        return Err(invalid(
            "is a key of this gateway; give a workspace key, which AWS's console makes for Claude Platform on AWS",
        ));
    }
    let fits = (1..=4096).contains(&text.len()) && is_visible(&text);
    if fits { Ok(text.into()) } else { Err(invalid("must be 1 to 4096 visible ASCII characters")) }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use portcullis_types::ExposeSecret as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_every_shape_that_a_header_carries_are_taken() {
        let longest = "x".repeat(4096);
        for key in ["AEAAQWVhQXBpS2V5", "aws-external-anthropic-api-key-YXdz", "another/shape+1=", &longest] {
            assert_eq!(workspace_key(json!(key)).unwrap().expose_secret(), key);
        }
    }

    #[test]
    fn no_refusal_repeats_what_it_refuses() {
        let own = "pcs_CANARYCANARY";
        let too_long = format!("CANARY{}", "x".repeat(4096));
        for bad in ["", "CANARY with spaces", "CANARY\n", "CANARYü", &too_long, own] {
            let refused = workspace_key(json!(bad)).unwrap_err();
            assert!(!refused.message.contains("CANARY"), "{}", refused.message);
        }
        assert!(workspace_key(json!(own)).unwrap_err().message.starts_with("is a key of this gateway"));
        assert!(workspace_key(json!(["CANARY"])).unwrap_err().message.contains("must be a string"));
    }
}
