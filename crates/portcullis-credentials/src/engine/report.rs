//! What others may see of the engine's work.

use std::time::Duration;

use portcullis_types::IntegrationId;

use super::CredentialEngine;
use crate::health::{EngineStats, IntegrationHealth, RefreshLag, SessionStats};

impl CredentialEngine {
    /// How the sessions of `integration` fare. `None` when none was ever asked for.
    #[must_use]
    pub fn health(&self, integration: IntegrationId) -> Option<IntegrationHealth> {
        self.0.dossiers.get(&integration).map(|dossier| dossier.health())
    }

    /// What the engine has done since it started, and how its sessions stand. Looks at every session.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let tally = &self.0.workshop.tally;
        let mut stats = EngineStats {
            assume_role_calls: tally.calls(),
            refresh_lag: RefreshLag { last: tally.last_lag(), worst_pending: Duration::ZERO },
            sessions_over_cap: tally.n_over_cap(),
            n_sessions: 0,
        };
        for (_, dossier) in &self.0.dossiers {
            stats.n_sessions += dossier.n_live();
            stats.refresh_lag.worst_pending = stats.refresh_lag.worst_pending.max(dossier.overdue_by());
        }
        stats
    }

    /// How the sessions of these integrations stand. Looks at no others, so it costs what is asked for, and an organisation
    /// is told of its own whatever the others have.
    #[must_use]
    pub fn stats_of(&self, integrations: impl IntoIterator<Item = IntegrationId>) -> SessionStats {
        let now = self.0.around.clock.now();
        let mut stats = SessionStats::default();
        for integration in integrations {
            let Some(dossier) = self.0.dossiers.get(&integration) else { continue };
            let health = dossier.health();
            stats.n_sessions += health.n_sessions;
            stats.sessions_over_cap += health.sessions_over_cap;
            stats.worst_pending = stats.worst_pending.max(dossier.overdue_by());
            let left = health.expires_at.map(|end| end.duration_since(now).unwrap_or_default().as_secs());
            stats.seconds_to_expiry.extend(left.map(|left| (integration, left)));
        }
        stats
    }
}
