//! Makes sessions: from the gateway's identity through a chain of roles to the integration's own.

use std::sync::Arc;

use portcullis_types::session::SessionDuration;
use portcullis_types::{AwsCredentials, SharedClock};

use crate::BoxFuture;
use crate::budget::Budget;
use crate::dossier::Dossier;
use crate::error::{CredentialsError, Explanation};
use crate::health::HealthError;
use crate::identity::Identity;
use crate::session::{AssumeRole, Session, SessionKey};
use crate::slot::{Fetched, Landed, Purpose, Supply};
use crate::source::Source;
use crate::sts::SharedSts;
use crate::tally::Tally;

/// What the makers of all sessions share.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) identity: Identity,
    pub(crate) sts: SharedSts,
    pub(crate) budget: Budget,
    pub(crate) tally: Tally,
    pub(crate) clock: SharedClock,
}

/// Makes the sessions of one key.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    pub(crate) key: Arc<SessionKey>,
    pub(crate) dossier: Arc<Dossier>,
    pub(crate) workshop: Arc<Workshop>,
}

impl Supply<Session> for Maker {
    fn fetch(&self, purpose: Purpose) -> BoxFuture<'static, Result<Fetched<Session>, CredentialsError>> {
        if purpose == Purpose::Wanted {
            self.workshop.budget.take(self.key.plan.n_calls());
        }
        Box::pin(self.clone().make())
    }

    fn turn(&self) -> BoxFuture<'static, ()> {
        let (workshop, n_calls) = (Arc::clone(&self.workshop), self.key.plan.n_calls());
        Box::pin(async move {
            tokio::time::sleep(workshop.identity.pause_after_a_change()).await;
            workshop.budget.wait(n_calls).await;
        })
    }

    /// Made by an identity that the gateway no longer has: it serves until its successor is there, but not for longer.
    fn is_outdated(&self, session: &Session) -> bool {
        !self.workshop.identity.is(&session.source)
    }

    /// A session of an old revision comes to its end in peace.
    fn is_wanted(&self) -> bool {
        self.dossier.is_current(self.key.revision)
    }

    fn landed(&self, outcome: Result<Landed, &CredentialsError>) {
        let integration = self.key.integration;
        match outcome {
            Ok(Landed { at, late_by }) => {
                tracing::debug!(integration.id = %integration, "assumed the integration's role");
                self.dossier.succeeded(at);
                late_by.into_iter().for_each(|lag| self.workshop.tally.note_lag(lag));
            }
            Err(error) => {
                tracing::warn!(
                    integration.id = %integration,
                    error.code = error.code(),
                    aws.request_id = error.explanation().request_id.as_deref().unwrap_or_default(),
                    "no new session: {error}"
                );
                self.dossier.failed(HealthError::of(error, self.workshop.clock.now()));
            }
        }
    }
}

impl Maker {
    async fn make(self) -> Result<Fetched<Session>, CredentialsError> {
        let identity = &self.workshop.identity;
        let mut source = identity.obtain().await?;
        let credentials = match self.walk(&source).await {
            // The source was replaced or revoked before its time: look for it again, once.
            Err(CredentialsError::SourceRejected(_)) => {
                identity.forget_rejected(source.credentials.access_key_id.as_str());
                source = identity.obtain().await?;
                self.walk(&source).await?
            }
            answer => answer?,
        };
        let expires_at = credentials.expires_at;
        let value = Session { credentials: Arc::new(credentials), source: Arc::clone(&source.fingerprint) };
        Ok(Fetched { value, expires_at })
    }

    /// From one role to the next, each with the session of the one before.
    async fn walk(&self, source: &Source) -> Result<AwsCredentials, CredentialsError> {
        let SessionKey { plan, wording, .. } = &*self.key;
        let (longest, now) = (plan.longest(source.fingerprint.kind), self.workshop.clock.now());
        let duration = self.dossier.duration(&self.key, &source.fingerprint, longest, now);
        let mut hops = plan.shape(wording, duration).hops;
        let own = hops.pop().expect("the integration's own role is always among them");
        let mut caller = AwsCredentials::clone(&source.credentials);
        for (n, hop) in hops.iter().enumerate() {
            let place = format!("role {} of the chain ({})", n + 1, hop.role_arn);
            let session = self.call(&caller, hop).await;
            caller = session.map_err(|error| error.map_message(|said| format!("{place}: {said}")))?;
        }
        self.assume_own(source, &caller, own).await
    }

    /// Assumes the integration's own role, for less time if AWS refuses what was asked for.
    async fn assume_own(
        &self,
        source: &Source,
        caller: &AwsCredentials,
        mut call: AssumeRole,
    ) -> Result<AwsCredentials, CredentialsError> {
        let asked = call.duration;
        loop {
            let refused = match self.call(caller, &call).await {
                Ok(session) => {
                    let now = self.workshop.clock.now();
                    self.dossier.note_duration(&self.key, &source.fingerprint, (asked, call.duration), now);
                    return Ok(session);
                }
                Err(error @ CredentialsError::PolicyTooLarge(_)) => {
                    return Err(error.map_message(|said| what_to_shorten(&call, said)));
                }
                Err(error) => error,
            };
            let CredentialsError::DurationTooLong(why) = &refused else { return Err(refused) };
            call.duration = shorter(call.duration, why).ok_or(refused)?;
        }
    }

    async fn call(
        &self,
        caller: &AwsCredentials,
        call: &AssumeRole,
    ) -> Result<AwsCredentials, CredentialsError> {
        let answer = self.workshop.sts.assume_role(caller, call).await;
        self.workshop.tally.count_call(&answer);
        Ok(answer?.credentials)
    }
}

/// What to ask for after AWS has refused `duration`: the one hour of role chaining if it says so, else half.
pub(crate) fn shorter(duration: SessionDuration, why: &Explanation) -> Option<SessionDuration> {
    let is_chained = why.message.contains("role chaining") && duration > SessionDuration::HOUR;
    if is_chained { Some(SessionDuration::HOUR) } else { duration.halved() }
}

fn what_to_shorten(call: &AssumeRole, said: &str) -> String {
    let policy = call.policy.as_deref().map_or(0, |policy| policy.chars().count());
    let tags: usize = call.tags.iter().map(|(key, value)| key.as_str().len() + value.len()).sum();
    format!(
        "the session policy ({policy} characters) and {} session tags ({tags} characters) are more than AWS takes together: shorten `session_policy`, enable fewer `features`, or drop some of `session_tags`. AWS says: {said}",
        call.tags.len()
    )
}
