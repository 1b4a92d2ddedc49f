//! What is refused of objects: by name, with a stable code.

use portcullis_provider::error::{ApiError, ErrorKind};

use crate::error::GatewayError;

/// There is no such object in the key's workspace. Also said of what belongs to somebody else.
///
/// - `what`: `file` or `batch`; the code is `file_not_found` or `batch_not_found`.
pub(super) fn no_such(what: &'static str, id: &str) -> GatewayError {
    let id: String = id.chars().take(80).flat_map(char::escape_default).collect();
    let message = format!("there is no {what} `{id}` in the key's workspace");
    let error = ApiError::new(404, ErrorKind::NotFound, format!("{what}_not_found"), message);
    ApiError { param: Some(format!("{what}_id")), ..error }.into()
}

/// The state of an object forbids it.
pub(super) fn conflict(code: &'static str, message: String) -> GatewayError {
    // OpenAI's clients try again on 409, which would be of no use here.
    let error = ApiError::new(409, ErrorKind::Conflict, code, message);
    ApiError { should_retry: Some(false), ..error }.into()
}

/// The request is wrong for this object.
pub(super) fn unfit(code: &'static str, message: String) -> GatewayError {
    ApiError::new(400, ErrorKind::InvalidRequest, code, message).into()
}
