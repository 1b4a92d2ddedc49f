//! The models that the emulator offers, with what the real ones refuse.

use serde_json::{Value, json};

use super::error::PlatformError;
use crate::world::Account;

/// One model. Source: Claude docs, "Models overview", November 2026.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) id: &'static str,
    /// The dated id, where there is one.
    snapshot: Option<&'static str>,
    name: &'static str,
    created: &'static str,
    max_input_tokens: u32,
    pub(super) max_tokens: u32,
    /// Accepts `temperature`, `top_p`, `top_k` under version 2023-06-01.
    pub(super) sampling: bool,
    /// Accepts a last message of the assistant.
    pub(super) prefill: bool,
    /// Accepts `tool_choice` `any` and `tool`.
    pub(super) forced_tools: bool,
}

const fn current(id: &'static str, name: &'static str, created: &'static str, forced_tools: bool) -> Model {
    let (max_input_tokens, max_tokens) = (1_000_000, 128_000);
    Model {
        id,
        snapshot: None,
        name,
        created,
        max_input_tokens,
        max_tokens,
        sampling: false,
        prefill: false,
        forced_tools,
    }
}

const fn older(id: &'static str, snapshot: &'static str, name: &'static str, created: &'static str) -> Model {
    let (max_input_tokens, max_tokens) = (200_000, 64_000);
    let snapshot = Some(snapshot);
    Model {
        id,
        snapshot,
        name,
        created,
        max_input_tokens,
        max_tokens,
        sampling: true,
        prefill: true,
        forced_tools: true,
    }
}

const MODELS: &[Model] = &[
    current("claude-fable-5-2", "Claude Fable 5.2", "2026-11-09", false),
    current("claude-haiku-5-5", "Claude Haiku 5.5", "2026-10-07", true),
    current("claude-opus-5-5", "Claude Opus 5.5", "2026-09-22", false),
    current("claude-sonnet-5-5", "Claude Sonnet 5.5", "2026-09-22", false),
    current("claude-opus-5", "Claude Opus 5", "2026-07-24", true),
    current("claude-sonnet-5", "Claude Sonnet 5", "2026-06-30", true),
    current("claude-fable-5", "Claude Fable 5", "2026-06-09", true),
    current("claude-opus-4-8", "Claude Opus 4.8", "2026-05-28", true),
    current("claude-opus-4-7", "Claude Opus 4.7", "2026-04-16", true),
    Model { sampling: true, ..current("claude-sonnet-4-6", "Claude Sonnet 4.6", "2026-02-17", true) },
    Model { sampling: true, ..current("claude-opus-4-6", "Claude Opus 4.6", "2026-02-05", true) },
    older("claude-opus-4-5", "claude-opus-4-5-20251101", "Claude Opus 4.5", "2025-11-24"),
    older("claude-haiku-4-5", "claude-haiku-4-5-20251001", "Claude Haiku 4.5", "2025-10-15"),
    older("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "2025-09-29"),
];

impl Model {
    pub(super) fn to_json(self) -> Value {
        json!({
            "type": "model", "id": self.id, "display_name": self.name, "created_at": format!("{}T00:00:00Z", self.created),
            "lifecycle": "active", "max_input_tokens": self.max_input_tokens, "max_tokens": self.max_tokens,
        })
    }
}

/// What the account has access to.
pub(super) fn is_open_to(account: &Account, model: &Model) -> bool {
    account.models.as_ref().is_none_or(|models| models.iter().any(|id| id == model.id))
}

/// The model of this id or dated id.
pub(super) fn find(id: &str) -> Result<Model, PlatformError> {
    MODELS
        .iter()
        .find(|model| model.id == id || model.snapshot == Some(id))
        .copied()
        .ok_or_else(|| PlatformError::not_found(format!("model: {id}")))
}

/// The model of this id, as the list of models knows it: one without access is not there.
pub(super) fn get(account: &Account, id: &str) -> Result<Value, PlatformError> {
    let model = find(id)?;
    if is_open_to(account, &model) {
        Ok(model.to_json())
    } else {
        Err(PlatformError::not_found(format!("model: {id}")))
    }
}

/// Refuses a model that exists but is not open to the account.
pub(super) fn check_access(account: &Account, body: &Value) -> Result<(), PlatformError> {
    let id = body["model"].as_str().unwrap_or_default();
    if is_open_to(account, &find(id)?) {
        Ok(())
    } else {
        Err(PlatformError::forbidden(format!("Your account does not have access to the model `{id}`.")))
    }
}

pub(super) fn list(account: &Account) -> Value {
    let open: Vec<&Model> = MODELS.iter().filter(|model| is_open_to(account, model)).collect();
    let data: Vec<Value> = open.iter().map(|model| model.to_json()).collect();
    let id = |model: Option<&&Model>| model.map(|model| model.id);
    json!({"data": data, "has_more": false, "first_id": id(open.first()), "last_id": id(open.last())})
}
