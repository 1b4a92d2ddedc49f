//! Which provider, and which model if any, a request means.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use portcullis_catalog::{ResolvedProvider, Snapshot};
use portcullis_types::{Feature, Metadata, ModelId, ModelRef, ProviderId, Slug, TenantWorkspaceId};

use super::Authenticated;
use super::metadata::metadata_of;
use crate::error::GatewayError;

const PROVIDER: HeaderName = HeaderName::from_static("x-portkey-provider");
const VIRTUAL_KEY: HeaderName = HeaderName::from_static("x-portkey-virtual-key");

/// A caller, the provider the request goes to, and the model's id there for a request that names one.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) caller: Authenticated,
    pub(crate) workspace: TenantWorkspaceId,
    pub(crate) provider: Arc<ResolvedProvider>,
    pub(crate) model: Option<ModelId>,
    /// Whether the provider's workspace at the upstream may hold other tenants' objects as well.
    pub(crate) is_shared: bool,
    /// What the caller says of the request.
    pub(crate) metadata: Metadata,
}

/// Resolves `model` (`@slug/model`, or a bare model and a header that names the provider) within the caller's workspace.
/// The model's id comes back beside it: such a request has one.
///
/// A header's slug wins over the model's; the model's prefix is taken off either way.
///
/// Source: Portkey's API, "Using Provider Models".
pub(crate) fn resolve(
    caller: Authenticated,
    headers: &HeaderMap,
    snapshot: &Snapshot,
    model: &str,
) -> Result<(Resolved, ModelId), GatewayError> {
    let workspace = workspace_of(&caller)?;
    let ModelRef { provider, model } = parse_model(model)?;
    let slug = slug_of_headers(headers)?.or(provider).ok_or(GatewayError::NoProvider)?;
    let provider = find(snapshot, workspace, slug)?;
    let metadata = metadata_of(headers)?;
    let is_shared = snapshot.is_shared(&provider.platform.workspace_id);
    Ok((Resolved { caller, workspace, provider, model: Some(model.clone()), is_shared, metadata }, model))
}

/// What says which provider a request without a model goes to, apart from its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Nothing.
    None,
    /// A slug in the request itself, such as in the models of a batch.
    Slug(Slug),
    /// The provider that made the object the request is about.
    Maker(ProviderId),
}

/// Resolves a request that names no model: by the maker of the object it is about, else by a header, else by a slug of
/// its own, else to the only provider of the workspace whose integration has the feature.
///
/// A known maker wins over a header: elsewhere there is no such object, and an answer that says so would be taken for
/// this one's end.
///
/// # Errors
/// [`GatewayError::AmbiguousProvider`] names the providers there are when nothing says which one is meant.
pub(crate) fn resolve_without_model(
    caller: Authenticated,
    headers: &HeaderMap,
    snapshot: &Snapshot,
    hint: Hint,
    feature: Feature,
) -> Result<Resolved, GatewayError> {
    let workspace = workspace_of(&caller)?;
    let metadata = metadata_of(headers)?;
    let named = slug_of_headers(headers)?;
    let maker = match hint {
        Hint::Maker(id) => of_id(snapshot, workspace, id),
        Hint::None | Hint::Slug(_) => None,
    };
    let provider = match (maker, named, hint) {
        (Some(maker), _, _) => maker,
        (None, Some(slug), _) | (None, None, Hint::Slug(slug)) => find(snapshot, workspace, slug)?,
        // A maker that is gone may have a successor that leads to the same place.
        (None, None, Hint::Maker(_) | Hint::None) => only_one(snapshot, workspace, feature)?,
    };
    let is_shared = snapshot.is_shared(&provider.platform.workspace_id);
    Ok(Resolved { caller, workspace, provider, model: None, is_shared, metadata })
}

/// The workspace a key works in.
///
/// # Errors
/// [`GatewayError::KeyWithoutWorkspace`] for an organisation's key.
pub(crate) fn workspace_of(caller: &Authenticated) -> Result<TenantWorkspaceId, GatewayError> {
    caller.0.workspace_id.ok_or(GatewayError::KeyWithoutWorkspace)
}

/// Reads a model as clients write it.
pub(crate) fn parse_model(model: &str) -> Result<ModelRef, GatewayError> {
    model.parse().map_err(|source| GatewayError::InvalidModel { model: shorten(model), source })
}

fn find(
    snapshot: &Snapshot,
    workspace: TenantWorkspaceId,
    slug: Slug,
) -> Result<Arc<ResolvedProvider>, GatewayError> {
    snapshot.provider(workspace, &slug).map(Arc::clone).ok_or(GatewayError::UnknownProvider(slug))
}

fn of_id(snapshot: &Snapshot, workspace: TenantWorkspaceId, id: ProviderId) -> Option<Arc<ResolvedProvider>> {
    snapshot.providers(workspace).find(|provider| provider.provider_id == id).map(Arc::clone)
}

fn only_one(
    snapshot: &Snapshot,
    workspace: TenantWorkspaceId,
    feature: Feature,
) -> Result<Arc<ResolvedProvider>, GatewayError> {
    let all: Vec<_> = snapshot.providers(workspace).collect();
    let with_feature: Vec<_> =
        all.iter().filter(|provider| provider.platform.features.contains(feature)).collect();
    match (with_feature.as_slice(), all.as_slice()) {
        ([only], _) => Ok(Arc::clone(only)),
        // It is refused for want of the feature then, by name.
        ([], [only]) => Ok(Arc::clone(only)),
        ([], several) => Err(ambiguous(several.iter().copied(), feature)),
        (several, _) => Err(ambiguous(several.iter().copied().copied(), feature)),
    }
}

fn ambiguous<'a>(
    providers: impl Iterator<Item = &'a Arc<ResolvedProvider>>,
    feature: Feature,
) -> GatewayError {
    let slugs = providers.map(|provider| provider.provider_slug.clone()).collect();
    GatewayError::AmbiguousProvider { feature, slugs }
}

/// The provider that a header names: `x-portkey-provider: @slug`, or the older `x-portkey-virtual-key: slug`.
///
/// A provider's bare name (`claude-platform-aws`) is not a slug: the model's prefix decides then.
pub(crate) fn slug_of_headers(headers: &HeaderMap) -> Result<Option<Slug>, GatewayError> {
    let provider = header(headers, &PROVIDER).and_then(|value| value.strip_prefix('@'));
    let provider = provider.map(|value| value.split('/').next().unwrap_or(value));
    let Some(raw) = provider.or_else(|| header(headers, &VIRTUAL_KEY)) else { return Ok(None) };
    raw.parse().map(Some).map_err(|source| GatewayError::InvalidProviderHeader { source })
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

/// Enough of a caller's text to recognise it by, and nothing that breaks a log line.
fn shorten(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}
