//! Whom the sessions of a verification are for: the workspace, and a caller who is made up.
//!
//! What is said of a caller may take permissions that a session without a caller does not need, such as `sts:TagSession`.

use std::fmt;

use portcullis_types::session::Metadata;
use portcullis_types::{AwsAuth, ClaudePlatformAws};

use super::VerificationSubject;
use crate::engine::CredentialRequest;

/// An id that no key has.
const KEY: &str = "00000000-0000-7000-8000-000000000000";
/// What else there is to say of the caller.
const VALUE: &str = "portcullis-verify";

/// A caller of whom everything is known that the settings ask for.
pub(super) struct SampleCaller(Metadata);

impl SampleCaller {
    pub(super) fn of(platform: &ClaudePlatformAws) -> Self {
        let AwsAuth::AssumedRole { settings, .. } = &platform.auth else { return Self(Metadata::default()) };
        Self(settings.metadata_names().into_iter().map(|name| (name, VALUE)).collect())
    }

    /// What the engine is asked when this caller has a request.
    pub(super) fn request<'a>(&'a self, subject: &'a VerificationSubject) -> CredentialRequest<'a> {
        let mut request = subject.credential_request();
        request.subject.key = Some(KEY);
        request.subject.user = Some(VALUE);
        request.subject.metadata = Some(&self.0);
        request
    }
}

impl fmt::Display for SampleCaller {
    /// `for a caller (key `…`, user `…`)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "for a sample caller (key `{KEY}`, user `{VALUE}`")?;
        for (name, value) in self.0.iter() {
            write!(f, ", metadata.{name} `{value}`")?;
        }
        f.write_str(")")
    }
}
