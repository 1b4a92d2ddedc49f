//! Workspaces: listing them, and finding the one a request means.

use axum::Json;
use axum::extract::State;
use portcullis_catalog::{Catalog, Listing, Workspace};
use portcullis_types::TenantWorkspaceId;
use serde_json::{Value, json};

use crate::authentication::Caller;
use crate::error::AdminError;
use crate::fields::read;
use crate::listing::{self, Query, row_name};
use crate::permissions::sees;
use crate::problem::{ProblemCode, Problems};
use crate::timestamp;

/// `GET /v1/admin/workspaces`.
pub(crate) async fn list_workspaces(
    caller: Caller,
    State(catalog): State<Catalog>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let (page, part, exact) = query.read(|fields| {
        (
            listing::page(fields, 100),
            fields.optional(&["name"], read::string),
            fields.optional(&["exact_name"], read::string),
        )
    })?;
    let part = part.map(|part| part.to_lowercase());
    let keep = |workspace: &Workspace| {
        sees(&caller, Some(workspace.id))
            && exact.as_ref().is_none_or(|exact| *exact == workspace.name)
            && part.as_ref().is_none_or(|part| workspace.name.to_lowercase().contains(part))
    };
    let fetch = |page| catalog.list_workspaces(caller.organisation_id, page);
    let found: Listing<Workspace> = listing::filtered(page, keep, fetch).await?;
    Ok(listing::list(&found, render))
}

fn render(workspace: &Workspace) -> Value {
    json!({
        "object": "workspace",
        "id": workspace.id,
        "slug": workspace.slug,
        "organisation_id": workspace.organisation_id,
        "name": workspace.name,
        "description": workspace.description,
        "status": "active",
        "created_at": timestamp::format(workspace.created_at),
        "last_updated_at": timestamp::format(workspace.updated_at),
    })
}

/// The workspace a request means: the one it names, or else the caller's own. `None` only for an organisation's key
/// that names none.
///
/// - `named`: a slug or an id.
///
/// # Errors
/// [`AdminError::NotFound`] for one that is not there, and for any but its own when a workspace's key asks.
pub(crate) async fn resolve(
    catalog: &Catalog,
    caller: &Caller,
    named: Option<&str>,
) -> Result<Option<TenantWorkspaceId>, AdminError> {
    let Some(named) = named else { return Ok(caller.workspace_id) };
    let workspace = catalog.workspace(caller.organisation_id, row_name(named, "workspace")?).await?;
    if sees(caller, Some(workspace.id)) {
        Ok(Some(workspace.id))
    } else {
        Err(AdminError::NotFound("workspace"))
    }
}

/// Like [`resolve`], where there must be one.
///
/// # Errors
/// As there; and a missing field when an organisation's key names none.
pub(crate) async fn require(
    catalog: &Catalog,
    caller: &Caller,
    named: Option<&str>,
) -> Result<TenantWorkspaceId, AdminError> {
    resolve(catalog, caller, named).await?.ok_or_else(|| {
        let message = "is missing: an organisation's key says which workspace it means";
        Problems::one("workspace_id", ProblemCode::MissingField, message).into()
    })
}
