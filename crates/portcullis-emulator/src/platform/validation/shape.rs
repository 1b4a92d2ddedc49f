//! The shapes of fields, and the texts of their refusals.

use serde_json::{Map, Value};

use super::{Check, invalid};
use crate::platform::error::PlatformError;

/// What a field's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Text,
    Texts,
    Bool,
    /// From 0.
    Integer,
    Object,
    List,
    TextOrObject,
    TextOrList,
    OneOf(&'static [&'static str]),
}

/// Whether `null` stands for "not given". Source: the types of Anthropic's SDK, where those fields are optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Null {
    Absent,
    Refused,
}

impl Is {
    /// Refuses what is not so; `at` is the field's place.
    pub(super) fn check(self, value: &Value, at: &str) -> Check {
        let (holds, expected) = match self {
            Self::Text => (value.is_string(), "a valid string".to_owned()),
            Self::Texts => {
                let are_texts = |list: &Vec<Value>| list.iter().all(Value::is_string);
                (value.as_array().is_some_and(are_texts), "a valid list of strings".to_owned())
            }
            Self::Bool => (value.is_boolean(), "a valid boolean".to_owned()),
            Self::Integer => (value.is_u64(), "a valid integer".to_owned()),
            Self::Object => (value.is_object(), "an object".to_owned()),
            Self::List => (value.is_array(), "a valid list".to_owned()),
            Self::TextOrObject => {
                (value.is_string() || value.is_object(), "a valid string or an object".to_owned())
            }
            Self::TextOrList => {
                (value.is_string() || value.is_array(), "a valid string or a valid list".to_owned())
            }
            Self::OneOf(names) => {
                let known = value.as_str().is_some_and(|name| names.contains(&name));
                (known, format!("'{}'", names.join("' or '")))
            }
        };
        if holds { Ok(()) } else { invalid(format!("{at}: Input should be {expected}")) }
    }
}

/// The fields of an object; `at` is its place.
pub(super) fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>, PlatformError> {
    value.as_object().ok_or_else(|| PlatformError::invalid(format!("{at}: Input should be an object")))
}

/// Refuses fields that the object does not have.
pub(super) fn no_others(fields: &Map<String, Value>, allowed: &[&str], at: &str) -> Check {
    match fields.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => invalid(format!("{at}.{name}: Extra inputs are not permitted")),
        None => Ok(()),
    }
}

/// A field that must be there.
pub(super) fn required(fields: &Map<String, Value>, name: &str, is: Is, at: &str) -> Check {
    match fields.get(name) {
        Some(value) => is.check(value, &format!("{at}.{name}")),
        None => invalid(format!("{at}.{name}: Field required")),
    }
}

/// A field that may be there.
pub(super) fn optional(value: &Value, name: &str, is: Is, null: Null, at: &str) -> Check {
    match value.get(name) {
        None => Ok(()),
        Some(Value::Null) if null == Null::Absent => Ok(()),
        Some(value) => is.check(value, at),
    }
}

/// A list that must be there; `at` is its own place.
pub(super) fn required_list<'a>(
    value: &'a Value,
    name: &str,
    at: &str,
) -> Result<&'a Vec<Value>, PlatformError> {
    match value.get(name) {
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(PlatformError::invalid(format!("{at}: Input should be a valid list"))),
        None => Err(PlatformError::invalid(format!("{at}: Field required"))),
    }
}
