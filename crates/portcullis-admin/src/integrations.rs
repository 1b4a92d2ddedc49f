//! Integrations: how the gateway reaches Claude for an organisation or for one workspace.

mod configurations;
mod wire;

use axum::Json;
use axum::extract::{Path, State};
use portcullis_catalog::{Catalog, DeleteMode, Integration, IntegrationFilter, IntegrationLevel, NewAuth};
use portcullis_credentials::CredentialEngine;
use serde_json::{Value, json};

use crate::authentication::Caller;
use crate::body::JsonObject;
use crate::error::AdminError;
use crate::fields::read;
use crate::listing::{self, Query, row_name};
use crate::permissions::{self, Action, ExternalIdChoice, holds_any, integration_scope, sees};
use crate::problem::{ProblemCode, Problems};
use crate::shared_role::Proofs;
use crate::workspaces;
pub(crate) use wire::verification;

/// `POST /v1/integrations`.
pub(crate) async fn create_integration(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(proofs): State<Proofs>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    let wanted = wire::read_create(body)?;
    let workspace_id = workspaces::resolve(&catalog, &caller, wanted.workspace.as_deref()).await?;
    permissions::require(&caller, integration_scope(workspace_id, Action::Create))?;
    let choice = external_id_choice(&catalog, &caller, &wanted.platform.auth).await?;
    permissions::may_use_auth(&caller, &wanted.platform.auth, choice)?;
    let mut new = wanted.for_tenant(caller.organisation_id, workspace_id)?;
    proofs.prove_new(&mut new).await?;
    Ok(Json(wire::created(&catalog.create_integration(new).await?)))
}

/// `GET /v1/integrations`.
pub(crate) async fn list_integrations(
    caller: Caller,
    State(catalog): State<Catalog>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let (page, named, level) = query.read(|fields| {
        (
            listing::page(fields, 100),
            fields.optional(&["workspace_id"], read::string),
            fields.optional(&["type"], |value| read::one_of(value, wire::LEVELS)).unwrap_or_default(),
        )
    })?;
    let workspace_id = workspaces::resolve(&catalog, &caller, named.as_deref()).await?;
    let filter = IntegrationFilter { workspace_id, level: visible_level(&caller, level)? };
    let listing = catalog.list_integrations(caller.organisation_id, filter, page).await?;
    Ok(listing::list(&listing, wire::summary))
}

/// `GET /v1/integrations/{slug}`.
pub(crate) async fn show_integration(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(credentials): State<CredentialEngine>,
    Path(slug): Path<String>,
) -> Result<Json<Value>, AdminError> {
    let integration = find(&catalog, &caller, &slug, Action::Read).await?;
    Ok(Json(wire::details(&integration, credentials.health(integration.id))))
}

/// `PUT /v1/integrations/{slug}`.
pub(crate) async fn update_integration(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(proofs): State<Proofs>,
    Path(slug): Path<String>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    let present = find(&catalog, &caller, &slug, Action::Update).await?;
    let mut patch = wire::read_update(body, &present)?;
    permissions::may_change_platform(&caller, &present.platform.auth, &patch)?;
    proofs.prove_change(&present, &mut patch).await?;
    catalog.update_integration(caller.organisation_id, &present.id.to_string(), patch).await?;
    Ok(Json(json!({})))
}

/// `DELETE /v1/integrations/{slug}`.
pub(crate) async fn delete_integration(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(slug): Path<String>,
) -> Result<Json<Value>, AdminError> {
    let present = find(&catalog, &caller, &slug, Action::Delete).await?;
    let id = present.id.to_string();
    catalog.delete_integration(caller.organisation_id, &id, DeleteMode::Restrict).await?;
    Ok(Json(json!({})))
}

/// Who chose the external ID of a creation.
async fn external_id_choice(
    catalog: &Catalog,
    caller: &Caller,
    auth: &NewAuth,
) -> Result<ExternalIdChoice, AdminError> {
    let (NewAuth::AssumedRole { external_id: Some(external_id), .. }, Some(workspace)) =
        (auth, caller.workspace_id)
    else {
        return Ok(ExternalIdChoice::Callers);
    };
    let is_reserved = catalog.is_external_id_reserved_for(workspace, external_id).await?;
    Ok(if is_reserved { ExternalIdChoice::Gateways } else { ExternalIdChoice::Callers })
}

/// The integration of this name, when it exists for the caller and the caller may do `action` to it.
pub(crate) async fn find(
    catalog: &Catalog,
    caller: &Caller,
    name: &str,
    action: Action,
) -> Result<Integration, AdminError> {
    let found = catalog.integration(caller.organisation_id, row_name(name, "integration")?).await?;
    if !sees(caller, found.workspace_id) {
        return Err(AdminError::NotFound("integration"));
    }
    permissions::require(caller, integration_scope(found.workspace_id, action))?;
    Ok(found)
}

/// Which of the asked-for levels the caller may list: a workspace's key never the organisation's.
fn visible_level(caller: &Caller, asked: IntegrationLevel) -> Result<IntegrationLevel, AdminError> {
    use IntegrationLevel as L;
    let of_organisation = const { integration_scope(None, Action::List) };
    let of_workspaces = permissions::WORKSPACE_INTEGRATIONS_LIST;
    if asked == L::Organisation && caller.workspace_id.is_some() {
        let message = "must be `workspace` or `all` with a workspace's key";
        return Err(Problems::one("type", ProblemCode::InvalidValue, message).into());
    }
    let organisation = caller.workspace_id.is_none() && holds_any(caller, of_organisation);
    let workspaces = holds_any(caller, of_workspaces);
    match (asked, organisation, workspaces) {
        (L::All, true, true) => Ok(L::All),
        (L::All | L::Organisation, true, _) => Ok(L::Organisation),
        (L::All | L::Workspace, _, true) => Ok(L::Workspace),
        (L::Organisation, false, _) => Err(permissions::Denial::MissingScope(of_organisation).into()),
        (L::All | L::Workspace, _, false) => Err(permissions::Denial::MissingScope(of_workspaces).into()),
    }
}
