//! What is sent behind the head of a request: nothing, bytes, or what was spooled.

use bytes::Bytes;
use http::HeaderValue;
use portcullis_signer::SignableBody;

use crate::spool::Spool;

/// The body of a request to the platform, with its type. Whatever it is, it can be sent more than once.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// No body, and no word of a type.
    None,
    /// Bytes in memory, hashed when they are signed.
    Bytes { kind: HeaderValue, bytes: Bytes },
    /// Bytes that were hashed while they arrived.
    Spooled { kind: HeaderValue, spool: Spool },
}

impl Content {
    /// JSON in memory.
    pub(crate) const fn json(bytes: Bytes) -> Self {
        Self::Bytes { kind: HeaderValue::from_static("application/json"), bytes }
    }

    /// The value of `content-type`.
    pub(crate) const fn kind(&self) -> Option<&HeaderValue> {
        match self {
            Self::None => None,
            Self::Bytes { kind, .. } | Self::Spooled { kind, .. } => Some(kind),
        }
    }

    /// What a signature needs of it.
    pub(crate) fn signable(&self) -> SignableBody<'_> {
        match self {
            Self::None => SignableBody::Bytes(&[]),
            Self::Bytes { bytes, .. } => SignableBody::Bytes(bytes),
            Self::Spooled { spool, .. } => SignableBody::Sha256(spool.sha256()),
        }
    }

    /// The body as it is sent.
    pub(crate) fn into_body(self) -> Option<reqwest::Body> {
        match self {
            Self::None => None,
            Self::Bytes { bytes, .. } => Some(bytes.into()),
            Self::Spooled { spool, .. } => Some(reqwest::Body::wrap(spool.reader())),
        }
    }
}
