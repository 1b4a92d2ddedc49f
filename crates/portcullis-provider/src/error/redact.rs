//! Takes out of foreign text what must never be shown: key ids, session tokens, signatures.
//!
//! AWS repeats parts of a request in some refusals, the canonical request above all, which holds the session token.

use std::borrow::Cow;

/// Stands where something was.
const REDACTED: &str = "[redacted]";
/// What key ids and keys begin with, and how long they are at least.
const PREFIXES: &[(&str, usize)] = &[("AKIA", 16), ("ASIA", 16), ("sk-ant-", 12), ("eyJ", 20)];
/// A session token has some hundred characters; a role's name and a session's, with slashes, have up to 134.
const LONGEST_NAME: usize = 200;
/// A signature, and a hash that nobody needs to read.
const HEX_DIGITS: usize = 64;

/// The text without them, and with everything else as it was.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    if !words(text).any(is_secret) {
        return Cow::Borrowed(text);
    }
    let pieces = words(text).map(|word| if is_secret(word) { REDACTED } else { word });
    Cow::Owned(pieces.collect())
}

/// Runs of characters that keys and tokens consist of, and what stands between them, in turn.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '%')
}

fn is_secret(word: &str) -> bool {
    let has_key = PREFIXES.iter().any(|(prefix, length)| {
        word.match_indices(prefix).any(|(at, _)| n_key_characters(&word[at..]) >= *length)
    });
    word.starts_with(is_word) && (has_key || has_token(word) || has_signature(word))
}

/// Hyphens and underscores are in no token of STS, but in most long paths.
fn has_token(word: &str) -> bool {
    word.split(['-', '_']).any(|run| run.len() > LONGEST_NAME)
}

fn n_key_characters(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count()
}

fn has_signature(word: &str) -> bool {
    word.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() == HEX_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text), expected);
    }

    #[test]
    fn key_ids_and_keys_are_taken_out() {
        check("key AKIAIOSFODNN7EXAMPLE is unknown", "key [redacted] is unknown");
        check("Credential=ASIAIOSFODNN7EXAMPLE/20260101/us-east-1", "[redacted]");
        check("(sk-ant-api03-abcdef)", "([redacted])");
        check("AKIA is a prefix, ASIA too", "AKIA is a prefix, ASIA too");
    }

    #[test]
    fn session_tokens_and_signatures_are_taken_out() {
        let token = format!("IQoJb3JpZ2luX2Vj{}==", "aB3/+".repeat(80));
        check(&format!("x-amz-security-token:{token}\nhost:x"), "x-amz-security-token:[redacted]\nhost:x");
        check(&format!("Signature={}, y", "0a".repeat(32)), "[redacted], y");
    }

    #[test]
    fn other_alphabets_stay() {
        let text = "é".repeat(5000);
        check(&text, &text);
    }

    #[test]
    fn arns_of_any_length_stay() {
        let arn = format!("arn:aws:sts::123456789012:assumed-role/{}/{}", "r".repeat(64), "s".repeat(64));
        let text = format!("User: {arn} is not authorized – è così");
        check(&text, &text);
    }
}
