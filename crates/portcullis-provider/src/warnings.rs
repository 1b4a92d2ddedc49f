//! What a translation ignored, emulated or repaired, as tokens for the answer's `x-portcullis-warnings` header.
//!
//! A token is `<kind>:<path>`, the path being the culprit's in the client's request. It holds names the client chose
//! (tools, properties of a schema), never content.

use std::fmt;

/// Longest header value; many servers refuse 8 KB of headers altogether.
const HEADER_LIMIT: usize = 4096;

/// What happened to the value at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// It has no equivalent and was left out.
    Ignored,
    /// Another mechanism stands in for it.
    Emulated,
    /// It was put elsewhere in the conversation.
    Moved,
    /// An id or name was rewritten.
    Renamed,
    /// White space at its end was removed.
    Trimmed,
    /// History that could not be used was left out.
    Dropped,
    /// An identifier was replaced by its hash.
    Hashed,
    /// The declared media type was wrong; the right one was sent.
    MediaType,
    /// Keywords of a JSON schema became part of the description, where nothing enforces them.
    Schema,
}

impl WarningKind {
    /// The token's first half.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Emulated => "emulated",
            Self::Moved => "moved",
            Self::Renamed => "renamed",
            Self::Trimmed => "trimmed",
            Self::Dropped => "dropped",
            Self::Hashed => "hashed",
            Self::MediaType => "media_type",
            Self::Schema => "schema",
        }
    }
}

/// A set of tokens, in the order in which the translation met their causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    tokens: Vec<String>,
    /// The same, for a quick look: a request may earn as many tokens as it has messages.
    seen: std::collections::HashSet<String>,
}

impl Warnings {
    /// Adds a token, once.
    pub fn add(&mut self, kind: WarningKind, path: impl fmt::Display) {
        let token = format!("{}:{path}", kind.as_str());
        if self.seen.insert(token.clone()) {
            self.tokens.push(token);
        }
    }

    /// Whether nothing was ignored, emulated or repaired.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens as they are, for a JSON body.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(String::as_str)
    }

    /// The tokens as one header value, or nothing if there are none.
    ///
    /// Commas, percent signs, control and non-ASCII bytes inside a token are percent-encoded. A value of more than
    /// 4096 bytes is cut between two tokens and ends in `...more=N`, N being how many are missing.
    pub fn header_value(&self) -> Option<String> {
        if self.tokens.is_empty() {
            return None;
        }
        let mut value = String::new();
        for (index, token) in self.tokens.iter().enumerate() {
            let escaped = escape(token);
            let left = self.tokens.len() - index;
            let tail = if left > 1 { format!(",...more={left}").len() } else { 0 };
            if value.len() + 1 + escaped.len() + tail > HEADER_LIMIT {
                let comma = if value.is_empty() { "" } else { "," };
                value.push_str(&format!("{comma}...more={left}"));
                break;
            }
            if !value.is_empty() {
                value.push(',');
            }
            value.push_str(&escaped);
        }
        Some(value)
    }
}

fn escape(token: &str) -> String {
    let mut escaped = String::with_capacity(token.len());
    for byte in token.bytes() {
        match byte {
            b',' | b'%' | 0..=0x1f | 0x7f.. => escaped.push_str(&format!("%{byte:02X}")),
            plain => escaped.push(char::from(plain)),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(paths: impl IntoIterator<Item = impl fmt::Display>) -> Warnings {
        let mut warnings = Warnings::default();
        paths.into_iter().for_each(|path| warnings.add(WarningKind::Schema, path));
        warnings
    }

    #[test]
    fn tokens_are_a_set_in_order() {
        let mut warnings = Warnings::default();
        assert_eq!((warnings.is_empty(), warnings.header_value()), (true, None));
        warnings.add(WarningKind::Ignored, "seed");
        warnings.add(WarningKind::MediaType, "messages[0].content[1]");
        warnings.add(WarningKind::Ignored, "seed");
        assert_eq!(warnings.header_value().unwrap(), "ignored:seed,media_type:messages[0].content[1]");
        assert_eq!(warnings.iter().count(), 2);
    }

    #[test]
    fn a_header_value_is_ascii_without_stray_commas() {
        let value = warnings(["/properties/a,b", "/properties/größe\r\n", "/properties/100%"])
            .header_value()
            .unwrap();
        assert_eq!(
            value,
            "schema:/properties/a%2Cb,schema:/properties/gr%C3%B6%C3%9Fe%0D%0A,schema:/properties/100%25"
        );
    }

    #[test]
    fn a_long_header_is_cut_between_tokens_and_says_how_many_are_missing() {
        for count in [1, 100, 218, 219, 220, 400, 10_000] {
            let all = warnings((0..count).map(|n| format!("/properties/{n:05}")));
            let value = all.header_value().unwrap();
            assert!(value.len() <= HEADER_LIMIT);
            let (shown, missing) = match value.split_once("...more=") {
                Some((shown, missing)) => (shown.trim_end_matches(','), missing.parse().unwrap()),
                None => (value.as_str(), 0),
            };
            assert!(shown.split(',').all(|token| token.len() == "schema:/properties/00000".len()));
            assert_eq!(shown.split(',').count() + missing, count);
        }
    }

    #[test]
    fn one_giant_token_is_not_sent() {
        assert_eq!(warnings(["x".repeat(5000)]).header_value().unwrap(), "...more=1");
    }
}
