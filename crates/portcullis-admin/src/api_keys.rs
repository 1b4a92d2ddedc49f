//! API keys: making them (the only time a key is shown), listing them, revoking them.

use axum::Json;
use axum::extract::{Path, State};
use portcullis_catalog::{ApiKey, ApiKeyFilter, Catalog, KeyKind, NewApiKey, Scope};
use portcullis_types::{ApiKeyId, ExposeSecret, OnUnsupported};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::AdminState;
use crate::authentication::Caller;
use crate::body::JsonObject;
use crate::error::AdminError;
use crate::fields::{Fields, Reading, read};
use crate::listing::{self, Query};
use crate::permissions::{self, Action, KeyToMake, api_key_scope, holds_any, sees};
use crate::problem::{ProblemCode, Problems};
use crate::{timestamp, translation, workspaces};

const KINDS: [KeyKind; 3] = [KeyKind::OrganisationService, KeyKind::WorkspaceService, KeyKind::WorkspaceUser];

/// `POST /v1/api-keys/organisation/service`.
pub(crate) async fn create_organisation_service_key(
    caller: Caller,
    State(state): State<AdminState>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    create_key(&state, &caller, KeyKind::OrganisationService, body).await
}

/// `POST /v1/api-keys/workspace/service`.
pub(crate) async fn create_workspace_service_key(
    caller: Caller,
    State(state): State<AdminState>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    create_key(&state, &caller, KeyKind::WorkspaceService, body).await
}

/// `POST /v1/api-keys/workspace/user`.
pub(crate) async fn create_workspace_user_key(
    caller: Caller,
    State(state): State<AdminState>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    create_key(&state, &caller, KeyKind::WorkspaceUser, body).await
}

async fn create_key(
    state: &AdminState,
    caller: &Caller,
    kind: KeyKind,
    body: Map<String, Value>,
) -> Result<Json<Value>, AdminError> {
    let wanted = read_create(body, kind, caller, state.clock.now().into())?;
    let key = KeyToMake {
        kind,
        scopes: &wanted.scopes,
        user_id: wanted.user_id.as_deref(),
        expires_at: wanted.expires_at,
    };
    permissions::may_make_key(caller, &key)?;
    let workspace_id = match kind {
        KeyKind::OrganisationService => None,
        KeyKind::WorkspaceService | KeyKind::WorkspaceUser => {
            Some(workspaces::require(&state.catalog, caller, wanted.workspace.as_deref()).await?)
        }
    };
    let new = NewApiKey {
        organisation_id: caller.organisation_id,
        workspace_id,
        kind,
        user_id: wanted.user_id,
        name: wanted.name,
        description: wanted.description,
        scopes: wanted.scopes,
        on_unsupported: wanted.on_unsupported,
        expires_at: wanted.expires_at,
    };
    let (made, secret) = state.catalog.create_api_key(new).await?;
    Ok(Json(json!({ "object": "api-key", "id": made.id, "key": secret.expose_secret() })))
}

/// `GET /v1/api-keys`: the keys of the kinds that the caller may list.
pub(crate) async fn list_api_keys(
    caller: Caller,
    State(catalog): State<Catalog>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let (page, named) = query
        .read(|fields| (listing::page(fields, 100), fields.optional(&["workspace_id"], read::string)))?;
    let workspace_id = workspaces::resolve(&catalog, &caller, named.as_deref()).await?;
    let filter = ApiKeyFilter { workspace_id };
    let may_list = |kind| holds_any(&caller, api_key_scope(kind, Action::List));
    let fetch = |page| catalog.list_api_keys(caller.organisation_id, filter, page);
    let listing = if KINDS.into_iter().all(may_list) {
        fetch(page).await?
    } else {
        listing::filtered(page, |key: &ApiKey| may_list(key.kind), fetch).await?
    };
    Ok(listing::list(&listing, render))
}

/// `GET /v1/api-keys/{id}`.
pub(crate) async fn show_api_key(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(id): Path<String>,
) -> Result<Json<Value>, AdminError> {
    Ok(Json(render(&find(&catalog, &caller, &id, Action::Read).await?)))
}

/// `DELETE /v1/api-keys/{id}`: the key stops working at once.
pub(crate) async fn revoke_api_key(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(id): Path<String>,
) -> Result<Json<Value>, AdminError> {
    let found = find(&catalog, &caller, &id, Action::Delete).await?;
    if found.kind == KeyKind::OrganisationService && found.id == caller.key_id {
        return Err(AdminError::LastKey);
    }
    catalog.revoke_api_key(caller.organisation_id, found.id).await?;
    Ok(Json(json!({})))
}

/// The key of this id, when it exists for the caller and the caller may do `action` to it.
async fn find(catalog: &Catalog, caller: &Caller, id: &str, action: Action) -> Result<ApiKey, AdminError> {
    let id: ApiKeyId = id.parse().map_err(|_| AdminError::NotFound("api key"))?;
    let found = catalog.api_key(caller.organisation_id, id).await?;
    if !sees(caller, found.workspace_id) {
        return Err(AdminError::NotFound("api key"));
    }
    permissions::require(caller, api_key_scope(found.kind, action))?;
    Ok(found)
}

/// A creation as it was asked for.
struct CreateKey {
    name: String,
    description: Option<String>,
    scopes: Vec<Scope>,
    on_unsupported: Option<OnUnsupported>,
    /// A slug or an id.
    workspace: Option<String>,
    user_id: Option<String>,
    expires_at: Option<OffsetDateTime>,
}

fn read_create(
    body: Map<String, Value>,
    kind: KeyKind,
    caller: &Caller,
    now: OffsetDateTime,
) -> Result<CreateKey, Problems> {
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.required(&["name"], read::name);
    let scopes = fields.required(&["scopes"], |value| scopes(value, kind));
    let description = fields.optional(&["description"], read::prose);
    let expires_at = fields.optional(&["expires_at"], |value| read::future_instant(value, now));
    let on_unsupported = read_on_unsupported(&mut fields, kind);
    let workspace = read_workspace(&mut fields, kind);
    let user_id = read_user(&mut fields, kind);
    check_repetitions(&mut fields, kind, caller);
    let unsupported = ["usage_limits", "rate_limits", "defaults", "alert_emails", "rotation_policy"];
    fields.refuse(&unsupported, ProblemCode::UnsupportedField, "is not supported by this version");
    fields.finish();
    let wanted = name.zip(scopes).map(|(name, scopes)| CreateKey {
        name,
        description,
        scopes,
        on_unsupported,
        workspace,
        user_id,
        expires_at,
    });
    // A reader of several fields has noted its problem, so a missing user cannot get past this.
    problems.settle(wanted)
}

/// What the key's requests ask for at least, whatever they say themselves.
fn read_on_unsupported(fields: &mut Fields<'_>, kind: KeyKind) -> Option<OnUnsupported> {
    match kind {
        KeyKind::OrganisationService => {
            let reason = "does not go with an organisation's key, which calls no models";
            fields.refuse(&["on_unsupported"], ProblemCode::ConflictingFields, reason);
            None
        }
        KeyKind::WorkspaceService | KeyKind::WorkspaceUser => {
            fields.optional(&["on_unsupported"], |value| read::one_of(value, &translation::ON_UNSUPPORTED))
        }
    }
}

fn read_workspace(fields: &mut Fields<'_>, kind: KeyKind) -> Option<String> {
    match kind {
        KeyKind::OrganisationService => {
            let reason = "does not go with an organisation's key, which belongs to no workspace";
            fields.refuse(&["workspace_id"], ProblemCode::ConflictingFields, reason);
            None
        }
        KeyKind::WorkspaceService | KeyKind::WorkspaceUser => {
            fields.optional(&["workspace_id"], read::string)
        }
    }
}

fn read_user(fields: &mut Fields<'_>, kind: KeyKind) -> Option<String> {
    match kind {
        KeyKind::WorkspaceUser => fields.required(&["user_id"], read::name),
        KeyKind::OrganisationService | KeyKind::WorkspaceService => {
            let reason = "does not go with a service's key, which is nobody's";
            fields.refuse(&["user_id"], ProblemCode::ConflictingFields, reason);
            None
        }
    }
}

/// The SDKs repeat in the body what the path says, and some clients what the key says. It must be the same.
fn check_repetitions(fields: &mut Fields<'_>, kind: KeyKind, caller: &Caller) {
    let (holder, sub_type) = kind.as_str().split_once('-').expect("a kind is two words");
    let organisation = caller.organisation_id.to_string();
    let expected = [
        ("type", holder),
        ("sub-type", sub_type),
        ("sub_type", sub_type),
        ("organisation_id", &organisation),
    ];
    for (name, expected) in expected {
        let same = |value| match read::string(value)? {
            text if text == expected => Ok(()),
            _ => Err(read::invalid(format!("must be `{expected}`, or left out"))),
        };
        fields.optional(&[name], same);
    }
}

/// At least one known scope that fits the kind of key; each once.
fn scopes(value: Value, kind: KeyKind) -> Reading<Vec<Scope>> {
    let mut scopes: Vec<Scope> = read::list(value, |item| {
        let scope: Scope = read::parsed(item)?;
        if permissions::fits_kind(kind, scope) {
            return Ok(scope);
        }
        Err(read::invalid(format!("is `{scope}`, which only an organisation's key can hold")))
    })?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() { Err(read::invalid("must have at least one scope")) } else { Ok(scopes) }
}

fn render(key: &ApiKey) -> Value {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    json!({
        "object": "api-key",
        "id": key.id,
        "key": format!("pcs_********{}", key.last_four),
        "name": key.name,
        "description": key.description,
        "type": key.kind.as_str(),
        "organisation_id": key.organisation_id,
        "workspace_id": key.workspace_id,
        "user_id": key.user_id,
        "status": key.status.as_str(),
        "scopes": scopes,
        "on_unsupported": key.on_unsupported.map(OnUnsupported::as_str),
        "creation_mode": "api",
        "usage_limits": null,
        "rate_limits": [],
        "reset_usage": null,
        "defaults": {},
        "allow_config_override": null,
        "alert_emails": [],
        "rotation_policy": null,
        "last_reset_at": null,
        "expires_at": key.expires_at.map(timestamp::format),
        "created_at": timestamp::format(key.created_at),
        "last_updated_at": timestamp::format(key.updated_at),
    })
}
