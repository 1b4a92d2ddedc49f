//! The engine: from an integration to live credentials.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use moka::policy::EvictionPolicy;
use portcullis_types::session::{SessionDuration, Target};
use portcullis_types::{
    AwsAuth, AwsCredentials, ClaudePlatformAws, ClockSkew, IntegrationId, Revision, SessionName,
    SessionSubject, SharedClock,
};
use tokio::runtime::Handle;

use crate::error::{CredentialsError, Explanation};
use crate::health::{EngineStats, IntegrationHealth};
use crate::session::{AssumeRole, SessionKey, SessionShape};
use crate::settings::EngineSettings;
use crate::slot::{Fetched, Renewal, Slot, Surroundings};
use crate::source::{Source, SourceChain, SourceFingerprint, SourceIdentity, SourceKind, StandardChain};
use crate::sts::{AwsSts, SharedSts};

/// How long a session lasts: what AWS gives by default, and the most that it gives to a caller that is itself a role.
const SESSION_SECONDS: u16 = 3600;
/// The SDK's own limits end a call after 10 s; this is for what they do not cover.
const STS_PATIENCE: Duration = Duration::from_secs(12);
/// The chain may run a command, ask IAM Identity Center, or try the instance metadata service four times.
const CHAIN_PATIENCE: Duration = Duration::from_secs(20);
/// Sessions beyond this push out the least recently used.
const MOST_SESSIONS: u64 = 10_000;
/// Longer than a session lives. What is dropped then holds no secret any more: a slot lets go of its session when that
/// has expired. The cache's own expiry would not do for it, because the cache only tidies up while it is used.
const IDLE_SLOT_IS_DROPPED_AFTER: Duration = Duration::from_secs(2 * SESSION_SECONDS as u64);

/// For whom credentials are wanted.
#[derive(Clone, Copy, Debug)]
pub struct CredentialRequest<'a> {
    /// Whose they are. Two integrations never share a session, whatever they have in common.
    pub integration: IntegrationId,
    /// Which version of it. A session of one revision never serves another.
    pub revision: Revision,
    /// Where it leads and as whom. The STS endpoint of its region is called.
    pub platform: &'a ClaudePlatformAws,
    /// On whose behalf.
    pub subject: SessionSubject<'a>,
}

/// Keeps credentials ready for every integration. A cheap handle: clones share everything.
#[derive(Clone, Debug)]
pub struct CredentialEngine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// For calls to STS.
    around: Surroundings,
    /// For the source, which may take longer.
    around_source: Surroundings,
    chain: Arc<dyn SourceChain>,
    sts: SharedSts,
    source: Arc<Slot<Arc<Source>>>,
    /// The identity last found. Outlives the source's own credentials: a chain that fails must not orphan live sessions.
    fingerprint: ArcSwapOption<SourceFingerprint>,
    /// The cache of moka that is not for futures: making a slot is instant, and the slot does the waiting.
    sessions: moka::sync::Cache<SessionKey, Arc<Slot<Arc<AwsCredentials>>>>,
    skew: Arc<ClockSkew>,
}

impl CredentialEngine {
    /// An engine on the standard AWS chain and the real STS. Reads and calls nothing yet: a gateway without any AWS
    /// configuration starts, and starts at once.
    ///
    /// # Panics
    /// Outside a Tokio runtime. (As an async function it cannot be polled elsewhere.)
    pub async fn from_environment(settings: EngineSettings) -> Self {
        let sts = Arc::new(AwsSts::new(settings.sts_endpoint.clone()));
        Self::with_settings(settings, Arc::new(StandardChain), sts)
    }

    /// An engine on the given chain and STS.
    ///
    /// # Panics
    /// Outside a Tokio runtime: calls run in tasks of their own.
    #[must_use]
    pub fn with_parts(clock: SharedClock, chain: Arc<dyn SourceChain>, sts: SharedSts) -> Self {
        Self::with_settings(EngineSettings::new(clock), chain, sts)
    }

    /// An engine on the given chain and STS, with settings of its own.
    ///
    /// # Panics
    /// Outside a Tokio runtime, as above.
    #[must_use]
    pub fn with_settings(settings: EngineSettings, chain: Arc<dyn SourceChain>, sts: SharedSts) -> Self {
        let EngineSettings { clock, skew, .. } = settings;
        let around = Surroundings { clock, runtime: Handle::current(), patience: STS_PATIENCE };
        let sessions = moka::sync::Cache::builder()
            .max_capacity(MOST_SESSIONS)
            .time_to_idle(IDLE_SLOT_IS_DROPPED_AFTER)
            // The default policy may refuse a newcomer, and with it the promise of one call per session.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self(Arc::new(Inner {
            around_source: Surroundings { patience: CHAIN_PATIENCE, ..around.clone() },
            around,
            chain,
            sts,
            source: Arc::new(Slot::new()),
            fingerprint: ArcSwapOption::empty(),
            sessions,
            skew,
        }))
    }

    /// How far this machine's clock is from AWS's, as far as AWS's answers told.
    #[must_use]
    pub fn skew(&self) -> Arc<ClockSkew> {
        Arc::clone(&self.0.skew)
    }

    /// STS as the engine calls it: for calls that are not about keeping a session.
    #[must_use]
    pub fn sts(&self) -> SharedSts {
        Arc::clone(&self.0.sts)
    }

    /// The calls that make the session of `request`. `None` for ways that need no session.
    ///
    /// # Errors
    /// [`CredentialsError::InvalidRequest`] when no call can be made of the settings.
    pub fn plan(&self, request: &CredentialRequest<'_>) -> Result<Option<SessionShape>, CredentialsError> {
        let nobody = SourceFingerprint { kind: SourceKind::Other, account: None, long_term_key: None };
        Ok(session_key(request, Arc::new(nobody)).map(|key| key.shape))
    }

    /// How the sessions of `integration` fare. `None` when none was ever asked for.
    #[must_use]
    pub fn health(&self, integration: IntegrationId) -> Option<IntegrationHealth> {
        let sessions: Vec<_> =
            self.0.sessions.iter().filter(|(key, _)| key.integration == integration).collect();
        let now = self.0.around.clock.now();
        let live: Vec<_> = sessions.iter().filter_map(|(_, slot)| slot.peek(now)).collect();
        let expires_at = live.iter().filter_map(|session| session.expires_at).min();
        let health = IntegrationHealth { expires_at, n_sessions: live.len(), ..IntegrationHealth::default() };
        (!sessions.is_empty()).then_some(health)
    }

    /// What the engine has done since it started.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let now = self.0.around.clock.now();
        let live = self.0.sessions.iter().filter(|(_, slot)| slot.peek(now).is_some());
        EngineStats { n_sessions: live.count(), ..EngineStats::default() }
    }

    /// Credentials that are at hand: the hot path. Never waits; replaces them in the background when they are due.
    #[must_use]
    pub fn cached(&self, request: &CredentialRequest<'_>) -> Option<Arc<AwsCredentials>> {
        match &request.platform.auth {
            AwsAuth::AccessKey { access_key_id, secret_access_key } => Some(Arc::new(AwsCredentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: None,
                expires_at: None,
            })),
            AwsAuth::ApiKey { .. } => None,
            AwsAuth::ServiceRole => self.source_at_hand().map(|source| Arc::clone(&source.credentials)),
            AwsAuth::AssumedRole { .. } => {
                let fingerprint = self.0.fingerprint.load_full()?;
                let key = session_key(request, fingerprint)?;
                let slot = self.0.sessions.get(&key)?;
                // A source that is due is replaced along with use, so that a rotation is noticed on warm sessions too.
                let _ = self.source_at_hand();
                slot.current(&self.0.around, || self.clone().renew_session(key))
            }
        }
    }

    /// Live credentials, fetched if need be.
    ///
    /// However many ask at once, AWS is asked once, and all get its answer; a refusal is repeated for a few seconds.
    ///
    /// # Errors
    /// Why there are none: see [`CredentialsError`].
    pub async fn credentials(
        &self,
        request: &CredentialRequest<'_>,
    ) -> Result<Arc<AwsCredentials>, CredentialsError> {
        if let Some(credentials) = self.cached(request) {
            return Ok(credentials);
        }
        let source = self.source().await?;
        let answer = self.session(request, &source).await;
        let is_another_now = self.0.fingerprint.load().as_ref().is_some_and(|now| *now != source.fingerprint);
        if answer.is_err() && is_another_now {
            // The gateway's identity changed on the way, perhaps because STS rejected the old one.
            let source = self.source().await?;
            return self.session(request, &source).await;
        }
        answer
    }

    /// Forgets what is kept for `request`, a remembered refusal too: the next caller makes a new session.
    ///
    /// After AWS has called a session expired or unknown, prefer [`Self::forget_rejected`].
    pub fn forget(&self, request: &CredentialRequest<'_>) {
        match &request.platform.auth {
            AwsAuth::AccessKey { .. } | AwsAuth::ApiKey { .. } => {}
            AwsAuth::ServiceRole => self.0.source.forget(),
            AwsAuth::AssumedRole { .. } => {
                if let Some(slot) = self.slot(request) {
                    slot.forget();
                }
            }
        }
    }

    /// Takes note that AWS called the `rejected` credentials of `request` expired, and forgets them where that may help.
    ///
    /// Of a thousand requests that fail on one expired session, the first makes the next caller fetch a new one and the
    /// others leave it alone; to all of them it is [`Renewal::Worthwhile`]. A session that replaced a rejected one is kept
    /// for 5 min: an upstream that calls everything expired gets its refusals passed on, and costs one `AssumeRole` in
    /// 5 min. A retry makes sense only with credentials whose access key id is not
    /// that of `rejected`, because a source may give the same ones again.
    pub fn forget_rejected(&self, request: &CredentialRequest<'_>, rejected: &AwsCredentials) -> Renewal {
        let id = &rejected.access_key_id;
        match &request.platform.auth {
            AwsAuth::AccessKey { .. } | AwsAuth::ApiKey { .. } => Renewal::Futile,
            AwsAuth::ServiceRole => self.0.source.reject(|kept| kept.credentials.access_key_id == *id),
            AwsAuth::AssumedRole { .. } => self
                .slot(request)
                .map_or(Renewal::Worthwhile, |slot| slot.reject(|kept| kept.access_key_id == *id)),
        }
    }

    /// Who the gateway is, asked of STS, and where its credentials were found.
    ///
    /// # Errors
    /// [`CredentialsError::SourceUnavailable`] without an identity, else what STS says.
    pub async fn source_identity(&self) -> Result<SourceIdentity, CredentialsError> {
        let source = self.source().await?;
        let caller = self.0.sts.caller_identity(&source.credentials, None).await.inspect_err(|error| {
            if matches!(error, CredentialsError::SourceRejected(_)) {
                self.forget_source(&source.credentials);
            }
        })?;
        Ok(SourceIdentity {
            account: caller.account,
            arn: caller.arn,
            kind: source.fingerprint.kind,
            expires_at: source.credentials.expires_at,
        })
    }

    /// The session of `request` as assumed by `source`; for a service role, `source` itself.
    async fn session(
        &self,
        request: &CredentialRequest<'_>,
        source: &Source,
    ) -> Result<Arc<AwsCredentials>, CredentialsError> {
        let Some(key) = session_key(request, Arc::clone(&source.fingerprint)) else {
            return Ok(Arc::clone(&source.credentials));
        };
        let slot = self.0.sessions.get_with_by_ref(&key, || Arc::new(Slot::new()));
        slot.obtain(&self.0.around, || self.clone().renew_session(key.clone())).await
    }

    fn slot(&self, request: &CredentialRequest<'_>) -> Option<Arc<Slot<Arc<AwsCredentials>>>> {
        let fingerprint = self.0.fingerprint.load_full()?;
        self.0.sessions.get(&session_key(request, fingerprint)?)
    }

    fn source_at_hand(&self) -> Option<Arc<Source>> {
        self.0.source.current(&self.0.around_source, || self.clone().find_source())
    }

    /// The gateway's own credentials, looked for if need be.
    ///
    /// # Errors
    /// [`CredentialsError::SourceUnavailable`] if there are none.
    pub async fn source(&self) -> Result<Arc<Source>, CredentialsError> {
        self.0
            .source
            .obtain(&self.0.around_source, || self.clone().find_source())
            .await
            .map_err(of_the_source)
    }

    async fn find_source(self) -> Result<Fetched<Arc<Source>>, CredentialsError> {
        let source = Arc::new(self.0.chain.find().await?);
        let is_new = self.0.fingerprint.load().as_deref() != Some(&*source.fingerprint);
        if is_new {
            tracing::info!(source.kind = %source.fingerprint.kind, "found the gateway's AWS identity");
            self.0.fingerprint.store(Some(Arc::clone(&source.fingerprint)));
        }
        let expires_at = source.credentials.expires_at;
        Ok(Fetched { value: source, expires_at })
    }

    fn forget_source(&self, rejected: &AwsCredentials) {
        self.0.source.forget_if(|kept| kept.credentials.access_key_id == rejected.access_key_id);
    }

    /// Makes the session of `key`. Runs in a task of its own, for whoever waits and for nobody.
    async fn renew_session(self, key: SessionKey) -> Result<Fetched<Arc<AwsCredentials>>, CredentialsError> {
        let renewed = self.assume_role(&key).await;
        match &renewed {
            Ok(_) => tracing::debug!(integration.id = %key.integration, "assumed the integration's role"),
            Err(error) => tracing::warn!(
                integration.id = %key.integration,
                error.code = error.code(),
                aws.request_id = error.explanation().request_id.as_deref().unwrap_or_default(),
                "no new session: {error}"
            ),
        }
        let session = renewed?;
        let expires_at = session.expires_at;
        Ok(Fetched { value: Arc::new(session), expires_at })
    }

    async fn assume_role(&self, key: &SessionKey) -> Result<AwsCredentials, CredentialsError> {
        let source = self.source_of(key).await?;
        match self.walk(&source, &key.shape).await {
            // The source was replaced or revoked before its time: look for it again, once.
            Err(CredentialsError::SourceRejected(_)) => {
                self.forget_source(&source.credentials);
                let source = self.source_of(key).await?;
                self.walk(&source, &key.shape).await
            }
            answer => answer,
        }
    }

    /// From one role to the next, each with the session of the one before.
    async fn walk(&self, source: &Source, shape: &SessionShape) -> Result<AwsCredentials, CredentialsError> {
        let mut credentials = AwsCredentials::clone(&source.credentials);
        for hop in &shape.hops {
            credentials = self.0.sts.assume_role(&credentials, hop).await?.credentials;
        }
        Ok(credentials)
    }

    /// The source, if it still is the identity that `key` is filed under. If not, nobody looks under `key` any more.
    async fn source_of(&self, key: &SessionKey) -> Result<Arc<Source>, CredentialsError> {
        let source = self.source().await?;
        if source.fingerprint == key.source {
            return Ok(source);
        }
        let why = "the gateway's AWS identity has just changed; the next request uses the new one";
        Err(CredentialsError::SourceUnavailable(Explanation::new(why)))
    }
}

/// What the session of `request` is filed under. `None` for ways that need no session.
fn session_key(request: &CredentialRequest<'_>, source: Arc<SourceFingerprint>) -> Option<SessionKey> {
    let AwsAuth::AssumedRole { role_arn, external_id, settings } = &request.platform.auth else {
        return None;
    };
    let call = AssumeRole {
        role_arn: role_arn.clone(),
        external_id: Some(external_id.clone()),
        region: request.platform.region.clone(),
        session_name: session_name(request, settings.session_name.as_ref()),
        duration: settings.duration_seconds.unwrap_or(SessionDuration::HOUR),
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    };
    let shape = SessionShape { hops: vec![call] };
    Some(SessionKey { integration: request.integration, revision: request.revision, source, shape })
}

fn session_name(
    request: &CredentialRequest<'_>,
    template: Option<&portcullis_types::SessionTemplate>,
) -> SessionName {
    let rendered = template.and_then(|template| template.render(&request.subject, Target::SessionName));
    let rendered = rendered.and_then(|name| name.parse().ok());
    rendered.unwrap_or_else(|| default_session_name(request.subject.workspace, request.subject.integration))
}

/// `pcs-<workspace>-<integration>`: who asked, for whoever reads CloudTrail. Slugs are within AWS's set of characters;
/// both are cut where 64 characters ask for it.
fn default_session_name(workspace: &str, integration: &str) -> SessionName {
    const LONGEST: usize = 64;
    const PREFIX: &str = "pcs-";
    let room = LONGEST - PREFIX.len() - 1;
    let for_integration = integration.len().min(room - workspace.len().min(room / 2));
    let for_workspace = workspace.len().min(room - for_integration);
    let name = format!("{PREFIX}{}-{}", &workspace[..for_workspace], &integration[..for_integration]);
    name.parse().expect("slugs are within AWS's set, and the lengths were cut to fit")
}

/// A source that came too late or half expired is a matter of the source, not of STS.
fn of_the_source(error: CredentialsError) -> CredentialsError {
    match error {
        CredentialsError::StsUnavailable(why) | CredentialsError::MalformedAnswer(why) => {
            CredentialsError::SourceUnavailable(why)
        }
        other => other,
    }
}
