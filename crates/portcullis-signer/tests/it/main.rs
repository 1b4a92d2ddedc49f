//! The signer against two other implementations: the AWS SDK's own signer, and a verifier that shares no code with it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod against_the_sdk;
mod against_the_verifier;
mod random;
