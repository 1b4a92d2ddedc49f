//! JSON schemas that answers and arguments are held to. Source: Claude docs, "Structured outputs" (limitations).

use serde_json::Value;

use super::{Check, invalid};

const UNSUPPORTED: &[&str] = &[
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "contains",
    "prefixItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Checks a schema and all inside it; `at` is its place.
pub(super) fn check_schema(schema: &Value, at: &str) -> Check {
    if !schema.is_object() {
        return invalid(format!("{at}: Input should be an object"));
    }
    check_part(schema, schema, at, &mut Vec::new())
}

fn check_part<'a>(schema: &'a Value, root: &'a Value, at: &str, refs: &mut Vec<&'a str>) -> Check {
    let Some(fields) = schema.as_object() else { return Ok(()) };
    if let Some(keyword) = fields.keys().find(|name| UNSUPPORTED.contains(&name.as_str())) {
        return invalid(format!("{at}: property '{keyword}' is not supported"));
    }
    if schema["minItems"].as_u64().is_some_and(|items| items > 1) {
        return invalid(format!("{at}: 'minItems' other than 0 and 1 is not supported"));
    }
    if schema["format"].as_str().is_some_and(|format| !FORMATS.contains(&format)) {
        return invalid(format!("{at}: string format {} is not supported", schema["format"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|values| values.iter().any(|value| value.is_object() || value.is_array()))
    {
        return invalid(format!("{at}: enum values must be primitive"));
    }
    let is_object = schema["type"] == "object" || schema["properties"].is_object();
    if is_object && schema["additionalProperties"] != false {
        return invalid(format!(
            "{at}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        ));
    }
    if let Some(target) = schema["$ref"].as_str() {
        return follow(target, root, at, refs);
    }
    let named =
        ["properties", "$defs", "definitions"].into_iter().filter_map(|list| Some((list, fields.get(list)?)));
    for (list, inner) in named {
        for (name, part) in inner.as_object().into_iter().flatten() {
            check_part(part, root, &format!("{at}.{list}.{name}"), refs)?;
        }
    }
    for list in ["anyOf", "allOf"] {
        for (index, part) in fields.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            check_part(part, root, &format!("{at}.{list}.{index}"), refs)?;
        }
    }
    fields.get("items").map_or(Ok(()), |items| check_part(items, root, &format!("{at}.items"), refs))
}

/// What a reference means is checked where it stands; here only that it leads somewhere, and not to itself.
fn follow<'a>(target: &'a str, root: &'a Value, at: &str, refs: &mut Vec<&'a str>) -> Check {
    if refs.contains(&target) {
        return invalid(format!("{at}: recursive schemas are not supported"));
    }
    let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
    let Some(found) = found else { return invalid(format!("{at}: `$ref` must be local to the schema")) };
    refs.push(target);
    let checked = check_part(found, root, at, refs);
    refs.pop();
    checked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, part: &str) {
        let refusal = check_schema(&schema, "s").err().map(|error| error.message);
        match part {
            "" => assert_eq!(refusal, None, "{schema}"),
            part => {
                assert!(refusal.as_ref().is_some_and(|text| text.contains(part)), "{schema}: {refusal:?}")
            }
        }
    }

    #[test]
    fn schemas_keep_to_what_can_be_enforced() {
        let object = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
        check(
            object(
                json!({"a": {"type": "string", "format": "date"}, "b": {"type": "array", "items": {"type": "integer"}, "minItems": 1}}),
            ),
            "",
        );
        check(json!({"type": "object", "properties": {}}), "'additionalProperties' must be");
        check(object(json!({"a": {"type": "integer", "minimum": 1}})), "s.properties.a: property 'minimum'");
        check(object(json!({"a": {"type": "array", "minItems": 2}})), "'minItems' other than");
        check(
            object(json!({"a": {"anyOf": [{"type": "string", "format": "phone"}]}})),
            "s.properties.a.anyOf.0",
        );
        check(object(json!({"a": {"enum": [{}]}})), "primitive");
        check(object(json!({"a": {"$ref": "https://example.com/s"}})), "must be local");
        check(json!(5), "Input should be an object");
        let mut node = object(json!({"next": {"$ref": "#/$defs/N"}}));
        node["$defs"] = json!({"N": object(json!({"next": {"$ref": "#/$defs/N"}}))});
        check(node, "recursive");
    }
}
