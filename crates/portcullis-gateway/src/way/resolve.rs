//! Which provider and which model a request means.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use portcullis_catalog::{ResolvedProvider, Snapshot};
use portcullis_types::{Metadata, ModelId, ModelRef, Slug, TenantWorkspaceId};

use super::Authenticated;
use super::metadata::metadata_of;
use crate::error::GatewayError;

const PROVIDER: HeaderName = HeaderName::from_static("x-portkey-provider");
const VIRTUAL_KEY: HeaderName = HeaderName::from_static("x-portkey-virtual-key");

/// A caller, the provider the request goes to, and the model's id there.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) caller: Authenticated,
    pub(crate) workspace: TenantWorkspaceId,
    pub(crate) provider: Arc<ResolvedProvider>,
    pub(crate) model: ModelId,
    /// What the caller says of the request.
    pub(crate) metadata: Metadata,
}

/// Resolves `model` (`@slug/model`, or a bare model and a header that names the provider) within the caller's workspace.
///
/// A header's slug wins over the model's; the model's prefix is taken off either way.
///
/// Source: Portkey's API, "Using Provider Models".
pub(crate) fn resolve(
    caller: Authenticated,
    headers: &HeaderMap,
    snapshot: &Snapshot,
    model: &str,
) -> Result<Resolved, GatewayError> {
    let workspace = caller.0.workspace_id.ok_or(GatewayError::KeyWithoutWorkspace)?;
    let ModelRef { provider, model } =
        model.parse().map_err(|source| GatewayError::InvalidModel { model: shorten(model), source })?;
    let slug = slug_of_headers(headers)?.or(provider).ok_or(GatewayError::NoProvider)?;
    let provider = snapshot.provider(workspace, &slug).ok_or(GatewayError::UnknownProvider(slug))?;
    let metadata = metadata_of(headers)?;
    Ok(Resolved { caller, workspace, provider: Arc::clone(provider), model, metadata })
}

/// The provider that a header names: `x-portkey-provider: @slug`, or the older `x-portkey-virtual-key: slug`.
///
/// A provider's bare name (`claude-platform-aws`) is not a slug: the model's prefix decides then.
fn slug_of_headers(headers: &HeaderMap) -> Result<Option<Slug>, GatewayError> {
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
