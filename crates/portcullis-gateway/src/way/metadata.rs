//! What a caller says of a request: the header `x-portkey-metadata`.

use http::{HeaderMap, HeaderName};
use portcullis_types::Metadata;
use serde_json::{Map, Value};

use crate::error::GatewayError;

const METADATA: HeaderName = HeaderName::from_static("x-portkey-metadata");
/// Characters of one value. Source: Portkey's documentation, "Metadata".
const LONGEST_VALUE: usize = 128;
/// A header of metadata with so many names is a mistake; each may become a tag.
const MOST_NAMES: usize = 64;

/// The caller's metadata: a JSON object of text (numbers and truth values count as their text).
///
/// # Errors
/// [`GatewayError::InvalidMetadata`] for anything else. The text is not repeated: it may hold whatever people put there.
pub(crate) fn metadata_of(headers: &HeaderMap) -> Result<Metadata, GatewayError> {
    let Some(value) = headers.get(METADATA) else { return Ok(Metadata::default()) };
    let fields: Map<String, Value> = serde_json::from_slice(value.as_bytes())
        .map_err(|_| invalid("must be a JSON object such as `{\"project\":\"atlas\"}`"))?;
    if fields.len() > MOST_NAMES {
        return Err(invalid("must not have more than 64 names"));
    }
    fields.into_iter().map(|(name, value)| Ok((name, text(value)?))).collect()
}

fn text(value: Value) -> Result<String, GatewayError> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => {
            return Err(invalid("must have text for values, not lists or objects"));
        }
    };
    if text.chars().count() > LONGEST_VALUE {
        return Err(invalid("must not have values of more than 128 characters"));
    }
    Ok(text)
}

fn invalid(reason: &'static str) -> GatewayError {
    GatewayError::InvalidMetadata { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(raw: &str) -> Result<Metadata, GatewayError> {
        let headers = [(METADATA, HeaderValue::from_bytes(raw.as_bytes()).unwrap())].into_iter().collect();
        metadata_of(&headers)
    }

    #[test]
    fn scalars_are_text_and_utf_8_is_kept() {
        let metadata = read(r#"{"_user":"Zoë","n":7,"ok":true,"none":null}"#).unwrap();
        let shown: Vec<_> = metadata.iter().collect();
        assert_eq!(shown, [("_user", "Zoë"), ("n", "7"), ("none", ""), ("ok", "true")]);
        assert_eq!(metadata_of(&HeaderMap::new()).unwrap(), Metadata::default());
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(129));
        let many = format!("{{{}}}", (0..65).map(|n| format!(r#""k{n}":1"#)).collect::<Vec<_>>().join(","));
        for raw in
            ["", "secret", "[\"secret\"]", r#"{"a":{"secret":1}}"#, r#"{"a":["secret"]}"#, &long, &many]
        {
            let error = read(raw).unwrap_err().to_string();
            assert!(error.contains("x-portkey-metadata") && !error.contains("secret"), "{error}");
        }
    }
}
