//! Why a request cannot be signed. Every one is a mistake of the code that calls, or a value that nobody parsed.

/// Why a request cannot be signed.
///
/// Retrying the same request fails the same way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The method is not an HTTP token, such as `POST`.
    #[error("the method is not an HTTP token")]
    Method,
    /// The host is empty or has a character that no host has.
    #[error("the host is empty, or holds a space, a slash or a character outside visible ASCII")]
    Host,
    /// The path is not what goes on the wire.
    #[error(
        "the path does not start with `/`, or holds `?`, `#` or a character that must be percent-encoded"
    )]
    Path,
    /// The query is not what goes on the wire.
    #[error("the query holds `#` or a character that must be percent-encoded")]
    Query,
    /// The signing name is empty or has a character that no signing name has.
    #[error("the service is not made of a-z, 0-9 and `-`")]
    Service,
    /// A header's name has a capital letter or a character that HTTP forbids.
    #[error("the header name {0:?} is not a lower-case HTTP token")]
    HeaderName(String),
    /// A header's value has a control character. A tab counts: signers disagree on whether it becomes a space.
    #[error("the value of header `{0}` holds a control character")]
    HeaderValue(String),
    /// The caller sets a header that the signer itself sets, so what is sent and what is signed could differ.
    #[error("header `{0}` is set by the signer and may not be among the request's own")]
    ReservedHeader(String),
    /// A request to Claude Platform on AWS does not name its workspace.
    ///
    /// Only the routes below `/v1/organizations` do without: they belong to the account.
    #[error("header `anthropic-workspace-id` is missing or empty")]
    MissingWorkspace,
    /// A request names its workspace more than once, so which one counts would be the server's choice.
    #[error("header `anthropic-workspace-id` is there more than once")]
    RepeatedWorkspace,
    /// The time, after the offset, is not in the years 1970 to 9999.
    #[error("the time to sign at is outside the years 1970 to 9999")]
    Time,
}
