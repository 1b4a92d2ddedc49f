//! Readers of single values: from JSON to a type, with a reason when it does not fit.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Misread, Reading};
use crate::problem::ProblemCode;
use crate::timestamp;

/// What JSON calls the value's type, with its article.
pub(crate) const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A value of another type than the field has.
///
/// - `expected`: with its article.
pub(crate) fn wrong_type(expected: &str, value: &Value) -> Misread {
    Misread {
        code: ProblemCode::InvalidType,
        message: format!("must be {expected}, not {}", type_name(value)),
    }
}

/// A value that breaks its field's rule.
///
/// - `message`: a fragment that follows the field's name.
pub(crate) fn invalid(message: impl Into<String>) -> Misread {
    Misread { code: ProblemCode::InvalidValue, message: message.into() }
}

/// Any string.
pub(crate) fn string(value: Value) -> Reading<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type("a string", &other)),
    }
}

/// A string that parses as `T`. The text itself is not repeated: it may be a secret in the wrong field.
pub(crate) fn parsed<T: FromStr<Err: Display>>(value: Value) -> Reading<T> {
    string(value)?.parse().map_err(|error: T::Err| invalid(format!("is not valid: {error}")))
}

/// One line for people: 1 to 255 characters, none of them a control character, not only spaces.
pub(crate) fn name(value: Value) -> Reading<String> {
    let text = string(value)?;
    let length = text.chars().count();
    if text.trim().is_empty() || length > 255 {
        return Err(invalid(format!("must have 1 to 255 characters, not {length}")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid("must not contain control characters"));
    }
    Ok(text)
}

/// Several lines for people: up to 2,048 characters, no control characters but line ends and tabs.
pub(crate) fn prose(value: Value) -> Reading<String> {
    let text = string(value)?;
    let length = text.chars().count();
    if length > 2048 {
        return Err(invalid(format!("must have at most 2048 characters, not {length}")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(invalid("must not contain control characters"));
    }
    Ok(text)
}

/// `true` or `false`.
pub(crate) fn boolean(value: Value) -> Reading<bool> {
    match value {
        Value::Bool(flag) => Ok(flag),
        other => Err(wrong_type("true or false", &other)),
    }
}

/// An instant in RFC 3339 that lies after `now`.
pub(crate) fn future_instant(value: Value, now: OffsetDateTime) -> Reading<OffsetDateTime> {
    let at = timestamp::parse(&string(value)?)
        .ok_or_else(|| invalid("must be a time in RFC 3339, such as `2030-01-31T12:00:00Z`"))?;
    if at <= now { Err(invalid("must be in the future")) } else { Ok(at) }
}

/// One of `known`, matched exactly.
///
/// - `known`: the texts and what each stands for.
pub(crate) fn one_of<T: Copy>(value: Value, known: &[(&str, T)]) -> Reading<T> {
    let text = string(value)?;
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, stands_for)| *stands_for);
    found.ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
        invalid(format!("must be one of {}", names.join(", ")))
    })
}

/// Any object.
pub(crate) fn object(value: Value) -> Reading<Map<String, Value>> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => Err(wrong_type("an object", &other)),
    }
}

/// A list whose every item `item` can read; the first bad one is told by its position.
pub(crate) fn list<T>(value: Value, item: impl Fn(Value) -> Reading<T>) -> Reading<Vec<T>> {
    let items = match value {
        Value::Array(items) => items,
        other => return Err(wrong_type("an array", &other)),
    };
    let read = |(n, value)| {
        item(value).map_err(|why| Misread { message: format!("has an item {n} that {}", why.message), ..why })
    };
    items.into_iter().enumerate().map(read).collect()
}
