//! Signs HTTP requests with AWS Signature Version 4.
//!
//! Start at [`Signer::sign`]: a borrowed request in, the headers to add out. The private `canonical` follows the AWS
//! text step by step; [`request`] holds what goes in; the private `signing_key` keeps derived keys, `unsigned_headers`
//! the headers that are left out.
//!
//! Set every header first, sign last, and change nothing afterwards: neither a signed header, nor the path, nor the body.
//!
//! # Invariants
//! - No I/O, clock or randomness: same input, same signature. (`cargo xtask layers`; test
//!   `the_same_request_is_signed_the_same_way`)
//! - A secret never reaches `Debug` or an error. (test `debug_hides_every_secret`)
//! - A body is hashed as it was given; nothing here serialises it again. (test `body_bytes_are_untouched`) Who gives a hash
//!   instead of bytes gets the signature of those bytes. (test `a_hash_signs_as_its_bytes_do`)
//! - A rotated secret never meets a key that was derived from the old one, whatever its access key id. (test
//!   `a_rotated_secret_gets_a_key_of_its_own`)
//! - No request to Claude Platform on AWS is signed without its workspace, which is itself signed, so that nobody between
//!   can swap it. (test `a_workspace_is_demanded_and_signed`)
//! - What a proxy may add, change or drop is not signed. (test `what_proxies_change_is_not_signed`)
//! - It agrees with AWS's published vectors (test `every_v4_header_vector_of_aws_is_met`), with three worked requests (tests
//!   in `tests/golden`), with the SDK's own signer (test `agrees_with_the_signer_of_the_sdk`) and with a verifier that
//!   shares no code with it (test `the_verifier_accepts_what_is_signed_and_nothing_else`).

mod canonical;
mod error;
mod moment;
pub mod request;
mod signed;
mod signer;
mod signing_key;
mod unsigned_headers;

#[cfg(test)]
mod tests;

pub use error::SignError;
pub use request::{
    ClockOffset, ContentHash, HeaderSelection, PathEncoding, PathNormalisation, Scope, SessionToken,
    SignableBody, SignableRequest, SigningOptions,
};
pub use signed::SignedHeaders;
pub use signer::Signer;

/// The signing name of Claude Platform on AWS, which is also the first label of its hosts.
pub const SERVICE: &str = "aws-external-anthropic";

/// The header that names the workspace a request belongs to.
pub const WORKSPACE_HEADER: &str = "anthropic-workspace-id";
