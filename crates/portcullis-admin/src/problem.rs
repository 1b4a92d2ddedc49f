//! What is wrong with a request, by the name of the field: collected, so that a caller fixes everything at once.

use serde::Serialize;

/// So many are told; a body with more is not worth a longer answer.
const MAX_PROBLEMS: usize = 20;
/// Characters of a caller's own field name that are repeated in an answer.
const MAX_ECHO: usize = 64;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The JSON path of the field, such as `configurations.aws_role_arn`; a query parameter's name; empty for the body.
    pub(crate) param: String,
    /// What kind of problem, for programs.
    pub(crate) code: ProblemCode,
    /// A sentence fragment that follows the field's name.
    pub(crate) message: String,
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProblemCode {
    /// A required field is absent.
    MissingField,
    /// A field that this request does not know.
    UnknownField,
    /// A value of the wrong JSON type.
    InvalidType,
    /// A value that breaks the field's rule.
    InvalidValue,
    /// Two fields that exclude each other.
    ConflictingFields,
    /// Known to this API, and not supported by this version.
    UnsupportedField,
    /// The field cannot be changed after creation.
    ImmutableField,
}

/// All that is wrong with one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Exactly one.
    pub(crate) fn one(param: impl Into<String>, code: ProblemCode, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(param, code, message);
        problems
    }

    /// Adds one, unless there are so many already that nobody would read it.
    pub(crate) fn add(&mut self, param: impl Into<String>, code: ProblemCode, message: impl Into<String>) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Problem { param: param.into(), code, message: message.into() });
        }
    }

    /// `value`, when there is one and nothing is wrong.
    ///
    /// # Errors
    /// The problems. A reader that yields nothing has reported why, so one without the other is a wrong reader.
    pub(crate) fn settle<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ if self.0.is_empty() => Err(Self::one("", ProblemCode::InvalidValue, "cannot be understood")),
            _ => Err(self),
        }
    }

    /// In the order in which they were found.
    pub(crate) fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// All of them as one line: `` `name` is missing; `slug`: a slug is … ``.
    pub(crate) fn message(&self) -> String {
        self.0.iter().map(Problem::sentence).collect::<Vec<_>>().join("; ")
    }
}

impl Problem {
    fn sentence(&self) -> String {
        if self.param.is_empty() {
            format!("the body {}", self.message)
        } else {
            format!("`{}` {}", self.param, self.message)
        }
    }
}

/// A caller's text, short and free of control characters, fit to be repeated in an answer.
pub(crate) fn echo(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(MAX_ECHO).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_read_as_one_line_and_stay_few() {
        let mut problems = Problems::one("name", ProblemCode::MissingField, "is missing");
        problems.add("", ProblemCode::InvalidType, "must be an object");
        assert_eq!(problems.message(), "`name` is missing; the body must be an object");
        for _ in 0..100 {
            problems.add("x", ProblemCode::UnknownField, "is not known");
        }
        assert_eq!(problems.as_slice().len(), MAX_PROBLEMS);
    }

    #[test]
    fn nothing_wrong_yields_the_value_and_anything_wrong_does_not() {
        assert_eq!(Problems::default().settle(Some(1)), Ok(1));
        assert!(Problems::default().settle(None::<u8>).is_err());
        assert!(Problems::one("a", ProblemCode::InvalidValue, "is odd").settle(Some(1)).is_err());
    }

    #[test]
    fn an_echo_is_short_and_has_no_control_characters() {
        assert_eq!(echo("aws_regoin"), "aws_regoin");
        assert_eq!(echo("a\r\nb\u{1b}[31m"), "ab[31m…");
        assert_eq!(echo(&"x".repeat(1000)).chars().count(), MAX_ECHO + 1);
    }
}
