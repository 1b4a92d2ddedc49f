//! One model: its names, limits, prices, and what it accepts.

use serde::Deserialize;

use super::lifecycle::{Lifecycle, Stage};
use super::price::Pricing;

/// A model's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The id, without a date.
    pub id: String,
    /// Other ids of the same model: its snapshots with their dates.
    pub aliases: Vec<String>,
    /// The name for people: `Claude Opus 5.5`.
    pub display_name: String,
    /// `opus`, `sonnet`, `haiku`, `fable`, `mythos`; what the Models API calls its line.
    pub family: String,
    /// Whether it can be called, since when and until when.
    pub lifecycle: Lifecycle,
    /// Tokens of prompt and answer together.
    pub context_window_tokens: u64,
    /// The largest `max_tokens`.
    pub max_output_tokens: u64,
    /// What it costs; none for a model whose prices nobody has written down.
    pub pricing: Option<Pricing>,
    /// Whether Claude Platform on AWS has it; none where no source says so.
    pub claude_platform_on_aws: Option<bool>,
    /// The values of `thinking.type` it accepts.
    pub thinking: Vec<ThinkingType>,
    /// Whether it thinks when the request says nothing.
    pub thinking_default: ThinkingDefault,
    /// With an effort above this one, thinking cannot be disabled.
    pub disabled_up_to_effort: Option<Effort>,
    /// The values of `output_config.effort` it accepts; none if it does not know the parameter.
    pub effort: Vec<Effort>,
    /// The effort of a request that says nothing.
    pub default_effort: Option<Effort>,
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
    /// Takes images.
    pub vision: bool,
    /// Takes PDF documents.
    pub pdf_input: bool,
    /// Calls several tools in one turn.
    pub parallel_tools: bool,
    /// Knows `cache_control`.
    pub prompt_caching: bool,
    /// A prompt shorter than this many tokens is not cached.
    pub min_cacheable_tokens: Option<u64>,
    /// Searches the web.
    pub web_search: bool,
    /// Operates a computer's screen.
    pub computer_use: bool,
    /// Knows `inference_geo`.
    pub inference_geo: bool,
    /// Compacts a long conversation by itself.
    pub server_side_compaction: bool,
}

impl Model {
    /// Whether `thinking.type` may have this value.
    pub fn accepts_thinking(&self, kind: ThinkingType) -> bool {
        self.thinking.contains(&kind)
    }

    /// Where it stands on a day (UTC).
    #[must_use]
    pub fn lifecycle_on(&self, today: time::Date) -> Stage {
        self.lifecycle.on(today)
    }

    /// Whether this is one of its ids.
    pub(super) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.aliases.iter().any(|alias| alias == id)
    }
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
