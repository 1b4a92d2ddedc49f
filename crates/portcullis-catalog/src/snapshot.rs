//! What the data plane knows: every live key and every provider, in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use portcullis_types::{
    ApiKeyId, ClaudePlatformAws, IntegrationId, OnUnsupported, OrganisationId, ProviderId, Revision,
    SharedClock, Slug, TenantWorkspaceId, TranslationSettings, WorkspaceId, api_key,
};

use crate::api_key::KeyKind;
use crate::key_ring::{Digest, Pepper};
use crate::scope::Scope;

pub(crate) mod load;

/// The catalog as it was at one moment. Consistent in itself: it was read in one transaction.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) version: i64,
    /// Those that any stored key was digested with: mostly one, two while keys are being rotated.
    pub(crate) peppers: Vec<Pepper>,
    pub(crate) callers: HashMap<Digest, Arc<Caller>>,
    pub(crate) providers: HashMap<TenantWorkspaceId, BTreeMap<Slug, Arc<ResolvedProvider>>>,
    /// Anthropic's workspaces that several tenant workspaces use, or have used.
    pub(crate) shared: HashSet<WorkspaceId>,
    pub(crate) clock: SharedClock,
}

/// Who holds a key, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key's id.
    pub key_id: ApiKeyId,
    /// Whose key it is.
    pub organisation_id: OrganisationId,
    /// The one workspace it works in; `None` for an organisation's key, which calls no models.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// What kind of holder it is for.
    pub kind: KeyKind,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What its requests ask for at least, when the key says so.
    pub on_unsupported: Option<OnUnsupported>,
    /// From when on it no longer works. The snapshot does not check it: an expired key deserves an answer of its own.
    pub expires_at: Option<SystemTime>,
    /// The holder, when it is a person.
    pub user_id: Option<String>,
    /// The key's name, for logs.
    pub name: String,
}

impl Caller {
    /// Whether the key holds this scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether the key's time was over at `now`.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// A provider with everything a request to it needs. Only what serves is one: both it and its integration are active.
#[derive(Clone, Debug)]
pub struct ResolvedProvider {
    /// The provider.
    pub provider_id: ProviderId,
    /// As callers write it.
    pub provider_slug: Slug,
    /// What it leads to.
    pub integration_id: IntegrationId,
    /// That integration's slug, for logs.
    pub integration_slug: Slug,
    /// That integration's revision.
    pub revision: Revision,
    /// Where it leads, and as whom.
    pub platform: ClaudePlatformAws,
    /// How its requests are said in another dialect.
    pub translation: TranslationSettings,
    /// The slug of whose it is, as a session's name or tags may say.
    pub organisation_slug: Slug,
    /// The slug of the workspace it serves.
    pub workspace_slug: Slug,
    /// From when on it no longer serves. [`Snapshot::provider`] checks it.
    pub expires_at: Option<SystemTime>,
}

impl Snapshot {
    /// Who holds this key: `key` is the text as it was received.
    ///
    /// `None` for junk, for unknown and for revoked keys. An expired key has its caller still; see
    /// [`Caller::is_expired`]. Cost: a checksum, one HMAC per ring key in use, one look-up.
    #[must_use]
    pub fn caller(&self, key: &str) -> Option<&Arc<Caller>> {
        if !api_key::is_well_formed(key) {
            return None;
        }
        self.peppers.iter().find_map(|pepper| self.callers.get(&pepper.digest(key)))
    }

    /// The provider that callers of `workspace` mean by `slug`, if it serves now.
    #[must_use]
    pub fn provider(&self, workspace: TenantWorkspaceId, slug: &Slug) -> Option<&Arc<ResolvedProvider>> {
        self.providers.get(&workspace)?.get(slug).filter(|provider| self.serves(provider))
    }

    /// The providers that serve callers of `workspace` now, by slug.
    pub fn providers(&self, workspace: TenantWorkspaceId) -> impl Iterator<Item = &Arc<ResolvedProvider>> {
        let all = self.providers.get(&workspace).into_iter().flat_map(BTreeMap::values);
        all.filter(|provider| self.serves(provider))
    }

    /// Every provider that serves now, of all workspaces, in no particular order: for what the gateway does of itself.
    pub fn all_providers(&self) -> impl Iterator<Item = &Arc<ResolvedProvider>> {
        let all = self.providers.values().flat_map(BTreeMap::values);
        all.filter(|provider| self.serves(provider))
    }

    /// Whether several tenant workspaces use this one of Anthropic's, so that what is in it is not all of one owner.
    ///
    /// So it is when providers of more than one lead there, expired ones included, and when more than one ever made an
    /// object there, which stays there when its maker's provider goes. The region does not matter: one of Anthropic's
    /// workspaces is in exactly one, and two integrations that disagree on it mean the same workspace.
    #[must_use]
    pub fn is_shared(&self, anthropic_workspace: &WorkspaceId) -> bool {
        self.shared.contains(anthropic_workspace)
    }

    /// Increases with every change of the catalog.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.version
    }

    fn serves(&self, provider: &ResolvedProvider) -> bool {
        provider.expires_at.is_none_or(|end| self.clock.now() < end)
    }
}
