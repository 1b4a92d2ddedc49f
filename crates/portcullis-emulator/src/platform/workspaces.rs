//! The workspaces of an account, as the organisation's API shows them.

use serde_json::{Value, json};

use super::admission::Admitted;
use super::error::PlatformError;
use crate::world::World;

fn to_json(id: &str) -> Value {
    json!({
        "type": "workspace", "id": id, "name": format!("Workspace {}", id.trim_start_matches("wrkspc_")),
        "created_at": "2026-03-01T00:00:00Z", "archived_at": null, "display_color": "#6C5BB9",
    })
}

/// Those of the account in the endpoint's region.
pub(super) fn list(world: &World, admitted: &Admitted) -> Value {
    let ids: Vec<&String> = world
        .workspaces
        .iter()
        .filter(|(_, workspace)| workspace.account == admitted.account_id)
        .filter(|(_, workspace)| admitted.region.as_ref().is_none_or(|region| *region == workspace.region))
        .map(|(id, _)| id)
        .collect();
    let data: Vec<Value> = ids.iter().map(|id| to_json(id)).collect();
    json!({"data": data, "has_more": false, "first_id": ids.first(), "last_id": ids.last()})
}

/// The one of the path; admission has found it.
pub(super) fn get(path: &str) -> Result<Value, PlatformError> {
    let id = path.rsplit('/').next().filter(|id| !id.is_empty());
    id.map(to_json).ok_or_else(|| PlatformError::not_found("Not found"))
}
