//! Claude Platform on AWS, as a verification needs it. The seam between this crate and whoever sends requests.

use std::fmt;

use portcullis_provider::error::{Explained, UpstreamCause};
use portcullis_types::{ApiKeyHeader, AwsCredentials, ClaudePlatformAws, SecretString};

use crate::BoxFuture;

/// As whom a probe is sent.
#[derive(Clone, Copy, Debug)]
pub enum PlatformCredentials<'a> {
    /// Requests are signed with these.
    Aws(&'a AwsCredentials),
    /// Requests bear this workspace key.
    ApiKey {
        /// The key.
        key: &'a SecretString,
        /// Which header carries it.
        header: ApiKeyHeader,
    },
}

/// A success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The HTTP status; 0 where no HTTP was spoken.
    pub status: u16,
    /// What was seen. Never a secret.
    pub evidence: String,
    /// Anthropic's id of the request.
    pub request_id: Option<String>,
    /// AWS's id of the request.
    pub aws_request_id: Option<String>,
}

/// The models that the workspace offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedModels {
    /// What was seen.
    pub answer: ProbeAnswer,
    /// Their ids, in the service's order.
    pub ids: Vec<String>,
}

/// A refusal, or no answer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFailure {
    /// What the service's refusal means. `None` when the service did not answer.
    pub cause: Option<UpstreamCause>,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What was seen, in the service's own words where it has any. Never a secret.
    pub evidence: String,
    /// What it means and what to do.
    pub explained: Box<Explained>,
    /// Anthropic's id of the request.
    pub request_id: Option<String>,
    /// AWS's id of the request.
    pub aws_request_id: Option<String>,
}

/// Sends the requests of a verification. Every call has a time limit of its own.
pub trait ProbesPlatform: fmt::Debug + Send + Sync + 'static {
    /// Finds the address of the platform's endpoint and connects to it. No credential is shown.
    fn resolve<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>>;

    /// Reads the workspace's own entry.
    fn get_workspace<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>>;

    /// Lists the models.
    fn list_models<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ListedModels, ProbeFailure>>;

    /// Counts the tokens of a short message. Free of charge.
    fn count_tokens<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
        model: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>>;

    /// Has a short message answered with one token. It costs.
    fn infer<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
        model: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>>;
}
