//! Rules for what callers give as text, for times, and for slugs made from names.

use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

use portcullis_types::Slug;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::error::CatalogError;
use crate::store::as_id;

const MAX_NAME: usize = 255;
const MAX_DESCRIPTION: usize = 2048;
/// How much of a name its slug keeps.
const MAX_SLUG_STEM: usize = 40;

/// A name: 1 to 255 characters on one line.
pub(crate) fn check_name(field: &'static str, value: &str) -> Result<(), CatalogError> {
    check_line(field, value, MAX_NAME)
}

/// Visible text on one line: 1 to `most` characters.
pub(crate) fn check_line(field: &'static str, value: &str, most: usize) -> Result<(), CatalogError> {
    if !(1..=most).contains(&value.chars().count()) {
        return Err(CatalogError::invalid(field, format!("must be 1 to {most} characters")));
    }
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err(CatalogError::invalid(field, "must be visible text on one line"));
    }
    Ok(())
}

/// A description: up to 2048 characters, several lines if need be.
pub(crate) fn check_description(field: &'static str, value: Option<&str>) -> Result<(), CatalogError> {
    let Some(value) = value else { return Ok(()) };
    if value.chars().count() > MAX_DESCRIPTION {
        return Err(CatalogError::invalid(field, "must be at most 2048 characters"));
    }
    // Postgres stores no such character, so neither does SQLite.
    if value.contains('\0') {
        return Err(CatalogError::invalid(field, "must not hold a NUL character"));
    }
    Ok(())
}

/// The slug to use: the one given, or one made from the name.
pub(crate) fn slug_or_from_name(
    field: &'static str,
    given: Option<Slug>,
    prefix: &str,
    name: &str,
) -> Result<Slug, CatalogError> {
    match given {
        Some(slug) => check_slug(field, &slug).map(|()| slug),
        None => slug_from_name(prefix, name),
    }
}

/// A slug that reads as an id could stand for another row than its own.
pub(crate) fn check_slug(field: &'static str, slug: &Slug) -> Result<(), CatalogError> {
    match as_id(slug.as_str()) {
        Some(_) => Err(CatalogError::invalid(field, "must not have the form of a UUID")),
        None => Ok(()),
    }
}

/// The name's ASCII letters and digits in lower case, `-` between words, and six random hexadecimal digits.
fn slug_from_name(prefix: &str, name: &str) -> Result<Slug, CatalogError> {
    let mut stem = String::new();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        stem.push_str(&word.to_ascii_lowercase());
        stem.push('-');
    }
    stem.truncate(MAX_SLUG_STEM);
    let stem = stem.trim_end_matches('-');
    let dash = if stem.is_empty() { "" } else { "-" };
    let mut random = [0; 3];
    getrandom::fill(&mut random)?;
    let [a, b, c] = random;
    let slug = format!("{prefix}{stem}{dash}{a:02x}{b:02x}{c:02x}");
    Ok(slug.parse().expect("ASCII letters, digits and dashes, at most 60 of them, are a slug"))
}

/// A time as both databases keep it: UTC, whole microseconds.
pub(crate) fn stored_time(time: OffsetDateTime) -> OffsetDateTime {
    let time = time.to_offset(UtcOffset::UTC);
    let whole = time.nanosecond() / 1_000 * 1_000;
    time.replace_nanosecond(whole).expect("rounding down stays below a second")
}

/// [`stored_time`] of a clock's time.
pub(crate) fn stored_now(now: SystemTime) -> OffsetDateTime {
    stored_time(now.into())
}

/// A time by which rows are compared within a statement: SQLite compares texts, which have no fraction then.
pub(crate) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    stored_time(time).replace_nanosecond(0).expect("every second has a beginning")
}

/// A stored text as the type it was made from.
pub(crate) fn parsed<T>(what: &'static str, id: Uuid, raw: &str) -> Result<T, CatalogError>
where
    T: FromStr<Err: Display>,
{
    raw.parse().map_err(|error: T::Err| corrupt(what, id, error))
}

/// The error for a row that cannot be read. `reason` must not quote a secret.
pub(crate) fn corrupt(what: &'static str, id: Uuid, reason: impl Display) -> CatalogError {
    CatalogError::Corrupt { what, id: id.to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_visible_line() {
        let check = |name: &str, is_good| assert_eq!(check_name("name", name).is_ok(), is_good, "{name:?}");
        check("Claude on AWS", true);
        check("'; drop table integrations; --", true);
        check("Équipe 研究 🦀", true);
        check(&"ü".repeat(255), true);
        check(&"x".repeat(256), false);
        check("", false);
        check("   ", false);
        check("two\nlines", false);
        check("nul\0", false);
    }

    #[test]
    fn slugs_are_made_from_what_a_name_has_of_them() {
        let check = |prefix, name: &str, stem: &str| {
            let slug = slug_from_name(prefix, name).unwrap();
            let (seen, random) = slug.as_str().split_at(slug.as_str().len() - 6);
            assert_eq!(seen, stem);
            assert!(random.bytes().all(|b| b.is_ascii_hexdigit()));
        };
        check("", "Claude on AWS (prod)", "claude-on-aws-prod-");
        check("ws-", "Research", "ws-research-");
        check("", "研究", "");
        check("", &"x".repeat(300), &format!("{}-", "x".repeat(40)));
    }

    #[test]
    fn a_slug_in_the_form_of_an_id_is_refused() {
        let slug: Slug = "0192d3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".parse().unwrap();
        let error = check_slug("slug", &slug).unwrap_err();
        assert!(matches!(error, CatalogError::Invalid { field: "slug", .. }), "{error}");
    }
}
