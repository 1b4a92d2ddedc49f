//! Which key a request presents: one reading for every door of the gateway.
//!
//! Two doors that read the same headers differently are how a key that a proxy checked becomes another one behind it.

/// Portkey's own header, which its clients always send.
pub const PORTKEY_KEY: &str = "x-portkey-api-key";
/// Where a bearer token stands.
pub const AUTHORIZATION: &str = "authorization";
/// Anthropic's header.
pub const ANTHROPIC_KEY: &str = "x-api-key";

/// Why a request presents no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPresentedKey {
    /// None of the headers is there, or `Authorization` alone with another scheme than `Bearer`.
    #[error("no key was given: send it in `{PORTKEY_KEY}`, as a bearer token or in `{ANTHROPIC_KEY}`")]
    Absent,
    /// This header is there without a key, and no other has one: most likely a variable that is not set.
    #[error("the header `{0}` has no key in it")]
    Empty(&'static str),
    /// This header is there twice. A proxy in front may have looked at the other one.
    #[error("the header `{0}` is given more than once")]
    Repeated(&'static str),
    /// This header holds bytes that no key has.
    #[error("the header `{0}` is not visible ASCII text")]
    NotText(&'static str),
    /// The bearer token and `x-api-key` are different keys.
    #[error("`{AUTHORIZATION}` and `{ANTHROPIC_KEY}` differ: send one of them, or the same key in both")]
    Contradicting,
}

/// The key as the caller wrote it; whether it is one, its look-up says.
///
/// `x-portkey-api-key` wins alone: Portkey's clients send a placeholder as `Authorization` beside it. Without it,
/// `Authorization: Bearer` and `x-api-key` may both be there (an Anthropic client with a key helper sends both), but must
/// agree. A header without a value is as good as absent: an Anthropic client whose key is set to nothing sends one
/// beside the bearer token.
///
/// - `values`: all values of the header of this (lower-case) name, in their order.
///
/// # Errors
/// Why there is none.
pub fn presented_key<'h, V>(values: impl Fn(&'static str) -> V) -> Result<&'h str, NoPresentedKey>
where
    V: IntoIterator<Item = &'h [u8]>,
{
    let portkey = only(PORTKEY_KEY, values(PORTKEY_KEY))?;
    if let Some(key) = portkey.filter(|key| !key.is_empty()) {
        return Ok(key);
    }
    let bearer = only(AUTHORIZATION, values(AUTHORIZATION))?.and_then(bearer_token);
    let anthropic = only(ANTHROPIC_KEY, values(ANTHROPIC_KEY))?;
    let given = |key: Option<&'h str>| key.filter(|key| !key.is_empty());
    match (given(bearer), given(anthropic)) {
        (Some(bearer), Some(key)) if bearer != key => Err(NoPresentedKey::Contradicting),
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => {
            let empty = [(PORTKEY_KEY, portkey), (AUTHORIZATION, bearer), (ANTHROPIC_KEY, anthropic)];
            let first = empty.into_iter().find(|(_, value)| value.is_some());
            Err(first.map_or(NoPresentedKey::Absent, |(name, _)| NoPresentedKey::Empty(name)))
        }
    }
}

/// The one value of a header, without the white space around it.
fn only<'h>(
    name: &'static str,
    values: impl IntoIterator<Item = &'h [u8]>,
) -> Result<Option<&'h str>, NoPresentedKey> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NoPresentedKey::Repeated(name));
    }
    let is_text = value.iter().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    let text = std::str::from_utf8(value).ok().filter(|_| is_text).ok_or(NoPresentedKey::NotText(name))?;
    Ok(Some(text.trim()))
}

/// The token of `Bearer <token>`, empty when it is missing; `None` for other schemes. An empty value is an empty token.
fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    (value.is_empty() || scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use NoPresentedKey as No;

    fn check(headers: &[(&str, &str)], expect: Result<&str, NoPresentedKey>) {
        let seen = presented_key(|name| {
            headers.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_bytes())
        });
        assert_eq!(seen, expect, "{headers:?}");
    }

    #[test]
    fn a_key_is_taken_from_any_of_three_headers() {
        check(&[(PORTKEY_KEY, "k")], Ok("k"));
        check(&[(PORTKEY_KEY, " k ")], Ok("k"));
        check(&[(AUTHORIZATION, "Bearer k")], Ok("k"));
        check(&[(AUTHORIZATION, "bearer  k ")], Ok("k"));
        check(&[(AUTHORIZATION, "BEARER\tk")], Ok("k"));
        check(&[(ANTHROPIC_KEY, "k")], Ok("k"));
    }

    #[test]
    fn portkeys_header_wins_alone() {
        check(&[(PORTKEY_KEY, "k"), (AUTHORIZATION, "Bearer OPENAI_API_KEY")], Ok("k"));
        check(&[(PORTKEY_KEY, "k"), (ANTHROPIC_KEY, "other")], Ok("k"));
        let beside = [(PORTKEY_KEY, "k"), (AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer b")];
        check(&beside, Ok("k"));
        check(&[(PORTKEY_KEY, "a"), (PORTKEY_KEY, "a")], Err(No::Repeated(PORTKEY_KEY)));
        check(
            &[(PORTKEY_KEY, "a"), (PORTKEY_KEY, "b"), (AUTHORIZATION, "Bearer a")],
            Err(No::Repeated(PORTKEY_KEY)),
        );
    }

    #[test]
    fn the_two_other_headers_must_agree() {
        check(&[(AUTHORIZATION, "Bearer k"), (ANTHROPIC_KEY, "k")], Ok("k"));
        check(&[(AUTHORIZATION, "Bearer k"), (ANTHROPIC_KEY, "other")], Err(No::Contradicting));
        check(&[(AUTHORIZATION, "Basic abc"), (ANTHROPIC_KEY, "k")], Ok("k"));
    }

    #[test]
    fn a_header_given_twice_is_no_key() {
        check(&[(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer a")], Err(No::Repeated(AUTHORIZATION)));
        check(&[(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "")], Err(No::Repeated(AUTHORIZATION)));
        check(
            &[(AUTHORIZATION, "Bearer a"), (ANTHROPIC_KEY, "a"), (ANTHROPIC_KEY, "a")],
            Err(No::Repeated(ANTHROPIC_KEY)),
        );
    }

    #[test]
    fn an_empty_header_is_none_and_named_when_there_is_no_other() {
        check(&[], Err(No::Absent));
        check(&[(AUTHORIZATION, "Basic abc")], Err(No::Absent));
        check(&[(AUTHORIZATION, "k")], Err(No::Absent));
        check(&[(PORTKEY_KEY, "")], Err(No::Empty(PORTKEY_KEY)));
        check(&[(PORTKEY_KEY, ""), (ANTHROPIC_KEY, "")], Err(No::Empty(PORTKEY_KEY)));
        check(&[(AUTHORIZATION, "Bearer ")], Err(No::Empty(AUTHORIZATION)));
        check(&[(AUTHORIZATION, "Bearer")], Err(No::Empty(AUTHORIZATION)));
        check(&[(AUTHORIZATION, "")], Err(No::Empty(AUTHORIZATION)));
        check(&[(ANTHROPIC_KEY, " ")], Err(No::Empty(ANTHROPIC_KEY)));
        check(&[(ANTHROPIC_KEY, ""), (AUTHORIZATION, "Bearer k")], Ok("k"));
        check(&[(PORTKEY_KEY, ""), (AUTHORIZATION, "Bearer k")], Ok("k"));
    }

    #[test]
    fn what_is_not_text_is_no_key() {
        check(&[(PORTKEY_KEY, "k\u{e9}")], Err(No::NotText(PORTKEY_KEY)));
        check(&[(ANTHROPIC_KEY, "k\u{7f}"), (AUTHORIZATION, "Bearer k")], Err(No::NotText(ANTHROPIC_KEY)));
    }
}
