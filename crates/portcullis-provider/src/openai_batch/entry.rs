//! An entry of the upstream's batch.

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{self, Json};

/// Parameters that the upstream takes in a request of its own, and not in one of a batch.
const NOT_IN_BATCHES: [&str; 2] = ["speed", "fallbacks"];

/// The id under which a line goes upstream: `r` and the line's index, counted from 0.
#[must_use]
pub fn surrogate(index: u64) -> String {
    format!("r{index}")
}

/// The index of the line that went upstream under this id.
#[must_use]
pub fn index_of(surrogate: &str) -> Option<u64> {
    let digits = surrogate.strip_prefix('r')?;
    digits.parse().ok().filter(|index| self::surrogate(*index) == surrogate)
}

/// A translated request as it may stand in a batch: without `stream`, which a translation sets of itself when an answer may
/// take long.
///
/// # Errors
/// It has a parameter that batches do not take. The upstream would say so too, but only when the batch has ended.
pub fn batch_params(translated: &[u8]) -> Result<Vec<u8>, InvalidRequest> {
    let Ok(Json::Object(request)) = json::parse(translated) else {
        return Err(InvalidRequest::body("the request is not a JSON object"));
    };
    if let Some(name) = NOT_IN_BATCHES.into_iter().find(|name| request.given(name).is_some()) {
        let message = format!("`{name}` cannot be used in a batch");
        return Err(InvalidRequest::at(InvalidCode::UnsupportedParameter, name, message));
    }
    if request.given("max_tokens").is_some_and(|limit| limit.as_f64() == Some(0.0)) {
        let message = "`max_tokens` must be at least 1 in a batch";
        return Err(InvalidRequest::at(InvalidCode::InvalidValue, "max_tokens", message));
    }
    let mut writer = Writer::with_capacity(translated.len());
    writer.object(|w| {
        for (key, value) in request.members.iter().filter(|(key, _)| key != "stream") {
            w.key(key).raw(value.raw());
        }
    });
    Ok(writer.into_bytes())
}

/// Appends `{"custom_id":"r7","params":…}`, with a comma before it unless it is the first one.
///
/// - `params`: a JSON object as it is to be sent.
pub fn write_entry(out: &mut Vec<u8>, index: u64, params: &[u8], is_first: bool) {
    if !is_first {
        out.push(b',');
    }
    out.extend_from_slice(b"{\"custom_id\":\"");
    out.extend_from_slice(surrogate(index).as_bytes());
    out.extend_from_slice(b"\",\"params\":");
    out.extend_from_slice(params);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surrogate_leads_back_to_its_line() {
        for index in [0, 9, 49_999, u64::MAX] {
            assert_eq!(index_of(&surrogate(index)), Some(index));
        }
        for other in ["", "r", "7", "r-1", "r+1", "r01", "x1", "r1x"] {
            assert_eq!(index_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_stream_is_taken_off_and_nothing_else() {
        let body = br#"{"model":"m","messages":[{"stream":true}],"stream":true,"top_k":1.0}"#;
        let params = String::from_utf8(batch_params(body).unwrap()).unwrap();
        assert_eq!(params, r#"{"model":"m","messages":[{"stream":true}],"top_k":1.0}"#);
        let mut out = Vec::new();
        write_entry(&mut out, 3, b"{}", true);
        write_entry(&mut out, 4, b"{}", false);
        let expected = r#"{"custom_id":"r3","params":{}},{"custom_id":"r4","params":{}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_batches_do_not_take_is_refused_by_name() {
        let param = |body: &str| batch_params(body.as_bytes()).unwrap_err().param;
        assert_eq!(param(r#"{"speed":"fast"}"#).as_deref(), Some("speed"));
        assert_eq!(param(r#"{"fallbacks":[]}"#).as_deref(), Some("fallbacks"));
        assert_eq!(param(r#"{"max_tokens":0}"#).as_deref(), Some("max_tokens"));
        assert_eq!(param("[]"), None);
    }
}
