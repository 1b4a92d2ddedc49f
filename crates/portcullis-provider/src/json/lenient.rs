//! JSON in which half of a surrogate pair may stand alone, as a model may write it; it becomes U+FFFD.

use serde::de::DeserializeOwned;

/// Reads a value; none if the text is not JSON in any other respect.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_lone_surrogates(text)?).ok())
}

/// What a string means that stands between its quotes.
pub(crate) fn unescape(quoted: &str) -> String {
    read(quoted).unwrap_or_else(|| quoted.to_owned())
}

/// None if there is not one.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut mended, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += found;
        match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                mended.push_str(&text[copied..at]);
                mended.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            // An escape is two bytes at least, and the second may be a backslash too.
            _ => at = (at + 2).min(text.len()),
        }
    }
    if copied == 0 { None } else { Some(mended + &text[copied..]) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn half_a_surrogate_pair_does_not_spoil_the_message() {
        for (text, expected) in [
            (r#"["\ud83e"]"#, json!(["\u{fffd}"])),
            (r#"["\ud83e\udd80\udd80 \ud83ex"]"#, json!(["🦀\u{fffd} \u{fffd}x"])),
            (r#"["\\ud83e", "\ud83e\n", "é\u00e9"]"#, json!(["\\ud83e", "\u{fffd}\n", "éé"])),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in ["", "[", r#"["\ud83"#, r#"["\é"#, "\\", r#"["\u+d83"]"#] {
            assert_eq!(read::<Value>(text), None, "{text}");
        }
    }
}
