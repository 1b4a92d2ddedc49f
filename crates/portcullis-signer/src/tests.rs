//! What needs a look inside: AWS's vectors and our golden ones, step by step, and the signer's own rules.

mod golden;
mod rules;
mod vectors;

use std::time::{Duration, SystemTime};

use portcullis_types::AwsCredentials;

/// 2026-11-22T12:00:00Z.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)
}

/// The key pair of AWS's own examples.
fn example_credentials(session_token: Option<&str>) -> AwsCredentials {
    AwsCredentials {
        access_key_id: "AKIDEXAMPLE".parse().unwrap(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        session_token: session_token.map(Into::into),
        expires_at: None,
    }
}
