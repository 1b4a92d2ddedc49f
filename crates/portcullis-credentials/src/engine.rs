//! The engine: from an integration to live credentials.

mod places;
mod report;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use portcullis_types::{
    AwsAuth, AwsCredentials, ClaudePlatformAws, ClockSkew, CorrectedClock, IntegrationId, Revision,
    SessionSubject, SharedClock,
};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::budget::Budget;
use crate::dossier::Dossier;
use crate::error::{CredentialsError, Explanation};
use crate::identity::Identity;
use crate::maker::Workshop;
use crate::plan::Plan;
use crate::roster::SessionSlot;
use crate::session::{SessionKey, SessionShape};
use crate::settings::EngineSettings;
use crate::slot::{Purpose, Renewal, Surroundings};
use crate::source::{Source, SourceChain, SourceIdentity, SourceKind, StandardChain};
use crate::sts::{AwsSts, SharedSts};
use crate::tally::Tally;
use crate::whoami::Whoami;

/// How long each call of a verification that somebody watches waits for its turn.
const VERIFIERS_PATIENCE: Duration = Duration::from_secs(5);
/// A session's calls are given up after this time, whatever limits STS's client has of its own.
const STS_PATIENCE: Duration = Duration::from_secs(12);
/// The chain may run a command, ask IAM Identity Center, or try the instance metadata service four times.
const CHAIN_PATIENCE: Duration = Duration::from_secs(20);
/// Longer than the longest session lives. What is dropped then holds no secret any more: a slot lets go of its session when
/// that has expired. The cache's own expiry would not do for it, because the cache only tidies up while it is used.
const IDLE_SLOT_IS_DROPPED_AFTER: Duration = Duration::from_secs(13 * 60 * 60);

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
    workshop: Arc<Workshop>,
    /// The cache of moka that is not for futures: making a slot is instant, and the slot does the waiting.
    sessions: moka::sync::Cache<SessionKey, Arc<SessionSlot>>,
    dossiers: moka::sync::Cache<IntegrationId, Arc<Dossier>>,
    around: Surroundings,
    sessions_per_integration: usize,
    whoami: Whoami,
    /// One for each session of a caller's own, over all integrations.
    places: Arc<Semaphore>,
    /// When places of sessions that are over were last looked for.
    cleared_at: Mutex<Option<Instant>>,
    skew: Arc<ClockSkew>,
}

impl CredentialEngine {
    /// An engine on the standard AWS chain and the real STS. Reads and calls nothing yet: a gateway without any AWS
    /// configuration starts, and starts at once.
    ///
    /// # Panics
    /// Outside a Tokio runtime. (As an async function it cannot be polled elsewhere.)
    pub async fn from_environment(settings: EngineSettings) -> Self {
        let sts = Arc::new(AwsSts::with_settings(&settings));
        Self::with_settings(settings, Arc::new(StandardChain), sts)
    }

    /// An engine on the given chain and STS, with the default settings.
    ///
    /// # Panics
    /// Outside a Tokio runtime: calls run in tasks of their own.
    #[must_use]
    pub fn with_parts(clock: SharedClock, chain: Arc<dyn SourceChain>, sts: SharedSts) -> Self {
        Self::with_settings(EngineSettings::new(clock), chain, sts)
    }

    /// An engine on the given chain and STS, with settings of its own. The settings' endpoints of STS are not looked at.
    ///
    /// # Panics
    /// Outside a Tokio runtime, as above.
    #[must_use]
    pub fn with_settings(settings: EngineSettings, chain: Arc<dyn SourceChain>, sts: SharedSts) -> Self {
        // Expiries are AWS's times.
        let clock: SharedClock =
            Arc::new(CorrectedClock { local: settings.clock, skew: Arc::clone(&settings.skew) });
        let around = Surroundings {
            clock: Arc::clone(&clock),
            runtime: Handle::current(),
            patience: STS_PATIENCE,
            idle_after: settings.idle_after,
            unless_measured: None,
        };
        // A clock that is ahead makes credentials seem expired, and only a call of STS can tell: they are tried once.
        let unless_measured = Some(Arc::clone(&settings.skew));
        let at_the_source = Surroundings { patience: CHAIN_PATIENCE, unless_measured, ..around.clone() };
        let identity = Identity::new(at_the_source, chain);
        let budget = Budget::new(settings.budget);
        // What one integration may have, all of them together may have too.
        let most_sessions =
            settings.most_sessions.max(settings.sessions_per_integration).clamp(1, Semaphore::MAX_PERMITS);
        let sessions = moka::sync::Cache::builder()
            // Not what limits sessions of callers (the places do), nor common ones (there are as many as workspaces): this
            // bounds memory should both be wrong, and the least recently used has to go.
            .max_capacity((most_sessions as u64).saturating_add(settings.most_integrations.saturating_mul(2)))
            .time_to_idle(IDLE_SLOT_IS_DROPPED_AFTER)
            // The default policy may refuse a newcomer, and with it the promise of one call per session.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self(Arc::new(Inner {
            workshop: Arc::new(Workshop { identity, sts, budget, tally: Tally::default(), clock }),
            sessions,
            dossiers: moka::sync::Cache::builder()
                .max_capacity(settings.most_integrations)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            around,
            sessions_per_integration: settings.sessions_per_integration.max(1),
            whoami: Whoami::default(),
            places: Arc::new(Semaphore::new(most_sessions)),
            cleared_at: Mutex::default(),
            skew: settings.skew,
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
        Arc::clone(&self.0.workshop.sts)
    }

    /// Waits until one more call of STS fits into the budget, but no longer than `patience`. For calls beside the engine's
    /// own that somebody asks for through an API: they must neither flood STS nor hang. The call counts either way.
    ///
    /// Says whether its turn has come; if not, the caller decides whether it goes ahead.
    pub async fn wait_for_sts(&self, patience: Duration) -> bool {
        self.0.workshop.budget.wait_at_most(patience).await
    }

    /// Counts a call of STS that a verification makes, and waits for its turn; not for long if somebody waits for it, who
    /// may then go ahead.
    pub(crate) async fn take_sts_turn(&self, purpose: Purpose) {
        match purpose {
            Purpose::Wanted => {
                self.wait_for_sts(VERIFIERS_PATIENCE).await;
            }
            Purpose::Ahead => self.0.workshop.budget.wait(1).await,
        }
    }

    /// The calls that make the session of `request`, as the gateway's identity, as far as it is known, can make them.
    /// `None` for ways that need no session.
    ///
    /// # Errors
    /// [`CredentialsError::PolicyTooLarge`] when no call can be made of the settings.
    pub fn plan(&self, request: &CredentialRequest<'_>) -> Result<Option<SessionShape>, CredentialsError> {
        let kind = self.identity().fingerprint().map_or(SourceKind::Other, |source| source.kind);
        let plan = Plan::of(request.platform)?;
        Ok(plan.map(|plan| plan.shape(&plan.wording(&request.subject), plan.longest(kind))))
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
            AwsAuth::ServiceRole => self.identity().at_hand().map(|source| Arc::clone(&source.credentials)),
            AwsAuth::AssumedRole { .. } => {
                let found = self.find(request)?;
                // A source that is due is replaced along with use, so that a rotation is noticed on warm sessions too.
                let _ = self.identity().at_hand();
                let session = found.slot.current()?;
                if found.is_over_cap {
                    self.count_over_cap(&found.dossier);
                }
                Some(session.credentials)
            }
        }
    }

    /// Live credentials, fetched if need be.
    ///
    /// However many ask at once, AWS is asked once, and all get its answer; a refusal is repeated for a few seconds.
    ///
    /// # Errors
    /// Why there are none: see [`CredentialsError`]. A workspace key is none of AWS's credentials, and nothing else takes
    /// its place: [`CredentialsError::InvalidRequest`].
    pub async fn credentials(
        &self,
        request: &CredentialRequest<'_>,
    ) -> Result<Arc<AwsCredentials>, CredentialsError> {
        if let Some(credentials) = self.cached(request) {
            return Ok(credentials);
        }
        if matches!(request.platform.auth, AwsAuth::ApiKey { .. }) {
            let why = "the integration has a workspace key, which signs nothing";
            return Err(CredentialsError::InvalidRequest(Explanation::new(why)));
        }
        // Before anything else, because the chain may take longer than a session has.
        let answer = match self.source().await {
            Ok(source) => self.session(request, &source).await,
            Err(error) => self.session_under_way(request, error).await,
        };
        answer.or_else(|error| self.stand_in(request, error))
    }

    /// The workspace's session of `request`, made if need be when its turn comes.
    pub(crate) async fn prepare(&self, request: &CredentialRequest<'_>) -> Result<(), CredentialsError> {
        let needs_none = matches!(request.platform.auth, AwsAuth::ApiKey { .. });
        if needs_none || self.cached(request).is_some() {
            return Ok(());
        }
        self.source().await?;
        if let Some(found) = self.slot(request)? {
            found.slot.turn().await;
            found.slot.obtain(Purpose::Ahead).await?;
        }
        Ok(())
    }

    /// Forgets what is kept for `request`, a remembered refusal too: the next caller makes a new session.
    ///
    /// After AWS has called a session expired or unknown, prefer [`Self::forget_rejected`].
    pub fn forget(&self, request: &CredentialRequest<'_>) {
        match &request.platform.auth {
            AwsAuth::AccessKey { .. } | AwsAuth::ApiKey { .. } => {}
            AwsAuth::ServiceRole => self.identity().forget(),
            AwsAuth::AssumedRole { .. } => {
                if let Some(found) = self.find(request) {
                    found.slot.forget();
                    found.dossier.ask_in_full();
                }
            }
        }
    }

    /// Has the next session of `integration` asked for as long as its settings say, although AWS granted less before. For
    /// when the role is known to have changed: after a verification that has passed. (Every few hours that is tried anyway.)
    pub fn ask_for_longer_sessions(&self, integration: IntegrationId) {
        if let Some(dossier) = self.0.dossiers.get(&integration) {
            dossier.ask_in_full();
        }
    }

    /// Takes note that AWS called the `rejected` credentials of `request` expired or unknown, and has them replaced where
    /// that may help.
    ///
    /// Of a thousand requests that fail on one expired session, the first starts the call for a new one; to all of them
    /// it is [`Renewal::Worthwhile`], and whoever asks next waits for it. If none comes, or not soon, the rejected session
    /// serves again until its end. A session that replaced a rejected one is kept for 5 s, and for twice as long each time
    /// up to 5 min: an upstream that calls everything expired gets its refusals passed on, and costs one `AssumeRole` in
    /// 5 min. A retry makes sense only with credentials whose access key id is not that of `rejected`: a source may give
    /// the same ones again, and STS none.
    pub fn forget_rejected(&self, request: &CredentialRequest<'_>, rejected: &AwsCredentials) -> Renewal {
        let id = &rejected.access_key_id;
        match &request.platform.auth {
            AwsAuth::AccessKey { .. } | AwsAuth::ApiKey { .. } => Renewal::Futile,
            AwsAuth::ServiceRole => self.identity().reject(id.as_str()),
            AwsAuth::AssumedRole { .. } => self.find(request).map_or(Renewal::Worthwhile, |found| {
                found.slot.reject(|kept| kept.credentials.access_key_id == *id)
            }),
        }
    }

    /// Who the gateway is, asked of STS, and where its credentials were found.
    ///
    /// An answer is remembered for a minute, a refusal for 5 s; a call waits up to 5 s for its turn in the budget.
    ///
    /// # Errors
    /// [`CredentialsError::SourceUnavailable`] without an identity, else what STS says.
    pub async fn source_identity(&self) -> Result<SourceIdentity, CredentialsError> {
        let source = self.source().await?;
        let caller = self.0.whoami.ask(&self.0.workshop, &source).await?;
        Ok(SourceIdentity {
            account: caller.account,
            arn: caller.arn,
            kind: source.fingerprint.kind,
            expires_at: source.credentials.expires_at,
        })
    }

    /// The gateway's own credentials, looked for if need be.
    ///
    /// # Errors
    /// [`CredentialsError::SourceUnavailable`] if there are none.
    pub async fn source(&self) -> Result<Arc<Source>, CredentialsError> {
        self.identity().obtain().await
    }

    /// What comes of a call for the session of `request` that others have begun, or the session that it was to replace.
    async fn session_under_way(
        &self,
        request: &CredentialRequest<'_>,
        error: CredentialsError,
    ) -> Result<Arc<AwsCredentials>, CredentialsError> {
        match self.find(request).filter(|found| found.slot.is_alive()) {
            Some(found) => Ok(found.slot.obtain(Purpose::Wanted).await?.credentials),
            None => Err(error),
        }
    }

    fn identity(&self) -> &Identity {
        &self.0.workshop.identity
    }

    /// The session of `request`; for a service role, `source` itself.
    async fn session(
        &self,
        request: &CredentialRequest<'_>,
        source: &Source,
    ) -> Result<Arc<AwsCredentials>, CredentialsError> {
        let Some(found) = self.slot(request)? else { return Ok(Arc::clone(&source.credentials)) };
        let session = found.slot.obtain(Purpose::Wanted).await?;
        self.settle(&found.dossier);
        Ok(session.credentials)
    }
}
