//! YAML of JSON values: block style, every text between double quotes, so that no text turns into something else.

use serde_json::Value;

/// A document of one object.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// The value on lines of its own. The first line is indented as well; who writes it after a dash takes that away.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let key = if is_plain(key) { key.clone() } else { quoted(key) };
                out.push_str(&format!("{:indent$}{key}:", ""));
                after(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("{:indent$}-", ""));
                in_list(item, indent + 2, out);
            }
        }
        scalar => out.push_str(&format!("{:indent$}{scalar}\n", "")),
    }
}

/// What follows a key: a scalar on its line, anything else below it.
fn after(value: &Value, indent: usize, out: &mut String) {
    if is_nested(value) {
        out.push('\n');
        block(value, indent, out);
    } else {
        out.push_str(&format!(" {value}\n"));
    }
}

/// What follows a dash begins on its line.
fn in_list(item: &Value, indent: usize, out: &mut String) {
    let mut lines = String::new();
    block(item, indent, &mut lines);
    out.push_str(&format!(" {}", lines.trim_start()));
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Letters alone need no quotes, but for the words that YAML takes for something else.
fn is_plain(key: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphabetic())
        && !words.iter().any(|word| key.eq_ignore_ascii_case(word))
}

/// A JSON text is a YAML text in double quotes.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nesting_becomes_blocks_and_texts_stay_texts() {
        let value = json!({
            "Version": "2012-10-17",
            "List": ["a", {"Key": "no", "on": 1}, ["x"]],
            "sts:ExternalId": {"Empty": [], "Deep": {"Flag": true}},
        });
        let expected = [
            r#"Version: "2012-10-17""#,
            "List:",
            r#"  - "a""#,
            r#"  - Key: "no""#,
            r#"    "on": 1"#,
            r#"  - - "x""#,
            r#""sts:ExternalId":"#,
            "  Empty: []",
            "  Deep:",
            "    Flag: true",
            "",
        ];
        assert_eq!(document(&value), expected.join("\n"));
    }
}
