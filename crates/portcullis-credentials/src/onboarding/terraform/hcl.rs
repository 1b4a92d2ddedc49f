//! HCL expressions of JSON values, laid out as `terraform fmt` lays them out.

use serde_json::{Map, Value};

/// The value as an expression whose first line stands on a line that is indented by `indent`.
pub(super) fn expression(value: &Value, indent: usize) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => object(entries, indent),
        Value::Array(items) if items.len() > 1 || items.iter().any(is_nested) => list(items, indent),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| expression(item, indent)).collect::<String>())
        }
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// A text between quotes, in which nothing is a template.
pub(super) fn text(raw: &str) -> String {
    Value::from(raw).to_string().replace("${", "$${").replace("%{", "%%{")
}

/// The signs of equality of neighbours on lines of their own stand below each other; an entry of several lines has none.
fn object(entries: &Map<String, Value>, indent: usize) -> String {
    let inner = indent + 2;
    let entries: Vec<(String, String)> =
        entries.iter().map(|(key, value)| (name(key), expression(value, inner))).collect();
    let mut out = String::from("{\n");
    for group in entries.chunk_by(|(_, a), (_, b)| !a.contains('\n') && !b.contains('\n')) {
        let width = group.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
        for (key, value) in group {
            out.push_str(&format!("{:inner$}{key:width$} = {value}\n", ""));
        }
    }
    out.push_str(&format!("{:indent$}}}", ""));
    out
}

fn list(items: &[Value], indent: usize) -> String {
    let inner = indent + 2;
    let items = items.iter().map(|item| format!("{:inner$}{},\n", "", expression(item, inner)));
    format!("[\n{}{:indent$}]", items.collect::<String>(), "")
}

/// A key that is an identifier needs no quotes.
fn name(key: &str) -> String {
    let is_identifier = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if is_identifier { key.to_owned() } else { text(key) }
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn neighbours_are_aligned_and_entries_of_several_lines_stand_alone() {
        let value = json!({
            "Sid": "A",
            "Effect": "Allow",
            "Action": ["a:B"],
            "Resource": ["x", "y"],
            "Condition": {"StringEquals": {"sts:ExternalId": "1", "n": 2}},
        });
        let expected = r#"{
  Sid    = "A"
  Effect = "Allow"
  Action = ["a:B"]
  Resource = [
    "x",
    "y",
  ]
  Condition = {
    StringEquals = {
      "sts:ExternalId" = "1"
      n                = 2
    }
  }
}"#;
        assert_eq!(expression(&value, 0), expected);
    }

    #[test]
    fn nothing_in_a_text_is_a_template() {
        assert_eq!(text("${aws:username} %{if} \"q\""), r#""$${aws:username} %%{if} \"q\"""#);
    }
}
