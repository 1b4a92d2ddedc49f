//! Who the caller is, as the gateway sees it.

use axum::Json;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::authentication::Caller;
use crate::timestamp;

/// `GET /v1/whoami`.
pub(crate) async fn show_caller(caller: Caller) -> Json<Value> {
    let scopes: Vec<_> = caller.scopes.iter().map(|scope| scope.as_str()).collect();
    Json(json!({
        "object": "caller",
        "id": caller.key_id,
        "type": caller.kind.as_str(),
        "name": caller.name,
        "organisation_id": caller.organisation_id,
        "workspace_id": caller.workspace_id,
        "user_id": caller.user_id,
        "scopes": scopes,
        "expires_at": caller.expires_at.map(|end| timestamp::format(OffsetDateTime::from(end))),
    }))
}
