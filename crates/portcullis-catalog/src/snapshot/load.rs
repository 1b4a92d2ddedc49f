//! From rows to a [`Snapshot`]. A row that cannot be read is left out and logged; it does not take the others with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;
use std::time::SystemTime;

use portcullis_types::{SharedClock, TenantWorkspaceId, WorkspaceId};
use uuid::Uuid;

use super::{Caller, ResolvedProvider, Snapshot};
use crate::error::CatalogError;
use crate::integration::Integration;
use crate::key_ring::{Digest, KeyId, KeyRing};
use crate::provider::Provider;
use crate::store::api_keys::ApiKeyRow;
use crate::store::integrations::IntegrationRow;
use crate::store::providers::ProviderRow;
use crate::store::{Store, api_keys, integrations, providers, upstream_objects};

/// What a snapshot is made of, all of one moment.
pub(crate) struct Rows {
    version: i64,
    integrations: Vec<IntegrationRow>,
    providers: Vec<ProviderRow>,
    api_keys: Vec<ApiKeyRow>,
    /// Which workspaces ever made objects in which of Anthropic's.
    upstream_tenants: Vec<(String, Uuid)>,
}

/// Reads everything in one transaction.
pub(crate) async fn read(store: &Store) -> Result<Rows, CatalogError> {
    let mut transaction = store.read().await?;
    let rows = Rows {
        version: transaction.version().await?,
        integrations: integrations::all_active(&mut transaction).await?,
        providers: providers::all(&mut transaction).await?,
        api_keys: api_keys::all(&mut transaction).await?,
        upstream_tenants: upstream_objects::tenants(&mut transaction).await?,
    };
    transaction.commit().await?;
    Ok(rows)
}

impl Rows {
    pub(crate) fn into_snapshot(self, keys: &KeyRing, clock: SharedClock) -> Snapshot {
        let mut integrations = HashMap::new();
        for row in self.integrations {
            let id = row.id;
            if let Some(integration) = readable("integration", id, row.read(keys)) {
                integrations.insert(id, integration);
            }
        }
        let mut snapshot = Snapshot {
            version: self.version,
            peppers: Vec::new(),
            callers: HashMap::with_capacity(self.api_keys.len()),
            providers: HashMap::new(),
            shared: HashSet::new(),
            clock,
        };
        for row in self.providers {
            snapshot.add_provider(row, &integrations);
        }
        snapshot.shared = shared(&snapshot, &self.upstream_tenants);
        let mut used_key_ids = Vec::new();
        for row in self.api_keys {
            snapshot.add_caller(row, keys, &mut used_key_ids);
        }
        snapshot.peppers = keys.peppers().filter(|p| used_key_ids.contains(&p.key_id)).cloned().collect();
        snapshot
    }
}

impl Snapshot {
    fn add_provider(&mut self, row: ProviderRow, integrations: &HashMap<Uuid, Integration>) {
        let (id, integration_id) = (row.id, row.integration_id);
        // The expiry is checked at each look-up, so it does not matter here what time it is.
        let Some(provider) = readable("provider", id, row.read(SystemTime::UNIX_EPOCH)) else { return };
        // Absent: archived, or logged as unreadable.
        let Some(integration) = integrations.get(&integration_id) else { return };
        let of_workspace: &mut BTreeMap<_, _> = self.providers.entry(provider.workspace_id).or_default();
        of_workspace.insert(provider.slug.clone(), Arc::new(resolve(provider, integration)));
    }

    fn add_caller(&mut self, row: ApiKeyRow, keys: &KeyRing, used_key_ids: &mut Vec<KeyId>) {
        let id = row.id;
        let digest = Digest::try_from(row.digest.as_slice());
        let key_id = keys.key_ids().find(|key_id| row.digest_key_id == key_id);
        let Some(key_id) = key_id else {
            disabled(
                "api key",
                id,
                "its digest was made with a key that PORTCULLIS_ENCRYPTION_KEY does not hold",
            );
            return;
        };
        let Ok(digest) = digest else {
            disabled("api key", id, "its digest is not 32 bytes");
            return;
        };
        let Some(key) = readable("api key", id, row.read(SystemTime::UNIX_EPOCH)) else { return };
        if !used_key_ids.contains(&key_id) {
            used_key_ids.push(key_id);
        }
        let caller = Caller {
            key_id: key.id,
            organisation_id: key.organisation_id,
            workspace_id: key.workspace_id,
            kind: key.kind,
            scopes: key.scopes,
            on_unsupported: key.on_unsupported,
            expires_at: key.expires_at.map(SystemTime::from),
            user_id: key.user_id,
            name: key.name,
        };
        self.callers.insert(digest, Arc::new(caller));
    }
}

/// Anthropic's workspaces that more than one tenant workspace has to do with.
fn shared(snapshot: &Snapshot, makers: &[(String, Uuid)]) -> HashSet<WorkspaceId> {
    let leading = snapshot.providers.iter().flat_map(|(tenant, providers)| {
        providers.values().map(|provider| (provider.platform.workspace_id.clone(), *tenant))
    });
    // One that does not parse is no provider's, so nobody will ask.
    let made = makers.iter().filter_map(|(anthropic, tenant)| {
        Some((anthropic.parse().ok()?, TenantWorkspaceId::from_uuid(*tenant)))
    });
    let mut tenants: HashMap<WorkspaceId, HashSet<TenantWorkspaceId>> = HashMap::new();
    for (anthropic, tenant) in leading.chain(made) {
        tenants.entry(anthropic).or_default().insert(tenant);
    }
    tenants.into_iter().filter(|(_, tenants)| tenants.len() > 1).map(|(anthropic, _)| anthropic).collect()
}

fn resolve(provider: Provider, integration: &Integration) -> ResolvedProvider {
    ResolvedProvider {
        provider_id: provider.id,
        provider_slug: provider.slug,
        integration_id: integration.id,
        integration_slug: integration.slug.clone(),
        revision: integration.revision,
        platform: integration.platform.clone(),
        translation: provider.translation,
        organisation_slug: integration.organisation_slug.clone(),
        workspace_slug: provider.workspace_slug,
        expires_at: provider.expires_at.map(SystemTime::from),
    }
}

fn readable<T>(what: &'static str, id: Uuid, row: Result<T, CatalogError>) -> Option<T> {
    row.inspect_err(|error| match error {
        CatalogError::Corrupt { reason, .. } => disabled(what, id, reason),
        other => disabled(what, id, other),
    })
    .ok()
}

fn disabled(what: &'static str, id: Uuid, reason: impl Display) {
    tracing::error!(row.kind = what, row.id = %id, "the {what} {id} cannot be read and is out of use: {reason}");
}
