//! Speaks to STS: `AssumeRole` and `GetCallerIdentity` through the AWS SDK.
//!
//! The SDK signs and sends, once: single flight and backoff are the engine's, and its identity cache is single-flight only
//! on success. Every call has a connection of its own. Calls are rare, and a kept connection can lead to a host of STS that
//! has not yet heard of a changed trust policy and goes on denying. Whom to ask is decided in [`route`], what an answer
//! means in [`answer`], what time it is in [`time`].

mod answer;
mod route;
mod time;
mod whole;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{IdentityCache, Region as SdkRegion};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use portcullis_types::session::TagKey;
use portcullis_types::{AwsCredentials, Region, SystemClock};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::BoxFuture;
use crate::error::{CredentialsError, Explanation};
use crate::session::AssumeRole;
use crate::settings::EngineSettings;
use crate::source::region_chain;
use route::{Place, Route, is_worth_another, share};
use time::{AwsTime, is_about_time};

pub use route::Station;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// What all STS that are asked for one thing have together: less than the engine has for a session.
const PATIENCE_WITH_ALL: Duration = Duration::from_secs(10);

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

    /// Assumes a role and says which STS gave the session, so that the same one can be asked again.
    ///
    /// - `only`: the one to ask, and no other; as for [`assume_role`](Self::assume_role) when absent.
    ///
    /// # Errors
    /// As above.
    fn assume_role_at<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
        only: Option<&'a Station>,
    ) -> BoxFuture<'a, Result<(AssumedRole, Station), CredentialsError>> {
        let _there_is_one = only;
        Box::pin(async move {
            Ok((self.assume_role(caller, call).await?, Station::of_region(Some(&call.region))))
        })
    }

    /// Asks who `caller` is, and says which STS answered.
    ///
    /// # Errors
    /// As above.
    fn caller_identity_at<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<(CallerIdentity, Station), CredentialsError>> {
        Box::pin(async move { Ok((self.caller_identity(caller, region).await?, Station::of_region(region))) })
    }
}

/// STS through the AWS SDK. Reads the SDK's settings when it is first called, not before.
#[derive(Debug)]
pub struct AwsSts {
    sdk: OnceCell<SdkConfig>,
    route: Route,
    time: AwsTime,
}

impl AwsSts {
    /// STS at its regional endpoints, at `AWS_ENDPOINT_URL_STS` if that is set, or at `endpoint` whatever is set.
    #[must_use]
    pub fn new(endpoint: Option<String>) -> Self {
        let settings = EngineSettings::new(Arc::new(SystemClock));
        Self::with_settings(&EngineSettings { sts_endpoint: endpoint, ..settings })
    }

    /// STS where these settings say, with their fall-backs and their time.
    #[must_use]
    pub fn with_settings(settings: &EngineSettings) -> Self {
        Self {
            sdk: OnceCell::new(),
            route: Route::new(settings.sts_endpoint.clone(), settings.sts_fallbacks.clone()),
            time: AwsTime::new(Arc::clone(&settings.clock), Arc::clone(&settings.skew)),
        }
    }

    /// Asks one STS after the other until one gives an answer. When none does: what the first had to say.
    async fn ask<T, F>(
        &self,
        caller: &AwsCredentials,
        stations: Vec<Station>,
        call: impl Fn(Client) -> F,
    ) -> Result<(T, Station), CredentialsError>
    where
        F: Future<Output = Result<T, CredentialsError>>,
    {
        let deadline = Instant::now() + PATIENCE_WITH_ALL;
        let n_stations = stations.len();
        let mut first_error = None;
        for (n, station) in stations.into_iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            // Who cannot be asked any more has not failed.
            let Some(share) = share(left, n_stations - n) else { break };
            let answer = match tokio::time::timeout(share, self.ask_one(caller, &station, &call)).await {
                Ok(answer) => answer,
                Err(_) => Err(CredentialsError::StsUnavailable(Explanation::new("no answer in time"))),
            };
            self.route.note(&station, &answer);
            match answer {
                Err(error) if is_worth_another(&error) => first_error.get_or_insert(error),
                final_answer => return final_answer.map(|given| (given, station)),
            };
        }
        Err(first_error.expect("there is at least one to ask"))
    }

    /// Asks one STS; once more if it refused the signature for its time and said what time it is.
    async fn ask_one<T, F>(
        &self,
        caller: &AwsCredentials,
        station: &Station,
        call: impl Fn(Client) -> F,
    ) -> Result<T, CredentialsError>
    where
        F: Future<Output = Result<T, CredentialsError>>,
    {
        let offset = self.time.offset_seconds();
        let answer = call(self.client(caller, station).await).await;
        let is_corrected = self.time.offset_seconds() != offset;
        match answer {
            Err(error) if is_corrected && is_about_time(&error) => {
                call(self.client(caller, station).await).await
            }
            answer => answer,
        }
    }

    async fn client(&self, caller: &AwsCredentials, station: &Station) -> Client {
        let sdk = self.sdk.get_or_init(load_settings).await;
        let mut config = aws_sdk_sts::config::Builder::from(sdk)
            .credentials_provider(for_the_sdk(caller))
            .identity_cache(IdentityCache::no_cache())
            .time_source(self.time.clone())
            .interceptor(self.time.clone())
            .interceptor(whole::WholeAnswer)
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build())
            .retry_config(RetryConfig::disabled());
        if let Some(region) = &station.region {
            config = config.region(SdkRegion::new(region.as_str().to_owned()));
        }
        match &station.place {
            Place::AsConfigured => {}
            Place::Regional => {
                config.set_endpoint_url(None);
            }
            Place::At(url) => config = config.endpoint_url(url.clone()),
        }
        Client::from_conf(config.build())
    }
}

#[cfg(test)]
impl AwsSts {
    /// STS with these settings of the SDK instead of the environment's.
    pub(crate) fn with_sdk(sdk: SdkConfig, settings: &EngineSettings) -> Self {
        Self { sdk: OnceCell::new_with(Some(sdk)), ..Self::with_settings(settings) }
    }
}

impl AssumesRoles for AwsSts {
    fn assume_role<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        Box::pin(async move { Ok(self.assume_role_at(caller, call, None).await?.0) })
    }

    fn caller_identity<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        Box::pin(async move { Ok(self.caller_identity_at(caller, region).await?.0) })
    }

    fn assume_role_at<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
        only: Option<&'a Station>,
    ) -> BoxFuture<'a, Result<(AssumedRole, Station), CredentialsError>> {
        let all = || self.route.stations(Some(&call.region));
        let stations = only.map_or_else(all, |station| vec![station.clone()]);
        Box::pin(self.ask(caller, stations, move |client| assume_role(client, call)))
    }

    fn caller_identity_at<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<(CallerIdentity, Station), CredentialsError>> {
        Box::pin(self.ask(caller, self.route.stations(region), |client| async move {
            let answer = client.get_caller_identity().send().await;
            answer::identity(&answer.map_err(answer::error)?)
        }))
    }
}

async fn assume_role(client: Client, call: &AssumeRole) -> Result<AssumedRole, CredentialsError> {
    let tags = call.tags.iter().map(|(key, value)| tag(key, value)).collect::<Result<Vec<_>, _>>()?;
    let transitive: Vec<_> = call.transitive_tag_keys.iter().map(|key| key.as_str().to_owned()).collect();
    let answer = client
        .assume_role()
        .role_arn(call.role_arn.as_str())
        .set_external_id(call.external_id.as_ref().map(|id| id.as_str().to_owned()))
        .role_session_name(call.session_name.as_str())
        .duration_seconds(call.duration.seconds().cast_signed())
        .set_policy(call.policy.as_deref().map(str::to_owned))
        .set_tags((!tags.is_empty()).then_some(tags))
        .set_transitive_tag_keys((!transitive.is_empty()).then_some(transitive))
        .set_source_identity(call.source_identity.clone())
        .send()
        .await;
    answer::session(answer.map_err(answer::error)?)
}

fn tag(key: &TagKey, value: &str) -> Result<aws_sdk_sts::types::Tag, CredentialsError> {
    let tag = aws_sdk_sts::types::Tag::builder().key(key.as_str()).value(value).build();
    tag.map_err(|error| CredentialsError::InvalidRequest(Explanation::new(&error.to_string())))
}

async fn load_settings() -> SdkConfig {
    aws_config::from_env().region(region_chain()).no_credentials().load().await
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
