//! Sessions made at the start, so that the first caller does not wait for STS.

use std::collections::HashSet;

use portcullis_catalog::{Catalog, ResolvedProvider};
use portcullis_credentials::{CredentialEngine, WarmRequest};
use portcullis_types::AwsAuth;
use tracing::{info, warn};

/// Makes the workspace's session of every integration that assumes a role. Nobody waits for it: a gateway is ready
/// without AWS, and a caller who comes first makes his own session.
pub(super) async fn warm_up(catalog: Catalog, engine: CredentialEngine) {
    let requests = requests(catalog.snapshot().all_providers().map(AsRef::as_ref));
    if requests.is_empty() {
        return;
    }
    let made = engine.warm(requests).await;
    let (ready, failed) = (made.n_ready, made.n_failed);
    info!(sessions.ready = ready, sessions.failed = failed, "{ready} sessions were made ahead");
    if failed > 0 {
        warn!("{failed} sessions could not be made ahead; `GET /v1/integrations/{{slug}}/health` says why");
    }
}

/// One for each integration and workspace: two providers may lead to the same session.
fn requests<'a>(providers: impl Iterator<Item = &'a ResolvedProvider>) -> Vec<WarmRequest> {
    let mut seen = HashSet::new();
    let assume = providers.filter(|provider| matches!(provider.platform.auth, AwsAuth::AssumedRole { .. }));
    assume
        .filter(|provider| seen.insert((provider.integration_id, &provider.workspace_slug)))
        .map(|provider| WarmRequest {
            integration: provider.integration_id,
            revision: provider.revision,
            platform: provider.platform.clone(),
            organisation: provider.organisation_slug.to_string(),
            workspace: provider.workspace_slug.to_string(),
            integration_slug: provider.integration_slug.to_string(),
        })
        .collect()
}
