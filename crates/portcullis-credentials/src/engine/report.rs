//! What others may see of the engine's work.

use std::time::Duration;

use portcullis_types::IntegrationId;

use super::CredentialEngine;
use crate::health::{EngineStats, IntegrationHealth, RefreshLag};

impl CredentialEngine {
    /// How the sessions of `integration` fare. `None` when none was ever asked for.
    #[must_use]
    pub fn health(&self, integration: IntegrationId) -> Option<IntegrationHealth> {
        self.0.dossiers.get(&integration).map(|dossier| dossier.health())
    }

    /// What the engine has done since it started, and how its sessions stand.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let tally = &self.0.workshop.tally;
        let now = self.0.around.clock.now();
        let mut stats = EngineStats {
            assume_role_calls: tally.calls(),
            refresh_lag: RefreshLag { last: tally.last_lag(), worst_pending: Duration::ZERO },
            sessions_over_cap: tally.n_over_cap(),
            ..EngineStats::default()
        };
        for (integration, dossier) in &self.0.dossiers {
            let health = dossier.health();
            stats.n_sessions += health.n_sessions;
            stats.refresh_lag.worst_pending = stats.refresh_lag.worst_pending.max(dossier.overdue_by());
            let left = health.expires_at.map(|end| end.duration_since(now).unwrap_or_default().as_secs());
            stats.seconds_to_expiry.extend(left.map(|left| (*integration, left)));
        }
        stats.seconds_to_expiry.sort_by_key(|(_, left)| *left);
        stats.seconds_to_expiry.truncate(EngineStats::MOST_INTEGRATIONS);
        stats
    }
}
