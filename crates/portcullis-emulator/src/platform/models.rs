//! `/v1/models`, and which model a body means.

mod catalogue;

use serde_json::{Value, json};

use super::error::PlatformError;
use super::query::{Listed, Query};
use crate::script::Traits;
use crate::server::Arrival;
use crate::world::Account;
pub(super) use catalogue::{Disabling, EFFORTS, Model, Sampling};
use catalogue::{MODELS, RETIRED, Thinking};

const LIFECYCLES: [&str; 3] = ["active", "deprecated", "retired"];

impl Model {
    /// What scripts go by.
    pub(super) fn traits(&self) -> Traits {
        let Thinking { by_default, omitted_by_default, binds_prefix, .. } = self.thinking;
        Traits { thinks: by_default, omits_thinking: omitted_by_default, binds_prefix }
    }

    fn to_json(self) -> Value {
        let lifecycle = if self.retirement.is_some() { "deprecated" } else { "active" };
        let day = |day: &str| json!(format!("{day}T00:00:00Z"));
        let (deprecated_at, retires_at) = match self.retirement {
            Some((deprecated, retires)) => (day(deprecated), day(retires)),
            None => (Value::Null, Value::Null),
        };
        json!({
            "type": "model", "id": self.id, "display_name": self.name,
            "created_at": day(self.created), "lifecycle": lifecycle, "line": self.line,
            "deprecated_at": deprecated_at, "retires_at": retires_at,
            "max_input_tokens": self.max_input_tokens, "max_tokens": self.max_tokens,
            "capabilities": self.capabilities(),
        })
    }

    fn capabilities(self) -> Value {
        let supported = |is_supported: bool| json!({"supported": is_supported});
        let mut effort = supported(!self.efforts.is_empty());
        for level in EFFORTS {
            effort[level] = supported(self.efforts.contains(&level));
        }
        let thinking = self.thinking;
        let disabled = thinking.disabled != Disabling::Never;
        let compacts = thinking.adaptive;
        json!({
            "batch": supported(true), "citations": supported(true), "code_execution": supported(true),
            "context_management": {
                "supported": true, "clear_thinking_20251015": supported(true),
                "clear_tool_uses_20250919": supported(true), "compact_20260112": supported(compacts),
            },
            "effort": effort, "image_input": supported(true), "pdf_input": supported(true),
            "server_tools": {"supported": true, "web_search": supported(true), "code_execution": supported(true)},
            "structured_outputs": supported(true),
            "thinking": {"supported": true, "types": {
                "adaptive": supported(thinking.adaptive), "enabled": supported(thinking.enabled),
                "disabled": supported(disabled), "between_tools": supported(thinking.between_tools),
            }},
        })
    }
}

/// An entry of the list.
struct Entry {
    id: String,
    value: Value,
}

impl Listed for Entry {
    fn id(&self) -> &str {
        &self.id
    }

    fn sequence(&self) -> u64 {
        0
    }

    fn to_json(&self) -> Value {
        self.value.clone()
    }
}

fn retired((id, name, line, created, retired): &(&str, &str, &str, &str, &str)) -> Value {
    json!({
        "type": "model", "id": id, "display_name": name, "created_at": format!("{created}T00:00:00Z"),
        "lifecycle": "retired", "line": line, "deprecated_at": format!("{retired}T00:00:00Z"),
        "retires_at": format!("{retired}T00:00:00Z"), "max_input_tokens": 200_000, "max_tokens": 8192,
        "capabilities": null,
    })
}

/// What the account has access to.
fn is_open_to(account: &Account, model: &Model) -> bool {
    account.models.as_ref().is_none_or(|models| models.iter().any(|id| id == model.id))
}

/// The model of this id or dated id. Retired ones are not found.
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
pub(super) fn check_access(account: &Account, model: &Model) -> Result<(), PlatformError> {
    if is_open_to(account, model) {
        Ok(())
    } else {
        let id = model.id;
        Err(PlatformError::forbidden(format!("Your account does not have access to the model `{id}`.")))
    }
}

/// The list, newest first. Retired models are in it when they are asked for.
pub(super) fn list(account: &Account, arrival: &Arrival) -> Result<Value, PlatformError> {
    let query = Query::of(arrival, &["after_id", "before_id", "limit", "lifecycle[]", "lifecycle"])?;
    let wanted: Vec<&str> = query.many("lifecycle[]").chain(query.many("lifecycle")).collect();
    if let Some(unknown) = wanted.iter().find(|lifecycle| !LIFECYCLES.contains(lifecycle)) {
        return Err(PlatformError::invalid(format!(
            "lifecycle: Input should be 'active', 'deprecated' or 'retired', not '{unknown}'"
        )));
    }
    let open = MODELS.iter().filter(|model| is_open_to(account, model)).map(|model| model.to_json());
    let all = open.chain(RETIRED.iter().map(retired));
    let is_wanted = |model: &Value| {
        let lifecycle = model["lifecycle"].as_str().unwrap_or_default();
        if wanted.is_empty() { lifecycle != "retired" } else { wanted.contains(&lifecycle) }
    };
    let entries: Vec<Entry> = all
        .filter(is_wanted)
        .map(|value| Entry { id: value["id"].as_str().unwrap_or_default().to_owned(), value })
        .collect();
    query.cursor_page(&entries.iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_says_what_it_can() {
        let sonnet = get(&Account::ready(), "claude-sonnet-4-5").unwrap();
        assert_eq!(
            (&sonnet["lifecycle"], &sonnet["retires_at"]),
            (&json!("deprecated"), &json!("2026-11-30T00:00:00Z"))
        );
        assert_eq!(sonnet["capabilities"]["effort"]["supported"], false);
        let opus = get(&Account::ready(), "claude-opus-5-5").unwrap();
        assert_eq!((&opus["line"], &opus["max_tokens"]), (&json!("opus"), &json!(128_000)));
        let types = &opus["capabilities"]["thinking"]["types"];
        assert_eq!(
            (&types["adaptive"]["supported"], &types["disabled"]["supported"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(opus["capabilities"]["effort"]["xhigh"]["supported"], true);
    }

    #[test]
    fn what_is_retired_is_not_found() {
        assert_eq!(find("claude-3-opus-20240229").unwrap_err().status, 404);
        assert!(find("claude-opus-4-5-20251101").is_ok());
    }

    #[test]
    fn the_generations_differ_as_documented() {
        let check = |id: &str, holds: &dyn Fn(&Model) -> bool| assert!(holds(&find(id).unwrap()), "{id}");
        check("claude-haiku-4-5", &|model| {
            model.prefill && model.efforts.is_empty() && model.thinking.enabled
        });
        check("claude-opus-4-5", &|model| model.efforts == ["low", "medium", "high"]);
        check("claude-sonnet-4-6", &|model| {
            !model.prefill && model.thinking.adaptive && model.thinking.enabled
        });
        check("claude-opus-4-7", &|model| model.sampling == Sampling::DefaultOnly && !model.system_messages);
        check("claude-opus-4-8", &|model| model.system_messages && !model.thinking.by_default);
        check("claude-sonnet-5", &|model| !model.system_messages && model.thinking.by_default);
        check("claude-opus-5", &|model| model.thinking.disabled == Disabling::UpToHighEffort);
        check("claude-fable-5", &|model| model.thinking.disabled == Disabling::Never && model.forced_tools);
        check("claude-fable-5-2", &|model| !model.forced_tools);
        check("claude-sonnet-5-5", &|model| model.thinking.between_tools && !model.forced_tools);
        check("claude-haiku-5-5", &|model| model.forced_tools && model.thinking.binds_prefix);
    }
}
