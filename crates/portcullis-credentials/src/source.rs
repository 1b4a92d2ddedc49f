//! The gateway's own identity: what the standard AWS chain finds, and where it found it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError as ChainError;
use portcullis_types::{AccessKeyId, AwsCredentials};

use crate::BoxFuture;
use crate::error::{CredentialsError, Explanation};

/// Where the gateway's own identity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// Keys in the shared configuration or credentials file.
    Profile,
    /// A role that a profile assumes.
    ProfileRole,
    /// A command that a profile names.
    Process,
    /// IAM Identity Center.
    Sso,
    /// A web identity token: IRSA, GitHub Actions and the like.
    WebIdentity,
    /// An HTTP endpoint: ECS tasks and EKS Pod Identity.
    Container,
    /// The instance metadata service of EC2.
    InstanceMetadata,
    /// A provider that this list does not know.
    Other,
}

impl SourceKind {
    /// The name in the admin API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Profile => "profile",
            Self::ProfileRole => "profileRole",
            Self::Process => "process",
            Self::Sso => "sso",
            Self::WebIdentity => "webIdentity",
            Self::Container => "container",
            Self::InstanceMetadata => "instanceMetadata",
            Self::Other => "other",
        }
    }

    /// Whether such credentials are a role's already, so that assuming a role with them is role chaining. What comes from
    /// the environment, a file or a command may be too, but does not say so.
    #[must_use]
    pub const fn is_role_session(self) -> bool {
        match self {
            Self::ProfileRole | Self::Sso | Self::WebIdentity | Self::Container | Self::InstanceMetadata => {
                true
            }
            Self::Environment | Self::Profile | Self::Process | Self::Other => false,
        }
    }

    /// The kind that the SDK's marks say. The most particular wins: credentials of a profile that come from SSO carry both.
    fn of(credentials: &Credentials) -> Self {
        use AwsCredentialFeature as Mark;
        let marks = credentials.get_property::<Vec<Mark>>().map_or(&[][..], Vec::as_slice);
        let has = |wanted: &[Mark]| marks.iter().any(|mark| wanted.contains(mark));
        if has(&[Mark::CredentialsStsAssumeRole]) {
            Self::ProfileRole
        } else if has(&[Mark::CredentialsSso, Mark::CredentialsProfileSso]) {
            Self::Sso
        } else if has(&[Mark::CredentialsProcess, Mark::CredentialsProfileProcess]) {
            Self::Process
        } else if has(&[
            Mark::CredentialsEnvVarsStsWebIdToken,
            Mark::CredentialsProfileStsWebIdToken,
            Mark::CredentialsStsAssumeRoleWebId,
        ]) {
            Self::WebIdentity
        } else if has(&[Mark::CredentialsHttp]) {
            Self::Container
        } else if has(&[Mark::CredentialsImds]) {
            Self::InstanceMetadata
        } else if has(&[Mark::CredentialsProfile]) {
            Self::Profile
        } else if has(&[Mark::CredentialsEnvVars]) {
            Self::Environment
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Tells one source identity from another without asking AWS.
///
/// Temporary keys change every hour while the identity stays, and a session must outlive them: so they are not part of
/// it. A changed long-term key is another identity until the contrary is known. Two roles of one account that are found in
/// the same way are not told apart: the SDK does not name them, and the variables that might do not change in a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceFingerprint {
    /// Where it was found.
    pub kind: SourceKind,
    /// The account, when the source says so.
    pub account: Option<String>,
    /// The access key id of long-term credentials.
    pub long_term_key: Option<AccessKeyId>,
}

/// The gateway's own credentials and where they come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// What calls to STS are signed with.
    pub credentials: Arc<AwsCredentials>,
    /// Which identity this is.
    pub fingerprint: Arc<SourceFingerprint>,
}

/// Who the gateway is, as AWS sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity {
    /// The account's twelve digits.
    pub account: String,
    /// The principal, as it appears in denials: a user, or an assumed role with its session.
    pub arn: String,
    /// Where the credentials were found.
    pub kind: SourceKind,
    /// When they end. `None` for long-term keys.
    pub expires_at: Option<SystemTime>,
}

/// Finds the gateway's own credentials. The seam between the engine and the AWS SDK's chain.
pub trait SourceChain: fmt::Debug + Send + Sync + 'static {
    /// Looks for credentials afresh: nothing is remembered between calls.
    ///
    /// # Errors
    /// [`CredentialsError::SourceUnavailable`] if there are none.
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>>;
}

/// The standard chain: environment, shared files (with SSO, `credential_process` and roles), web identity, container,
/// instance metadata.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardChain;

impl SourceChain for StandardChain {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        Box::pin(async {
            // Built anew each time: the SDK reads the shared files once per chain, and a rotated key must be noticed.
            let chain = DefaultCredentialsChain::builder().region(region_chain()).build().await;
            let found = chain.provide_credentials().await.map_err(|error| unavailable(&error))?;
            source_from(&found)
        })
    }
}

/// The region for calls that no integration asks for. Without the instance metadata service, which costs seconds where
/// there is none; the last resort is the region that every account has.
pub(crate) fn region_chain() -> RegionProviderChain {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else("us-east-1")
}

fn unavailable(error: &ChainError) -> CredentialsError {
    let explanation = match error {
        // The SDK's own chain of causes says only that none of its providers felt responsible.
        ChainError::CredentialsNotLoaded(_) => Explanation::new(
            "nothing in the environment, the shared files, web identity, container or instance metadata",
        ),
        _ => Explanation::from_chain(error),
    };
    CredentialsError::SourceUnavailable(explanation)
}

fn source_from(found: &Credentials) -> Result<Source, CredentialsError> {
    let access_key_id: AccessKeyId = found.access_key_id().parse().map_err(|error| {
        CredentialsError::SourceUnavailable(Explanation::new(&format!("what was found is unusable: {error}")))
    })?;
    let is_long_term = found.session_token().is_none();
    let fingerprint = SourceFingerprint {
        kind: SourceKind::of(found),
        account: found.account_id().map(|id| id.as_str().to_owned()),
        long_term_key: is_long_term.then(|| access_key_id.clone()),
    };
    let credentials = AwsCredentials {
        access_key_id,
        secret_access_key: found.secret_access_key().into(),
        session_token: found.session_token().map(Into::into),
        expires_at: found.expiry(),
    };
    Ok(Source { credentials: Arc::new(credentials), fingerprint: Arc::new(fingerprint) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(token: Option<&str>, marks: &[AwsCredentialFeature]) -> Credentials {
        let mut credentials =
            Credentials::new("AKIDEXAMPLE", "hunter2", token.map(str::to_owned), None, "test");
        credentials.set_property(marks.to_vec());
        credentials
    }

    #[test]
    fn the_most_particular_mark_names_the_source() {
        use AwsCredentialFeature as Mark;
        let check = |marks: &[Mark], kind| assert_eq!(SourceKind::of(&found(None, marks)), kind);
        check(&[], SourceKind::Other);
        check(&[Mark::CredentialsEnvVars], SourceKind::Environment);
        check(&[Mark::CredentialsProfile], SourceKind::Profile);
        check(&[Mark::CredentialsSso, Mark::CredentialsProfile], SourceKind::Sso);
        check(&[Mark::CredentialsProcess, Mark::CredentialsProfile], SourceKind::Process);
        check(&[Mark::CredentialsProfileStsWebIdToken], SourceKind::WebIdentity);
        check(&[Mark::CredentialsStsAssumeRole, Mark::CredentialsProfile], SourceKind::ProfileRole);
        check(&[Mark::CredentialsHttp], SourceKind::Container);
        check(&[Mark::CredentialsImds], SourceKind::InstanceMetadata);
    }

    #[test]
    fn rotating_temporary_keys_keep_their_fingerprint_and_long_term_keys_have_their_own() {
        let temporary = source_from(&found(Some("token"), &[])).unwrap();
        assert_eq!(temporary.fingerprint.long_term_key, None);
        let long_term = source_from(&found(None, &[])).unwrap();
        assert_eq!(long_term.fingerprint.long_term_key.as_ref().unwrap().as_str(), "AKIDEXAMPLE");
    }

    #[test]
    fn a_source_hides_its_secrets() {
        let shown = format!("{:?}", source_from(&found(Some("hunter3"), &[])).unwrap());
        assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("hunter"), "{shown}");
    }
}
