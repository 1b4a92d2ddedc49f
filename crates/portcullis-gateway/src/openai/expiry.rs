//! `expires_after`: how long a file is kept.

use std::time::Duration;

use portcullis_provider::{InvalidCode, InvalidRequest};
use serde_json::Value;

/// What the upstream takes as well.
///
/// Source: OpenAI API reference, "Upload file"; Claude docs, "Files API".
const RANGE: std::ops::RangeInclusive<u64> = 3_600..=7_776_000;

/// The life of a file from `anchor` and `seconds`; none when neither is given.
///
/// - `name`: of the parameter, for its errors.
///
/// # Errors
/// An anchor other than `created_at`, or seconds that are not from 3,600 (an hour) to 7,776,000 (90 days).
pub(super) fn expires_after(
    name: &str,
    anchor: Option<&str>,
    seconds: Option<&str>,
) -> Result<Option<Duration>, InvalidRequest> {
    let at = |field: &str| format!("{name}.{field}");
    let missing = |field: &str| {
        let message = format!("`{name}.{field}` is missing");
        InvalidRequest::at(InvalidCode::MissingRequiredParameter, at(field), message)
    };
    let (anchor, seconds) = match (anchor, seconds) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(missing("anchor")),
        (Some(_), None) => return Err(missing("seconds")),
        (Some(anchor), Some(seconds)) => (anchor, seconds),
    };
    if anchor != "created_at" {
        let message = format!("`{name}.anchor` must be `created_at`");
        return Err(InvalidRequest::at(InvalidCode::InvalidValue, at("anchor"), message));
    }
    match seconds.parse() {
        Ok(seconds) if RANGE.contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        _ => {
            let message = format!("`{name}.seconds` must be whole seconds from 3600 to 7776000");
            Err(InvalidRequest::at(InvalidCode::InvalidValue, at("seconds"), message))
        }
    }
}

/// The same from a JSON body.
pub(super) fn expires_after_json(name: &str, value: &Value) -> Result<Option<Duration>, InvalidRequest> {
    if value.is_null() {
        return Ok(None);
    }
    let Some(object) = value.as_object() else {
        let message = format!("`{name}` must be an object with `anchor` and `seconds`");
        return Err(InvalidRequest::at(InvalidCode::InvalidType, name, message));
    };
    if let Some(other) = object.keys().find(|key| !["anchor", "seconds"].contains(&key.as_str())) {
        let path = format!("{name}.{other}");
        let message = "there is no such parameter";
        return Err(InvalidRequest::at(InvalidCode::UnknownParameter, path, message));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (anchor, seconds) = (object.get("anchor").map(text), object.get("seconds").map(text));
    expires_after(name, anchor.as_deref(), seconds.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(value: Value) -> Option<String> {
        expires_after_json("expires_after", &value).unwrap_err().param
    }

    #[test]
    fn an_hour_to_ninety_days_after_creation() {
        let read = |value: Value| expires_after_json("expires_after", &value).unwrap();
        assert_eq!(read(json!(null)), None);
        let hour = read(json!({"anchor": "created_at", "seconds": 3600}));
        assert_eq!(hour, Some(Duration::from_secs(3600)));
        assert_eq!(expires_after("expires_after", None, None).unwrap(), None);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let seconds = |seconds: Value| json!({"anchor": "created_at", "seconds": seconds});
        for wrong in [json!(3599), json!(7_776_001), json!(-1), json!(3600.5), json!("soon"), json!(null)] {
            assert_eq!(named(seconds(wrong)).as_deref(), Some("expires_after.seconds"));
        }
        assert_eq!(named(json!({"seconds": 3600})).as_deref(), Some("expires_after.anchor"));
        assert_eq!(named(json!({"anchor": "created_at"})).as_deref(), Some("expires_after.seconds"));
        let later = json!({"anchor": "last_active_at", "seconds": 3600});
        assert_eq!(named(later).as_deref(), Some("expires_after.anchor"));
        assert_eq!(named(json!({"days": 1})).as_deref(), Some("expires_after.days"));
        assert_eq!(named(json!(5)).as_deref(), Some("expires_after"));
    }
}
