//! Metrics of this gateway: what the engine and the catalog say of themselves, brought to the page that is scraped.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use portcullis_admin::ShowsMetrics;
use portcullis_catalog::{Catalog, VerificationOverview};
use portcullis_credentials::{BoxFuture, CredentialEngine, EngineStats, SessionStats};
use portcullis_telemetry::metrics::{Family, Labels, MEDIA_TYPE, render};
use portcullis_types::{IntegrationId, OrganisationId};
use tracing::warn;

/// Integrations that have series of their own: more than most collectors like.
const MOST_INTEGRATIONS: u32 = 1000;

/// Where the page's numbers come from.
#[derive(Clone)]
pub(super) struct Metrics {
    catalog: Catalog,
    engine: CredentialEngine,
    /// How many verifications came out worse than the one before, since the start.
    n_worsened: Arc<AtomicU64>,
}

impl Metrics {
    pub(super) fn new(catalog: Catalog, engine: CredentialEngine, n_worsened: Arc<AtomicU64>) -> Self {
        Self { catalog, engine, n_worsened }
    }

    /// `/metrics` for a listener of its own, without a key.
    pub(super) fn router(self) -> Router {
        Router::new().route(
            "/metrics",
            get(async move || {
                let page = self.page(None).await;
                ([(CONTENT_TYPE, MEDIA_TYPE)], page).into_response()
            }),
        )
    }

    async fn families(&self, organisation: Option<OrganisationId>) -> Vec<Family> {
        let stats = self.engine.stats();
        let mut families = vec![build()];
        if self.may_see_the_process(organisation).await {
            families.extend(of_the_process(&stats, self.n_worsened.load(Ordering::Relaxed)));
        }
        match self.catalog.verification_overview(organisation, MOST_INTEGRATIONS).await {
            Ok(overview) => {
                let sessions = self.engine.stats_of(overview.integrations.iter().map(|one| one.id));
                families.extend(of_integrations(&overview, &sessions));
            }
            // The rest is worth having while the database is away.
            Err(error) => warn!(error.cause = %error, "the metrics of integrations are left out"),
        }
        families
    }

    /// What everybody's calls add up to is nobody's to see who is one among several.
    async fn may_see_the_process(&self, organisation: Option<OrganisationId>) -> bool {
        let Some(organisation) = organisation else { return true };
        let is_only = self.catalog.is_only_organisation(organisation).await;
        is_only
            .inspect_err(|error| warn!(error.cause = %error, "the metrics of the process are left out"))
            .unwrap_or(false)
    }
}

impl ShowsMetrics for Metrics {
    fn page(&self, organisation: Option<OrganisationId>) -> BoxFuture<'_, String> {
        Box::pin(async move { render(self.families(organisation).await) })
    }

    fn media_type(&self) -> &'static str {
        MEDIA_TYPE
    }
}

fn build() -> Family {
    Family::info("build", "What runs.", vec![("version", env!("CARGO_PKG_VERSION").to_owned())])
}

fn of_the_process(stats: &EngineStats, worsened: u64) -> Vec<Family> {
    let calls = stats.assume_role_calls.iter();
    let calls = calls.map(|(outcome, n)| (vec![("outcome", (*outcome).to_owned())], *n));
    let lag = [("last", stats.refresh_lag.last), ("worst_pending", stats.refresh_lag.worst_pending)];
    let lag = lag.map(|(which, lag)| (vec![("which", which.to_owned())], lag.as_secs_f64()));
    vec![
        Family::counter("assume_role", "Calls of AssumeRole by outcome.", calls),
        Family::gauge("session_refresh_lag", "How late sessions are replaced.", lag).in_seconds(),
        Family::gauge("sessions", "Live sessions.", [(Labels::new(), stats.n_sessions as f64)]),
        Family::counter(
            "sessions_over_cap",
            "Requests served by the common session of their workspace, because a session of their own was not to be had.",
            [(Labels::new(), stats.sessions_over_cap)],
        ),
        Family::counter(
            "verification_worsened",
            "Verifications that came out worse than the one before.",
            [(Labels::new(), worsened)],
        ),
    ]
}

fn of_integrations(overview: &VerificationOverview, stats: &SessionStats) -> [Family; 3] {
    let names: HashMap<IntegrationId, Labels> = overview
        .integrations
        .iter()
        .map(|one| {
            let (organisation, integration) = (one.organisation_slug.to_string(), one.slug.to_string());
            (one.id, vec![("organisation", organisation), ("integration", integration)])
        })
        .collect();
    let expiries = stats.seconds_to_expiry.iter();
    let expiries = expiries.filter_map(|(id, seconds)| Some((names.get(id)?.clone(), *seconds as f64)));
    let statuses = overview.integrations.iter().map(|one| {
        let mut labels = names[&one.id].clone();
        labels.push(("status", one.status.as_str().to_owned()));
        (labels, 1.0)
    });
    [
        Family::gauge("session_expiry", "Until the first live session of an integration ends.", expiries)
            .in_seconds(),
        Family::gauge(
            "integration_verification",
            "1 for the status of an integration's last verification.",
            statuses,
        ),
        Family::gauge(
            "integrations_left_out",
            "Integrations that have no series of their own, because there are too many.",
            [(Labels::new(), overview.n_left_out as f64)],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use portcullis_catalog::{DatabaseUrl, KeyRing, NewOrganisation};
    use portcullis_credentials::EngineSettings;
    use portcullis_types::{SharedClock, SystemClock};

    use super::*;

    #[tokio::test]
    async fn one_organisation_among_several_does_not_see_what_all_add_up_to() {
        let folder = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let url = DatabaseUrl::sqlite(&folder.path().join("catalog.db"));
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), Arc::clone(&clock)).await.unwrap();
        let first = catalog.bootstrap(None).await.unwrap().organisation.id;
        let engine = CredentialEngine::from_environment(EngineSettings::new(clock)).await;
        let metrics = Metrics::new(catalog.clone(), engine, Arc::default());
        let shows = async |organisation, what: &str| metrics.page(organisation).await.contains(what);
        let of_the_process = ["portcullis_sessions ", "portcullis_verification_worsened_total "];
        for what in of_the_process {
            assert!(shows(Some(first), what).await, "it is the only one: {what}");
        }
        let new = NewOrganisation { slug: "second".parse().unwrap(), name: "Second".into() };
        let second = catalog.create_organisation(new).await.unwrap().id;
        for what in of_the_process {
            assert!(!shows(Some(first), what).await && !shows(Some(second), what).await, "{what}");
            assert!(shows(None, what).await, "the listener shows all: {what}");
        }
        assert!(shows(Some(first), "portcullis_integrations_left_out 0").await);
    }
}
