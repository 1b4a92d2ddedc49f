//! The body that creates a batch. What is inside `params` is judged later, line by line.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::platform::error::PlatformError;

const MOST_LINES: usize = 100_000;
const LONGEST_ID: usize = 64;

/// One request of a batch.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) custom_id: String,
    /// A body of `/v1/messages`.
    pub(super) params: Value,
}

/// The lines, if the envelope is right.
pub(super) fn lines(body: &Value) -> Result<Vec<Line>, PlatformError> {
    let fields = body.as_object().into_iter().flatten();
    if let Some((name, _)) = fields.into_iter().find(|(name, _)| *name != "requests") {
        return Err(PlatformError::invalid(format!("{name}: Extra inputs are not permitted")));
    }
    let requests = match body.get("requests") {
        Some(Value::Array(requests)) => requests,
        Some(_) => return Err(PlatformError::invalid("requests: Input should be a valid list")),
        None => return Err(PlatformError::invalid("requests: Field required")),
    };
    if requests.is_empty() {
        return Err(PlatformError::invalid(
            "requests: List should have at least 1 item after validation, not 0",
        ));
    }
    if requests.len() > MOST_LINES {
        return Err(PlatformError::invalid(format!(
            "requests: List should have at most {MOST_LINES} items after validation, not {}",
            requests.len()
        )));
    }
    let mut seen = BTreeSet::new();
    let mut lines = Vec::with_capacity(requests.len());
    for (index, request) in requests.iter().enumerate() {
        let line = line(index, request)?;
        if !seen.insert(line.custom_id.clone()) {
            return Err(PlatformError::invalid(format!(
                "requests.{index}.custom_id: `{}` is not unique in this batch",
                line.custom_id
            )));
        }
        lines.push(line);
    }
    Ok(lines)
}

fn line(index: usize, request: &Value) -> Result<Line, PlatformError> {
    let at = format!("requests.{index}");
    let wrong = |what: String| Err(PlatformError::invalid(format!("{at}{what}")));
    let Some(fields) = request.as_object() else { return wrong(": Input should be an object".into()) };
    if let Some(name) = fields.keys().find(|name| !["custom_id", "params"].contains(&name.as_str())) {
        return wrong(format!(".{name}: Extra inputs are not permitted"));
    }
    let custom_id = match fields.get("custom_id") {
        Some(Value::String(id)) if is_custom_id(id) => id.clone(),
        Some(Value::String(_)) => {
            return wrong(".custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'".into());
        }
        Some(_) => return wrong(".custom_id: Input should be a valid string".into()),
        None => return wrong(".custom_id: Field required".into()),
    };
    match fields.get("params") {
        Some(params @ Value::Object(_)) => Ok(Line { custom_id, params: params.clone() }),
        Some(_) => wrong(".params: Input should be an object".into()),
        None => wrong(".params: Field required".into()),
    }
}

fn is_custom_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: &Value, part: &str) {
        let error = lines(body).expect_err(part);
        assert!(error.status == 400 && error.message.contains(part), "{} lacks {part}", error.message);
    }

    #[test]
    fn the_envelope_is_checked_and_the_params_are_not() {
        let line = |id: &str| json!({"custom_id": id, "params": {"model": 5}});
        assert_eq!(lines(&json!({"requests": [line("a"), line("b-_9")]})).unwrap().len(), 2);
        check(&json!({}), "requests: Field required");
        check(&json!({"requests": {}}), "requests: Input");
        check(&json!({"requests": []}), "at least 1 item");
        check(
            &json!({"requests": [line("a")], "completion_window": "24h"}),
            "completion_window: Extra inputs",
        );
        check(&json!({"requests": [line("a"), line("a")]}), "requests.1.custom_id: `a` is not unique");
        for id in ["", "a b", "é", &"x".repeat(65)] {
            check(&json!({"requests": [line(id)]}), "requests.0.custom_id: String should match");
        }
        check(&json!({"requests": [{"custom_id": "a"}]}), "requests.0.params: Field required");
        check(&json!({"requests": [{"custom_id": "a", "params": []}]}), "requests.0.params: Input");
        check(
            &json!({"requests": [{"custom_id": "a", "params": {}, "method": "POST"}]}),
            "requests.0.method",
        );
        check(&json!({"requests": vec![line("a"); 100_001]}), "at most 100000 items");
    }
}
