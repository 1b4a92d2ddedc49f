//! Where the session of a request is kept: under its own key, or under the common one if there are too many. The common one
//! also stands in while a caller's own cannot be had.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use portcullis_types::{AwsAuth, AwsCredentials, SessionSubject};
use tokio::time::Instant;

use super::{CredentialEngine, CredentialRequest, Inner};
use crate::dossier::Dossier;
use crate::error::CredentialsError;
use crate::health::HealthError;
use crate::maker::Maker;
use crate::plan::Plan;
use crate::roster::{Newcomer, Place, SessionSlot};
use crate::session::SessionKey;
use crate::slot::Slot;

/// How often at most the places of sessions that are over are looked for when all are taken.
const CLEARED_OUT_EVERY: Duration = Duration::from_secs(10);

/// A session's place, with what belongs to it.
pub(super) struct Found {
    pub(super) slot: Arc<SessionSlot>,
    pub(super) dossier: Arc<Dossier>,
    /// Whether it is the common one, because there are too many.
    pub(super) is_over_cap: bool,
}

impl CredentialEngine {
    /// Where the session of `request` is kept. Makes nothing.
    pub(super) fn find(&self, request: &CredentialRequest<'_>) -> Option<Found> {
        let dossier = self.0.dossiers.get(&request.integration)?;
        let plan = dossier.plan(request).ok()??;
        let key = key(request, plan, &request.subject);
        if let Some(slot) = self.0.sessions.get(&key) {
            return Some(Found { slot, dossier, is_over_cap: false });
        }
        if !key.plan.depends_on_caller() || dossier.roster().may_have_room(key.revision, self.now()) {
            return None;
        }
        let slot = self.0.sessions.get(&common(request, &key))?;
        Some(Found { slot, dossier, is_over_cap: true })
    }

    /// The session of the workspace for a request whose own cannot be had because of `error`, if one lives and the error
    /// is one that passes.
    pub(super) fn stand_in(
        &self,
        request: &CredentialRequest<'_>,
        error: CredentialsError,
    ) -> Result<Arc<AwsCredentials>, CredentialsError> {
        let found = error.is_retryable().then(|| self.common_session(request)).flatten();
        found.ok_or(error)
    }

    fn common_session(&self, request: &CredentialRequest<'_>) -> Option<Arc<AwsCredentials>> {
        let dossier = self.0.dossiers.get(&request.integration)?;
        let plan = dossier.plan(request).ok()??;
        let slot = self.0.sessions.get(&key(request, plan, &request.subject.of_workspace()))?;
        let session = slot.current()?;
        self.count_over_cap(&dossier);
        Some(session.credentials)
    }

    /// The place for the session of `request`: its own, or the common one if there are too many.
    pub(super) fn slot(&self, request: &CredentialRequest<'_>) -> Result<Option<Found>, CredentialsError> {
        if !matches!(request.platform.auth, AwsAuth::AssumedRole { .. }) {
            return Ok(None);
        }
        let dossier = self.0.dossiers.get_with(request.integration, || Arc::new(Dossier::new()));
        let plan = dossier.plan(request).inspect_err(|error| {
            dossier.failed(HealthError::of(error, self.now()));
        })?;
        let Some(plan) = plan else { return Ok(None) };
        let key = key(request, plan, &request.subject);
        if let Some(slot) = self.0.sessions.get(&key) {
            return Ok(Some(Found { slot, dossier, is_over_cap: false }));
        }
        let common = common(request, &key);
        if key != common
            && let Some(slot) = self.seat(&dossier, &key, self.newcomer())
        {
            return Ok(Some(Found { slot, dossier, is_over_cap: false }));
        }
        let is_over_cap = key != common;
        if is_over_cap {
            self.count_over_cap(&dossier);
        }
        let slot = self.seat(&dossier, &common, Newcomer::Common);
        Ok(slot.map(|slot| Found { slot, dossier, is_over_cap }))
    }

    /// Has whoever was waiting for a newcomer's session to come leave.
    pub(super) fn settle(&self, dossier: &Dossier) {
        dossier.roster().settle(&mut |leaving| self.0.sessions.invalidate(leaving));
    }

    /// A caller who wants a session of their own, with a place for it if there is one.
    fn newcomer(&self) -> Newcomer {
        let cap = self.0.sessions_per_integration;
        let place = self.place().or_else(|| {
            self.clear_out();
            self.place()
        });
        Newcomer::OfCaller { cap, place }
    }

    fn place(&self) -> Option<Place> {
        Arc::clone(&self.0.places).try_acquire_owned().ok()
    }

    /// Frees the places of sessions that are over, over all integrations. Now and then only: it looks at every session.
    fn clear_out(&self) {
        let mut cleared_at = self.0.cleared_at.lock().unwrap_or_else(PoisonError::into_inner);
        if cleared_at.is_some_and(|at| at.elapsed() < CLEARED_OUT_EVERY) {
            return;
        }
        *cleared_at = Some(Instant::now());
        for (_, dossier) in &self.0.dossiers {
            dossier.roster().clear_out(self.now(), |over| self.0.sessions.invalidate(over));
        }
    }

    fn seat(&self, dossier: &Arc<Dossier>, key: &SessionKey, newcomer: Newcomer) -> Option<Arc<SessionSlot>> {
        let Inner { sessions, workshop, around, .. } = &*self.0;
        let make = || {
            let (dossier, workshop) = (Arc::clone(dossier), Arc::clone(workshop));
            let maker = Maker { key: Arc::new(key.clone()), dossier, workshop };
            Arc::new(Slot::new(around.clone(), Arc::new(maker)))
        };
        dossier.roster().seat(
            key,
            newcomer,
            self.now(),
            || sessions.get_with_by_ref(key, make),
            |leaving| sessions.invalidate(leaving),
        )
    }

    fn now(&self) -> SystemTime {
        self.0.around.clock.now()
    }

    /// One more request is served by a common session.
    pub(super) fn count_over_cap(&self, dossier: &Dossier) {
        dossier.count_over_cap();
        self.0.workshop.tally.count_over_cap();
    }
}

/// What the session of `request` is filed under when it is worded for `subject`.
fn key(request: &CredentialRequest<'_>, plan: Arc<Plan>, subject: &SessionSubject<'_>) -> SessionKey {
    let wording = plan.wording(subject);
    SessionKey { integration: request.integration, revision: request.revision, plan, wording }
}

/// What the common session of the workspace is filed under.
fn common(request: &CredentialRequest<'_>, own: &SessionKey) -> SessionKey {
    key(request, Arc::clone(&own.plan), &request.subject.of_workspace())
}
