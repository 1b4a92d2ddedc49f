//! Why a request is refused before any upstream is called.

use std::borrow::Cow;
use std::fmt;

/// The machine-readable reason of an [`InvalidRequest`]; the words are those of OpenAI's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidCode {
    /// The body is not JSON, or not JSON of the right shape at all.
    InvalidJson,
    /// The parameter exists, but nothing behind this gateway can do it.
    UnsupportedParameter,
    /// The parameter is served, this value of it is not.
    UnsupportedValue,
    /// The value is of the right type and still wrong.
    InvalidValue,
    /// The value is of the wrong JSON type.
    InvalidType,
    /// A parameter that must be there is not.
    MissingRequiredParameter,
    /// No such parameter is known.
    UnknownParameter,
    /// Two parameters say different things.
    ConflictingParameters,
    /// A key stands twice where only one value can count.
    DuplicateParameter,
    /// The response to be continued is not kept, or not any more.
    PreviousResponseNotFound,
}

impl InvalidCode {
    /// The code as clients read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::UnsupportedParameter => "unsupported_parameter",
            Self::UnsupportedValue => "unsupported_value",
            Self::InvalidValue => "invalid_value",
            Self::InvalidType => "invalid_type",
            Self::MissingRequiredParameter => "missing_required_parameter",
            Self::UnknownParameter => "unknown_parameter",
            Self::ConflictingParameters => "conflicting_parameters",
            Self::DuplicateParameter => "duplicate_parameter",
            Self::PreviousResponseNotFound => "previous_response_not_found",
        }
    }
}

impl fmt::Display for InvalidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that is refused with status 400, in words a client may read.
///
/// `param` is the JSON path of the culprit as OpenAI writes it, such as `messages[2].content[0].image_url`. Neither
/// `message` nor `param` repeats what the caller wrote, except for names of parameters, tools and models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidRequest {
    /// The machine-readable reason.
    pub code: InvalidCode,
    /// The path of the culprit, when one value is to blame.
    pub param: Option<String>,
    /// A sentence for people.
    pub message: String,
}

impl InvalidRequest {
    /// A refusal that names the value at `param`.
    pub fn at(code: InvalidCode, param: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, param: Some(param.into()), message: message.into().into_owned() }
    }

    /// A refusal of the body as a whole.
    pub fn body(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: InvalidCode::InvalidJson, param: None, message: message.into().into_owned() }
    }
}
