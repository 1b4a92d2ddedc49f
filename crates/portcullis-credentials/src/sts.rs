//! Speaks to STS: `AssumeRole` and `GetCallerIdentity` through the AWS SDK.
//!
//! The SDK signs, sends, and retries once; it remembers nothing: its identity cache is single-flight only on success.
//! What its answers mean is decided in the module `answer`.

mod answer;
mod whole;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::config::{IdentityCache, Region as SdkRegion};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use portcullis_types::{AwsCredentials, Region};
use tokio::sync::OnceCell;

use crate::BoxFuture;
use crate::error::CredentialsError;
use crate::session::AssumeRole;
use crate::source::region_chain;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// The first and one more: beyond that the engine's own backoff spreads the calls.
const ATTEMPTS: u32 = 2;

/// Who AWS says is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account's twelve digits.
    pub account: String,
    /// The principal.
    pub arn: String,
}

/// What STS gives for a role.
#[derive(Clone, Debug)]
pub struct AssumedRole {
    /// What requests are signed with.
    pub credentials: AwsCredentials,
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`, when the answer names it.
    pub arn: Option<String>,
    /// How much of AWS's packed limit the session policy and the tags take, in per cent.
    pub packed_policy_percent: Option<u8>,
}

/// STS, as the engine needs it. The seam between the engine and the network.
pub trait AssumesRoles: fmt::Debug + Send + Sync + 'static {
    /// Assumes a role as `caller`. One call; every answer is an answer.
    ///
    /// # Errors
    /// Any [`CredentialsError`] but [`CredentialsError::SourceUnavailable`].
    fn assume_role<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>>;

    /// Asks STS who `caller` is.
    ///
    /// - `region`: whose endpoint is asked; that of the environment when absent.
    ///
    /// # Errors
    /// As above.
    fn caller_identity<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>>;
}

/// STS through the AWS SDK. Reads the SDK's settings when it is first called, not before.
#[derive(Debug)]
pub struct AwsSts {
    settings: OnceCell<SdkConfig>,
    endpoint: Option<String>,
}

impl AwsSts {
    /// STS at its regional endpoints, at `AWS_ENDPOINT_URL_STS` if that is set, or at `endpoint` whatever is set.
    #[must_use]
    pub fn new(endpoint: Option<String>) -> Self {
        Self { settings: OnceCell::new(), endpoint }
    }

    async fn client(&self, source: &AwsCredentials, region: Option<&str>) -> aws_sdk_sts::Client {
        let settings = self.settings.get_or_init(load_settings).await;
        let mut config = aws_sdk_sts::config::Builder::from(settings)
            .credentials_provider(for_the_sdk(source))
            .identity_cache(IdentityCache::no_cache())
            .interceptor(whole::WholeAnswer)
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(region) = region {
            config = config.region(SdkRegion::new(region.to_owned()));
        }
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint.clone());
        }
        aws_sdk_sts::Client::from_conf(config.build())
    }
}

impl AssumesRoles for AwsSts {
    fn assume_role<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        Box::pin(async move {
            let client = self.client(caller, Some(call.region.as_str())).await;
            let answer = client
                .assume_role()
                .role_arn(call.role_arn.as_str())
                .set_external_id(call.external_id.as_ref().map(|id| id.as_str().to_owned()))
                .role_session_name(call.session_name.as_str())
                .duration_seconds(call.duration.seconds().cast_signed())
                .set_policy(call.policy.as_deref().map(str::to_owned))
                .set_source_identity(call.source_identity.clone())
                .send()
                .await;
            answer::session(answer.map_err(answer::error)?)
        })
    }

    fn caller_identity<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        Box::pin(async move {
            let client = self.client(caller, region.map(Region::as_str)).await;
            let answer = client.get_caller_identity().send().await;
            answer::identity(&answer.map_err(answer::error)?)
        })
    }
}

async fn load_settings() -> SdkConfig {
    aws_config::from_env().region(region_chain()).no_credentials().load().await
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(TOTAL_TIMEOUT)
        .build()
}

fn for_the_sdk(credentials: &AwsCredentials) -> Credentials {
    Credentials::new(
        credentials.access_key_id.as_str(),
        credentials.expose_secret_access_key(),
        credentials.expose_session_token().map(str::to_owned),
        None::<SystemTime>,
        "portcullis",
    )
}

/// A shared handle on STS.
pub type SharedSts = Arc<dyn AssumesRoles>;
