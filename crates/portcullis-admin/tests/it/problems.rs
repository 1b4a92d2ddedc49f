//! What is wrong with a body, field by field, as a test expects it.

use serde_json::Value;

use crate::world::{World, integration_body};

/// Sends the complete body with the merge `change` (RFC 7396) and expects these problems, `param: message` each.
pub(crate) async fn check_create(world: &World, change: Value, expect: &[&str]) {
    let mut body = integration_body("claude");
    merge(&mut body, &change);
    let answer = world.tell("POST /v1/integrations", body).await;
    assert_eq!((answer.status, problems_of(&answer.body)), (400, to_strings(expect)), "{change}");
    let first = expect[0].split(':').next();
    assert_eq!(answer.body["error"]["param"].as_str(), first, "{change}");
    assert_eq!(answer.body["data"]["errorCode"], "AB01");
}

fn merge(target: &mut Value, change: &Value) {
    let (Value::Object(target), Value::Object(change)) = (target, change) else { return };
    for (name, value) in change {
        match (target.get_mut(name), value) {
            (_, Value::Null) => drop(target.remove(name)),
            (Some(inner @ Value::Object(_)), Value::Object(_)) => merge(inner, value),
            _ => drop(target.insert(name.clone(), value.clone())),
        }
    }
}

pub(crate) fn problems_of(body: &Value) -> Vec<String> {
    let problems = body["error"]["problems"].as_array().cloned().unwrap_or_default();
    let line = |p: &Value| format!("{}: {}", p["param"].as_str().unwrap(), p["message"].as_str().unwrap());
    problems.iter().map(line).collect()
}

pub(crate) fn to_strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
