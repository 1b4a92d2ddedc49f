//! What each Claude model accepts, from a data file: a new model is a new row, not a new `if`.
//!
//! The table spares clients a round trip for what would be refused anyway, and picks the mechanism where models differ.
//! A model that is not in it gets no such check: the upstream knows better than an old table.
//!
//! Sources: Anthropic's model overview, "Extended thinking", "Effort" and "Errors" pages, 2026.

use std::sync::LazyLock;

use portcullis_types::ModelId;
use serde::Deserialize;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("models/claude-models.json"))
        .expect("the file is embedded, and the test `every_row_is_sound` reads it")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[expect(dead_code, reason = "for readers of the file")]
    sources: String,
    models: Vec<Model>,
}

/// A model's row.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The id, without a date.
    pub id: String,
    /// Dated ids of the same model.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The largest `max_tokens`.
    pub max_output_tokens: u64,
    /// The values of `thinking.type` it accepts.
    pub thinking: Vec<ThinkingType>,
    /// Whether it thinks when the request says nothing.
    pub thinking_default: ThinkingDefault,
    /// With an effort above this one, thinking cannot be disabled.
    #[serde(default)]
    pub disabled_up_to_effort: Option<Effort>,
    /// The values of `output_config.effort` it accepts; none if it does not know the parameter.
    pub effort: Vec<Effort>,
    /// What it thinks of `temperature`, `top_p` and `top_k`.
    pub sampling: Sampling,
    /// The last message may be an assistant's, to be continued.
    pub prefill: bool,
    /// Whether a call of a tool, or of one tool, can be demanded.
    pub forced_tool_choice: ForcedToolChoice,
    /// Messages of role `system` may stand among the others.
    pub mid_conversation_system: bool,
    /// `output_config.format` is known.
    pub structured_outputs: bool,
}

/// A value of `thinking.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingType {
    /// The model decides how much.
    Adaptive,
    /// Up to a budget of tokens.
    Enabled,
    /// Not at all.
    Disabled,
    /// Only between calls of tools.
    BetweenTools,
}

impl ThinkingType {
    /// As it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::BetweenTools => "between_tools",
        }
    }
}

/// Whether a model thinks when the request says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingDefault {
    /// It does not.
    Off,
    /// It does.
    On,
}

/// A value of `output_config.effort`, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    Xhigh,
    /// `max`
    Max,
}

impl Effort {
    /// As it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// From what is written on the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max].into_iter().find(|e| e.as_str() == text)
    }
}

/// What a model thinks of sampling parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Accepted, but `temperature` and `top_p` not together.
    OneOfTwo,
    /// Any value but the default is refused.
    DefaultOnly,
}

/// Whether a call of a tool can be demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForcedToolChoice {
    /// Always.
    Yes,
    /// Not together with `thinking.type: "enabled"`.
    UnlessEnabled,
    /// Never.
    No,
}

impl Model {
    /// Whether `thinking.type` may have this value.
    pub fn accepts_thinking(&self, kind: ThinkingType) -> bool {
        self.thinking.contains(&kind)
    }
}

/// Every model of the table, oldest generation first.
pub fn all() -> &'static [Model] {
    &TABLE.models
}

/// The row of a model, by its id with or without the date of a snapshot; none for a model the table does not know.
pub fn find(model: &ModelId) -> Option<&'static Model> {
    let id = model.as_str();
    let undated = without_date(id);
    TABLE
        .models
        .iter()
        .find(|row| row.id == id || row.id == undated || row.aliases.iter().any(|alias| alias == id))
}

/// The `max_tokens` for a request that names none: the model's largest, or for an unknown model the largest that every
/// model of the table accepts.
pub fn default_max_tokens(model: Option<&Model>) -> u64 {
    let smallest = || TABLE.models.iter().map(|row| row.max_output_tokens).min().unwrap_or_default();
    model.map_or_else(smallest, |row| row.max_output_tokens)
}

/// `claude-x-20260102` is a snapshot of `claude-x`.
fn without_date(id: &str) -> &str {
    match id.rsplit_once('-') {
        Some((name, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str) -> Option<&'static str> {
        find(&id.parse().unwrap()).map(|row| row.id.as_str())
    }

    #[test]
    fn every_row_is_sound() {
        let mut ids: Vec<&str> = all().iter().map(|row| row.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().len());
        for row in all() {
            assert!(row.id.parse::<ModelId>().is_ok() && row.max_output_tokens >= 64_000, "{row:?}");
            assert!(row.effort.is_sorted() && row.structured_outputs, "{row:?}");
            // Each class of models in `reasoning` rests on one of these.
            assert!(
                row.accepts_thinking(ThinkingType::Adaptive) != row.effort.is_empty()
                    || row.accepts_thinking(ThinkingType::Enabled),
                "{row:?}"
            );
            assert_eq!(row.prefill, row.max_output_tokens == 64_000, "{row:?}");
        }
    }

    #[test]
    fn a_dated_id_is_the_same_model() {
        assert_eq!(row("claude-sonnet-4-5-20250929"), Some("claude-sonnet-4-5"));
        assert_eq!(row("claude-opus-5-5-20270101"), Some("claude-opus-5-5"));
        assert_eq!(row("claude-opus-5-5"), Some("claude-opus-5-5"));
    }

    #[test]
    fn an_unknown_model_has_no_row_and_a_limit_every_model_accepts() {
        assert_eq!(row("claude-sonnet-4-20250514"), None);
        assert_eq!(row("claude-opus-9"), None);
        assert_eq!(row("opus"), None);
        assert_eq!(default_max_tokens(None), 64_000);
    }
}
