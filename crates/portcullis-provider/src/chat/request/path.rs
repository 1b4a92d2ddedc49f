//! Where a value stands in the client's request, built on the stack and written out only when somebody asks.

use std::fmt;

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Array, Json, Object, Text};

/// A path such as `messages[2].content[0].image_url`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// A top-level parameter.
    pub(crate) fn root(name: &'p str) -> Self {
        Self { parent: None, step: Step::Key(name) }
    }

    pub(crate) fn key(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Key(name) }
    }

    pub(crate) fn index(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// A refusal that names this path; `what` goes on after the name.
    pub(crate) fn refuse(&self, code: InvalidCode, what: impl fmt::Display) -> InvalidRequest {
        InvalidRequest::at(code, self.to_string(), format!("`{self}` {what}"))
    }

    pub(crate) fn missing(&self) -> InvalidRequest {
        self.refuse(InvalidCode::MissingRequiredParameter, "is missing")
    }

    /// The member this path ends in; it must be there, and not null.
    ///
    /// - `parent`: the object this path leads into.
    pub(crate) fn required<'j, 'a>(&self, parent: &'j Object<'a>) -> Result<&'j Json<'a>, InvalidRequest> {
        let Step::Key(name) = self.step else { return Err(self.missing()) };
        parent.given(name).ok_or_else(|| self.missing())
    }

    pub(crate) fn unknown(&self) -> InvalidRequest {
        InvalidRequest::at(
            InvalidCode::UnknownParameter,
            self.to_string(),
            format!("Unknown parameter: '{self}'."),
        )
    }

    pub(crate) fn wrong_type(&self, wanted: &str, found: &Json<'_>) -> InvalidRequest {
        self.refuse(InvalidCode::InvalidType, format_args!("must be {wanted}, not {}", found.kind()))
    }

    pub(crate) fn text<'a>(&self, json: &Json<'a>) -> Result<Text<'a>, InvalidRequest> {
        json.as_text().ok_or_else(|| self.wrong_type("a string", json))
    }

    pub(crate) fn object<'j, 'a>(&self, json: &'j Json<'a>) -> Result<&'j Object<'a>, InvalidRequest> {
        json.as_object().ok_or_else(|| self.wrong_type("an object", json))
    }

    pub(crate) fn array<'j, 'a>(&self, json: &'j Json<'a>) -> Result<&'j Array<'a>, InvalidRequest> {
        json.as_array().ok_or_else(|| self.wrong_type("an array", json))
    }

    pub(crate) fn boolean(&self, json: &Json<'_>) -> Result<bool, InvalidRequest> {
        if let Json::Bool(value) = json { Ok(*value) } else { Err(self.wrong_type("a boolean", json)) }
    }

    pub(crate) fn number(&self, json: &Json<'_>) -> Result<f64, InvalidRequest> {
        json.as_f64().ok_or_else(|| self.wrong_type("a number", json))
    }

    /// A whole number of at least zero.
    pub(crate) fn count(&self, json: &Json<'_>) -> Result<u64, InvalidRequest> {
        let Json::Number(text) = json else { return Err(self.wrong_type("an integer", json)) };
        match text.parse() {
            Ok(count) => Ok(count),
            Err(_) if text.bytes().any(|b| b"eE.".contains(&b)) => {
                Err(self.refuse(InvalidCode::InvalidType, "must be an integer"))
            }
            Err(_) => Err(self.refuse(InvalidCode::InvalidValue, "must be an integer from 0 to 2^64-1")),
        }
    }

    /// Refuses members that no rule names.
    pub(crate) fn only(&self, object: &Object<'_>, known: &[&str]) -> Result<(), InvalidRequest> {
        match object.members.iter().find(|(key, _)| !known.contains(&key.as_ref())) {
            Some((key, _)) => Err(self.key(key).unknown()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (self.step, self.parent) {
            (Step::Key(name), None) => f.write_str(shortened(name)),
            (Step::Key(name), Some(_)) => write!(f, ".{}", shortened(name)),
            (Step::Index(index), _) => write!(f, "[{index}]"),
        }
    }
}

/// A name may come from outside and be as long as the body; nobody wants to read more than its beginning.
fn shortened(name: &str) -> &str {
    let end = name.char_indices().map(|(at, _)| at).nth(128);
    end.map_or(name, |end| &name[..end])
}
