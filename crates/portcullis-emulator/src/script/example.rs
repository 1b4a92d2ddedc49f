//! A value that fits a JSON schema well enough: constants and enumerations first, required properties only.

use serde_json::{Map, Value, json};

const DEEPEST: usize = 16;

/// An example of `schema`, whose `$ref`s are found in itself.
pub(super) fn example(schema: &Value) -> Value {
    of(schema, schema, 0)
}

fn of(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let deeper = |schema: &Value| of(schema, root, depth + 1);
    if let Some(target) = schema["$ref"].as_str() {
        return root.pointer(target.trim_start_matches('#')).map_or(Value::Null, deeper);
    }
    if let Some(value) =
        schema.get("const").or_else(|| schema["enum"].get(0)).or_else(|| schema.get("default"))
    {
        return value.clone();
    }
    if let Some(choice) = schema["anyOf"].get(0).or_else(|| schema["oneOf"].get(0)) {
        return deeper(choice);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return joined(parts.iter().map(deeper));
    }
    match kind(schema) {
        "object" => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let filled: Map<String, Value> =
                required.map(|name| (name.to_owned(), deeper(&schema["properties"][name]))).collect();
            Value::Object(filled)
        }
        "array" if schema["minItems"].as_u64().unwrap_or(0) > 0 => json!([deeper(&schema["items"])]),
        "array" => json!([]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!(text(schema["format"].as_str().unwrap_or_default())),
    }
}

fn kind(schema: &Value) -> &str {
    let stated = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str());
    stated.unwrap_or(if schema["properties"].is_object() { "object" } else { "string" })
}

/// All the parts' properties in one object; what is no object stands for itself.
fn joined(parts: impl Iterator<Item = Value>) -> Value {
    parts.fold(json!({}), |whole, part| match (whole, part) {
        (Value::Object(mut whole), Value::Object(part)) => {
            whole.extend(part);
            Value::Object(whole)
        }
        (_, part) => part,
    })
}

fn text(format: &str) -> &'static str {
    match format {
        "date-time" => "2026-11-22T12:00:00Z",
        "date" => "2026-11-22",
        "time" => "12:00:00Z",
        "duration" => "PT1H",
        "email" => "someone@example.com",
        "hostname" => "example.com",
        "uri" => "https://example.com/",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        _ => "example",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_fit_their_schemas() {
        let check = |schema: Value, expected: Value| assert_eq!(example(&schema), expected, "{schema}");
        check(json!({"type": "string"}), json!("example"));
        check(json!({"type": ["integer", "null"], "minimum": 3}), json!(3));
        check(json!({"type": "array", "items": {"enum": ["a"]}, "minItems": 1}), json!(["a"]));
        check(json!({"anyOf": [{"type": "null"}, {"type": "string"}]}), Value::Null);
        check(json!({"type": "string", "format": "date"}), json!("2026-11-22"));
        let node = json!({"type": "object", "required": ["name"], "properties": {"name": {"const": "n"}, "more": {}}});
        check(
            json!({"type": "object", "required": ["node"], "properties": {"node": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}),
            json!({"node": {"name": "n"}}),
        );
        check(
            json!({"allOf": [node, {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}]}),
            json!({"name": "n", "age": 1}),
        );
        // What has no end is cut off somewhere.
        check(json!({"$ref": "#"}), Value::Null);
    }
}
