//! What is signed, for whom and how: the borrowed request, its scope, and the few choices services differ in.

use std::fmt;
use std::time::SystemTime;

use portcullis_types::Region;

/// A request as it goes on the wire, borrowed.
#[derive(Clone, Copy)]
pub struct SignableRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The `host` header's value (over HTTP/2: the authority), with the port if it is not the scheme's own.
    pub host: &'a str,
    /// The path as sent: from the first slash, percent-encoded, without the query.
    pub path: &'a str,
    /// The query as sent: percent-encoded, without the question mark.
    pub query: Option<&'a str>,
    /// Name and value of each header to be sent, names in lower case, without `host`. A repeated name is one list.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent behind the head.
    pub body: SignableBody<'a>,
}

/// The body of a request: its bytes, or what is known of bytes that lie elsewhere.
#[derive(Clone, Copy)]
pub enum SignableBody<'a> {
    /// The exact bytes; empty when there is none.
    Bytes(&'a [u8]),
    /// The SHA-256 of bytes that were hashed while they arrived, such as an upload that waits in a file.
    Sha256([u8; 32]),
}

/// Bodies are prompts: only how much there is, or which hash, is shown.
impl fmt::Debug for SignableBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Sha256(hash) => write!(f, "SHA-256 {}", hex::encode(hash)),
        }
    }
}

/// Header values may be credentials of somebody and bodies are prompts, so neither is shown.
impl fmt::Debug for SignableRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignableRequest")
            .field("method", &self.method)
            .field("host", &self.host)
            .field("path", &self.path)
            .field("header_count", &self.headers.len())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Where a signature counts.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The region that signs, whatever host the request goes to.
    pub region: &'a Region,
    /// The signing name, such as [`SERVICE`](crate::SERVICE).
    pub service: &'a str,
}

/// Seconds to add to the local clock so that it says what AWS's says.
///
/// AWS refuses a signature whose time is more than about five minutes off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// The local clock is right.
    pub const NONE: Self = Self(0);

    /// An offset of so many seconds; negative when the local clock is ahead.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The offset that makes `local` say `server`, in whole seconds. Times before 1970 count as 1970.
    #[must_use]
    pub fn between(local: SystemTime, server: SystemTime) -> Self {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        };
        Self(seconds(server) - seconds(local))
    }

    /// The seconds to add.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

/// How a service wants to be signed for. The default is Claude Platform on AWS's way, and that of nearly every other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigningOptions {
    /// Whether dot segments and empty segments count.
    pub path_normalisation: PathNormalisation,
    /// How often the path is encoded.
    pub path_encoding: PathEncoding,
    /// Whether the body's hash is also a header.
    pub content_hash: ContentHash,
    /// Whether the session token is signed.
    pub session_token: SessionToken,
    /// Which headers are signed.
    pub headers: HeaderSelection,
}

/// Whether `/a/./b//c/..` is signed as `/a/b/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathNormalisation {
    /// Dot segments are resolved and repeated slashes become one.
    #[default]
    Normalise,
    /// The path is signed segment by segment as it is sent. S3's way.
    Keep,
}

/// How often the path is percent-encoded in the canonical request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathEncoding {
    /// Once more than on the wire: `%3A` is signed as `%253A`.
    #[default]
    Twice,
    /// As on the wire. S3's way.
    Once,
}

/// Whether `x-amz-content-sha256` is sent and signed. The hash is part of the signature either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentHash {
    /// No header.
    #[default]
    Omit,
    /// The header is sent and signed. S3's way.
    Send,
}

/// Whether `x-amz-security-token` is among the signed headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionToken {
    /// Sent and signed.
    #[default]
    Sign,
    /// Sent, but added after signing.
    AddAfterwards,
}

/// Which of the request's own headers are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderSelection {
    /// All but those that a proxy, a client library or a tracer may add, change or drop under way.
    #[default]
    SafeFromProxies,
    /// All but `authorization`, `user-agent`, `x-amzn-trace-id` and `transfer-encoding`, as the AWS SDK for Rust does.
    AsTheSdk,
}
