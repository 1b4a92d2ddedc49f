//! The models that each provider offers, as its upstream lists them.
//!
//! Start at [`offers`]. A client that looks for models gives up after three seconds and says nothing (Claude Code does),
//! so lists are kept: for [`FRESH`] they are answered at once, then asked for anew, one asker for all who wait. When that
//! fails (the role may not list, the upstream is away) the last list serves, or the table of model facts, and the upstream
//! is asked again a little later.

mod fetch;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::HeaderMap;
use moka::Expiry;
use moka::future::Cache;
use portcullis_catalog::{ResolvedProvider, Snapshot};
use portcullis_provider::routes::{Route, route};
use portcullis_types::{Feature, IntegrationId, ModelId, Revision, Slug};
use tracing::warn;

use crate::arrival::Arrival;
use crate::error::{GatewayError, chain};
use crate::gateway::Parts;
use crate::way::{self, Admitted, Authenticated, Hint};

/// How long a list of the upstream's is answered without asking again.
const FRESH: Duration = Duration::from_secs(300);
/// How long anything else is.
const MAKESHIFT: Duration = Duration::from_secs(30);
/// How long the upstream is waited for: clients wait three seconds.
const PATIENCE: Duration = Duration::from_millis(2500);
/// Lists that are kept; there is one for each revision of an integration in use.
const MOST_LISTS: u64 = 10_000;

/// The models of one provider.
#[derive(Debug)]
pub(crate) struct ModelList {
    /// Newest first, as the upstream lists them.
    pub(crate) models: Vec<ListedModel>,
}

/// One model of a list.
#[derive(Clone, Debug)]
pub(crate) struct ListedModel {
    /// As the upstream calls it.
    pub(crate) id: ModelId,
    /// The model as Anthropic's Models API writes it, byte for byte where the upstream said it.
    pub(crate) object: Bytes,
    /// `created_at`, in RFC 3339.
    pub(crate) created_at: Option<String>,
    /// `retires_at`, in RFC 3339.
    pub(crate) retires_at: Option<String>,
    /// `lifecycle`: `active`, `deprecated` or `retired`.
    pub(crate) lifecycle: Option<String>,
}

/// What a caller may choose from.
#[derive(Debug)]
pub(crate) struct Offers {
    /// Whether the request named the provider: its models then go by their own ids, else by `@slug/model`.
    pub(crate) is_named: bool,
    /// By slug.
    pub(crate) offers: Vec<Offer>,
}

/// One provider's part.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) provider: Slug,
    pub(crate) list: Arc<ModelList>,
}

/// The models a caller may list: those of the provider that a header names, else of every provider of the workspace
/// whose integration has the feature.
///
/// # Errors
/// When the key lacks the scope, and when the named provider does not exist or may not list.
pub(crate) async fn offers(
    gateway: &Parts,
    arrival: &Arrival,
    caller: &Authenticated,
    headers: &HeaderMap,
    snapshot: &Snapshot,
) -> Result<Offers, GatewayError> {
    let workspace = way::workspace_of(caller)?;
    way::check_scope(&caller.0, Feature::Models)?;
    let named = way::slug_of_headers(headers)?;
    let is_named = named.is_some();
    let slugs: Vec<Slug> = match named {
        Some(slug) => vec![slug],
        None => snapshot
            .providers(workspace)
            .filter(|provider| provider.platform.features.contains(Feature::Models))
            .map(|provider| provider.provider_slug.clone())
            .collect(),
    };
    let asked = slugs.into_iter().map(|slug| async {
        let admitted = admit(caller, headers, snapshot, Hint::Slug(slug), list_route())?;
        let provider = admitted.provider.provider_slug.clone();
        Ok(Offer { provider, list: gateway.model_lists.of(gateway, arrival, &admitted).await })
    });
    let offers = join_all(asked).await.into_iter().collect::<Result<_, GatewayError>>()?;
    Ok(Offers { is_named, offers })
}

/// Admits a caller to one of the two routes of models.
pub(crate) fn admit(
    caller: &Authenticated,
    headers: &HeaderMap,
    snapshot: &Snapshot,
    hint: Hint,
    route: &'static Route,
) -> Result<Admitted, GatewayError> {
    let resolved = way::resolve_without_model(caller.clone(), headers, snapshot, hint, Feature::Models)?;
    way::admit(resolved, route)
}

fn list_route() -> &'static Route {
    route("GET", "/v1/models").expect("the platform lists models")
}

/// The lists that are kept.
pub(crate) struct ModelLists {
    current: Cache<Key, Kept>,
    /// The last that each upstream gave, for when it gives none.
    last: Cache<Key, Arc<ModelList>>,
}

/// A new revision may lead elsewhere.
type Key = (IntegrationId, Revision);

#[derive(Clone)]
struct Kept {
    list: Arc<ModelList>,
    /// Whether the upstream gave it just now.
    is_live: bool,
}

struct ByOrigin;

impl Expiry<Key, Kept> for ByOrigin {
    fn expire_after_create(&self, _key: &Key, kept: &Kept, _at: Instant) -> Option<Duration> {
        Some(if kept.is_live { FRESH } else { MAKESHIFT })
    }
}

impl ModelLists {
    pub(crate) fn new() -> Self {
        let current = Cache::builder().max_capacity(MOST_LISTS).expire_after(ByOrigin).build();
        Self { current, last: Cache::builder().max_capacity(MOST_LISTS).build() }
    }

    /// The list of the provider that `admitted` goes to.
    pub(crate) async fn of(&self, gateway: &Parts, arrival: &Arrival, admitted: &Admitted) -> Arc<ModelList> {
        let provider = &admitted.provider;
        let key = (provider.integration_id, provider.revision);
        let kept = self.current.get_with(key, self.ask(gateway, arrival, admitted, key)).await;
        kept.list
    }

    async fn ask(&self, gateway: &Parts, arrival: &Arrival, admitted: &Admitted, key: Key) -> Kept {
        let asked = tokio::time::timeout(PATIENCE, fetch::models(gateway, arrival, admitted)).await;
        let asked = asked.unwrap_or(Err(GatewayError::UpstreamTimeout { limit: PATIENCE }));
        match asked {
            Ok(models) => {
                let list = Arc::new(ModelList { models });
                self.last.insert(key, Arc::clone(&list)).await;
                Kept { list, is_live: true }
            }
            Err(error) => {
                tell(arrival, &admitted.provider, &error);
                let list = match self.last.get(&key).await {
                    Some(last) => last,
                    None => Arc::new(ModelList { models: table::models(gateway) }),
                };
                Kept { list, is_live: false }
            }
        }
    }
}

fn tell(arrival: &Arrival, provider: &ResolvedProvider, error: &GatewayError) {
    warn!(
        request.id = %arrival.request_id,
        integration.id = %provider.integration_id,
        error.code = error.to_client().code.as_deref().unwrap_or(""),
        error.cause = %chain(error),
        "the models could not be listed, what is known of them serves meanwhile: {error}"
    );
}
