//! Slugs: how callers and operators name a provider or an integration.

use crate::parsed::{fits, parsed_string};

/// Why a string is no [`Slug`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slug is 1 to 255 characters of a-z, A-Z, 0-9, `_` and `-`")]
pub struct InvalidSlug;

parsed_string! {
    /// The short name of a provider or an integration, as in `@claude-aws/claude-sonnet-4-6`.
    ///
    /// Shape: `^[a-zA-Z0-9_-]{1,255}$`. Case matters.
    ///
    /// Source: Portkey's API, "Create an integration".
    Slug, InvalidSlug, parse
}

fn parse(raw: &str) -> Result<(), InvalidSlug> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if fits(raw, 1..=255, allowed) { Ok(()) } else { Err(InvalidSlug) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_what_a_url_needs_no_escape_for() {
        for good in ["claude-aws", "A_1", "x"] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "@a", "ä", &"x".repeat(256)] {
            assert_eq!(bad.parse::<Slug>(), Err(InvalidSlug), "{bad:?}");
        }
    }
}
