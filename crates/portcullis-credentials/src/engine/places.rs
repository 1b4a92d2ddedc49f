//! Where the session of a request is kept: under its own key, or under the common one if there are too many.

use std::sync::Arc;

use portcullis_types::{AwsAuth, SessionSubject};

use super::{CredentialEngine, CredentialRequest, Inner};
use crate::dossier::Dossier;
use crate::error::CredentialsError;
use crate::health::HealthError;
use crate::maker::Maker;
use crate::plan::Plan;
use crate::roster::{SessionSlot, Standing};
use crate::session::SessionKey;
use crate::slot::Slot;

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
        if !key.plan.depends_on_caller() || dossier.roster().may_have_room(self.0.around.clock.now()) {
            return None;
        }
        let slot = self.0.sessions.get(&common(request, &key))?;
        Some(Found { slot, dossier, is_over_cap: true })
    }

    /// The place for the session of `request`: its own, or the common one if there are too many.
    pub(super) fn slot(
        &self,
        request: &CredentialRequest<'_>,
    ) -> Result<Option<Arc<SessionSlot>>, CredentialsError> {
        if !matches!(request.platform.auth, AwsAuth::AssumedRole { .. }) {
            return Ok(None);
        }
        let dossier = self.0.dossiers.get_with(request.integration, || Arc::new(Dossier::new()));
        let plan = dossier.plan(request).inspect_err(|error| {
            dossier.failed(HealthError::of(error, self.0.around.clock.now()));
        })?;
        let Some(plan) = plan else { return Ok(None) };
        let key = key(request, plan, &request.subject);
        if let Some(slot) = self.0.sessions.get(&key) {
            return Ok(Some(slot));
        }
        let common = common(request, &key);
        let standing = if key == common { Standing::Common } else { Standing::OfCaller };
        Ok(self.seat(&dossier, &key, standing).or_else(|| {
            self.count_over_cap(&dossier);
            self.seat(&dossier, &common, Standing::Common)
        }))
    }

    fn seat(&self, dossier: &Arc<Dossier>, key: &SessionKey, standing: Standing) -> Option<Arc<SessionSlot>> {
        let Inner { sessions, workshop, around, sessions_per_integration, .. } = &*self.0;
        let make = || {
            let (dossier, workshop) = (Arc::clone(dossier), Arc::clone(workshop));
            let maker = Maker { key: Arc::new(key.clone()), dossier, workshop };
            Arc::new(Slot::new(around.clone(), Arc::new(maker)))
        };
        dossier.roster().seat(
            key,
            (standing, *sessions_per_integration),
            around.clock.now(),
            || sessions.get_with_by_ref(key, make),
            |leaving| sessions.invalidate(leaving),
        )
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
