//! The models by the table of facts, for when no upstream says which there are.

use portcullis_provider::models::Model;
use serde_json::json;
use time::OffsetDateTime;

use super::ListedModel;
use super::fetch::listed;
use crate::gateway::Parts;

/// Every model of the table that can be called today and that the platform is not known to lack.
pub(super) fn models(gateway: &Parts) -> Vec<ListedModel> {
    let today = OffsetDateTime::from(gateway.clock.now()).date();
    let table = gateway.settings.models.load();
    let rows = table.models().iter().rev().filter(|row| row.claude_platform_on_aws != Some(false));
    rows.filter_map(|row| {
        let lifecycle = match row.lifecycle_on(today).as_str() {
            "retired" => return None,
            "deprecated" => "deprecated",
            _ => "active",
        };
        listed(&object(row, lifecycle))
    })
    .collect()
}

/// The model as the Models API would write it, as far as the table knows.
fn object(row: &Model, lifecycle: &str) -> String {
    let at =
        |day: &Option<portcullis_provider::models::Day>| day.as_ref().map(|day| format!("{day}T00:00:00Z"));
    json!({
        "type": "model",
        "id": row.id,
        "display_name": row.display_name,
        "created_at": at(&row.lifecycle.released),
        "lifecycle": lifecycle,
        "deprecated_at": at(&row.lifecycle.deprecated_at),
        "retires_at": at(&row.lifecycle.retires_at),
        "max_input_tokens": row.context_window_tokens,
        "max_tokens": row.max_output_tokens,
    })
    .to_string()
}
