//! Providers: a workspace's handles on integrations, what callers address as `@slug`.

use axum::Json;
use axum::extract::{Path, State};
use portcullis_catalog::{Catalog, NewProvider, Provider, ProviderFilter, ProviderPatch};
use portcullis_types::{SharedClock, Slug, TranslationSettings};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::authentication::Caller;
use crate::body::JsonObject;
use crate::error::AdminError;
use crate::fields::{Fields, read};
use crate::listing::{self, Query, row_name};
use crate::permissions::{Denial, sees};
use crate::problem::{ProblemCode, Problems};
use crate::{integrations, timestamp, translation, workspaces};

/// `POST /v1/providers`.
pub(crate) async fn create_provider(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(clock): State<SharedClock>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    let wanted = read_create(body, clock.now().into())?;
    let workspace_id = workspaces::require(&catalog, &caller, wanted.workspace.as_deref()).await?;
    let integration = usable_integration(&catalog, &caller, &wanted.integration).await?;
    let new = NewProvider {
        organisation_id: caller.organisation_id,
        workspace_id,
        integration,
        slug: wanted.slug,
        name: wanted.name,
        note: wanted.note,
        translation: wanted.translation.unwrap_or_default(),
        expires_at: wanted.expires_at,
    };
    let made = catalog.create_provider(new).await?;
    Ok(Json(json!({ "object": "provider", "id": made.id, "slug": made.slug })))
}

/// `GET /v1/providers`.
pub(crate) async fn list_providers(
    caller: Caller,
    State(catalog): State<Catalog>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let (page, named) =
        query.read(|fields| (listing::page(fields, 50), fields.optional(&["workspace_id"], read::string)))?;
    let workspace_id = workspaces::resolve(&catalog, &caller, named.as_deref()).await?;
    let filter = ProviderFilter { workspace_id, ..ProviderFilter::default() };
    let listing = catalog.list_providers(caller.organisation_id, filter, page).await?;
    Ok(listing::list(&listing, render))
}

/// `GET /v1/providers/{slug}`.
pub(crate) async fn show_provider(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(slug): Path<String>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let named = query.read(|fields| fields.optional(&["workspace_id"], read::string))?;
    let workspace_id = workspaces::require(&catalog, &caller, named.as_deref()).await?;
    let name = row_name(&slug, "provider")?;
    Ok(Json(render(&catalog.provider(caller.organisation_id, workspace_id, name).await?)))
}

/// `PUT /v1/providers/{slug}`. The workspace is named in the query (Python's SDK) or in the body (Node's).
pub(crate) async fn update_provider(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(clock): State<SharedClock>,
    Path(slug): Path<String>,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    let in_query = query.read(|fields| fields.optional(&["workspace_id"], read::string))?;
    let (patch, in_body) = read_update(body, clock.now().into())?;
    let named = one_workspace(in_query, in_body)?;
    let workspace_id = workspaces::require(&catalog, &caller, named.as_deref()).await?;
    let name = row_name(&slug, "provider")?;
    let changed = catalog.update_provider(caller.organisation_id, workspace_id, name, patch).await?;
    Ok(Json(json!({ "id": changed.id, "slug": changed.slug })))
}

/// `DELETE /v1/providers/{slug}`.
pub(crate) async fn delete_provider(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(slug): Path<String>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let named = query.read(|fields| fields.optional(&["workspace_id"], read::string))?;
    let workspace_id = workspaces::require(&catalog, &caller, named.as_deref()).await?;
    let name = row_name(&slug, "provider")?;
    catalog.delete_provider(caller.organisation_id, workspace_id, name).await?;
    Ok(Json(json!({})))
}

/// The id of an integration that the caller may put a provider on.
///
/// A workspace's key may use its own workspace's; one of the organisation is given to a workspace by the organisation.
async fn usable_integration(catalog: &Catalog, caller: &Caller, named: &str) -> Result<String, AdminError> {
    let found = catalog.integration(caller.organisation_id, row_name(named, "integration")?).await?;
    if sees(caller, found.workspace_id) {
        return Ok(found.id.to_string());
    }
    match found.workspace_id {
        None => {
            Err(Denial::OrganisationOnly("give a workspace one of the organisation's integrations").into())
        }
        Some(_) => Err(AdminError::NotFound("integration")),
    }
}

fn one_workspace(in_query: Option<String>, in_body: Option<String>) -> Result<Option<String>, Problems> {
    match (in_query, in_body) {
        (Some(query), Some(body)) if query != body => {
            let message = "is one in the query and another in the body";
            Err(Problems::one("workspace_id", ProblemCode::ConflictingFields, message))
        }
        (in_query, in_body) => Ok(in_query.or(in_body)),
    }
}

/// A creation as it was asked for.
struct CreateProvider {
    name: String,
    /// A slug or an id.
    integration: String,
    /// A slug or an id.
    workspace: Option<String>,
    slug: Option<Slug>,
    note: Option<String>,
    translation: Option<TranslationSettings>,
    expires_at: Option<OffsetDateTime>,
}

fn read_create(body: Map<String, Value>, now: OffsetDateTime) -> Result<CreateProvider, Problems> {
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.required(&["name"], read::name);
    let integration = fields.required(&["integration_id"], read::string);
    let workspace = fields.optional(&["workspace_id"], read::string);
    let slug = fields.optional(&["slug"], read::parsed);
    let note = fields.optional(&["note"], read::prose);
    let translation = fields.nested(translation::NAME, translation::read);
    let expires_at = fields.optional(&["expires_at"], |value| read::future_instant(value, now));
    refuse_limits(&mut fields);
    fields.finish();
    let wanted = name.zip(integration).map(|(name, integration)| CreateProvider {
        name,
        integration,
        workspace,
        slug,
        note,
        translation,
        expires_at,
    });
    problems.settle(wanted)
}

fn read_update(
    body: Map<String, Value>,
    now: OffsetDateTime,
) -> Result<(ProviderPatch, Option<String>), Problems> {
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.replace(&["name"], read::name);
    let note = fields.change(&["note"], read::prose).into_patch();
    let translation = translation::change(&mut fields);
    let expires_at = fields.change(&["expires_at"], |value| read::future_instant(value, now)).into_patch();
    let workspace = fields.optional(&["workspace_id"], read::string);
    refuse_limits(&mut fields);
    let fixed = "cannot be changed after creation";
    fields.refuse(&["slug", "integration_id"], ProblemCode::ImmutableField, fixed);
    fields.finish();
    problems.settle(Some((ProviderPatch { name, note, translation, expires_at }, workspace)))
}

/// A limit that is stored and not enforced would be worse than none.
fn refuse_limits(fields: &mut Fields<'_>) {
    let names = &["usage_limits", "rate_limits", "reset_usage"];
    fields.refuse(names, ProblemCode::UnsupportedField, "is not supported by this version");
}

fn render(provider: &Provider) -> Value {
    json!({
        "object": "provider",
        "id": provider.id,
        "slug": provider.slug,
        "name": provider.name,
        "integration_id": provider.integration_slug,
        "workspace_id": provider.workspace_slug,
        "ai_provider_name": portcullis_catalog::integration::CLAUDE_PLATFORM_AWS,
        "note": provider.note,
        "translation": provider.translation,
        "status": provider.status.as_str(),
        "verification": integrations::verification(&provider.verification),
        "usage_limits": null,
        // Not an empty list: Python's SDK decodes this one strictly, as an object or null.
        "rate_limits": null,
        "reset_usage": null,
        "expires_at": provider.expires_at.map(timestamp::format),
        "created_at": timestamp::format(provider.created_at),
        "last_updated_at": timestamp::format(provider.updated_at),
    })
}
