//! How requests are translated that cannot be said exactly in the other dialect.
//!
//! [`TranslationSettings`] is what an operator writes for a provider, each field or none of them;
//! [`TranslationOptions`] is what holds for one request in the end.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// What to do where a translation would lose something, which is normally done with a report.
///
/// | report | what happens | with `error` |
/// |---|---|---|
/// | `ignored` | no equivalent: left out | refused |
/// | `emulated` | another mechanism stands in for it | refused |
/// | `dropped` | history, or a cache mark, that cannot be used is left out | refused |
/// | `hashed` | an identifier that tells who somebody is becomes its hash | refused |
/// | `schema` | keywords of a schema become its description, where nothing enforces them | refused |
/// | `moved` | a system message loses its place to the system prompt | refused |
/// | `moved` | a system message goes behind the user's turn that follows it, where the model's API wants it | passes |
/// | `renamed` | an id or a name is rewritten, there and back | passes |
/// | `trimmed` | white space at the end of a prefill | passes |
/// | `media_type` | a wrong declaration is corrected | passes |
///
/// A refusal is a 400 `unsupported_parameter` that names the parameter. What passes is reported all the same: it means the
/// same afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnsupported {
    /// Ignore or emulate it, and say so in the warnings.
    #[default]
    Report,
    /// Refuse the request, also where another setting asks for a report only ([`SamplingPolicy::Report`]).
    Error,
}

/// Why a string is no [`OnUnsupported`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `report` or `error`")]
pub struct InvalidOnUnsupported;

impl OnUnsupported {
    /// As it is written in headers and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Error => "error",
        }
    }
}

impl std::str::FromStr for OnUnsupported {
    type Err = InvalidOnUnsupported;

    fn from_str(raw: &str) -> Result<Self, InvalidOnUnsupported> {
        [Self::Report, Self::Error].into_iter().find(|one| one.as_str() == raw).ok_or(InvalidOnUnsupported)
    }
}

/// What to do with a sampling parameter (`temperature`, `top_p`, `top_k`) that the model does not accept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingPolicy {
    /// Refuse the request, as OpenAI's own reasoning models do.
    #[default]
    Error,
    /// Leave it out and say so in the warnings: for clients that hard-code a temperature and cannot be changed.
    Report,
}

/// What becomes of a system message in the middle of a conversation where the model takes none there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MidSystem {
    /// It moves to the system prompt: it keeps its authority, and the prompt cache is lost.
    #[default]
    Hoist,
    /// It becomes a marked part of the user's turn at its place: the cache holds, the authority is less.
    Inline,
}

/// What the upstream shows of its thinking when a reasoning effort was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningDisplay {
    /// A summary.
    #[default]
    Summarized,
    /// Nothing but the signature.
    Omitted,
}

/// What an operator sets for the translations of a provider. A field that is absent leaves the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslationSettings {
    /// `error` here refuses whatever keys and requests say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unsupported: Option<OnUnsupported>,
    /// For sampling parameters that the model does not accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingPolicy>,
    /// For system messages in the middle of a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid_system: Option<MidSystem>,
    /// The most that a request without a token limit gets, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens_cap: Option<NonZeroU64>,
    /// How often a paused turn (`stop_reason: pause_turn`) is continued; 0 leaves it to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_turn_max: Option<u8>,
    /// What the upstream shows of its thinking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_display: Option<ReasoningDisplay>,
    /// Names of tools that the upstream would refuse are rewritten there and back, instead of refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename_tools: Option<bool>,
    /// The grammar of a custom tool becomes part of its description, instead of being refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulate_custom_grammar: Option<bool>,
    /// Answers carry no field that OpenAI's API does not define.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict_openai: Option<bool>,
}

/// How one request is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranslationOptions {
    /// For parameters without an equivalent.
    pub on_unsupported: OnUnsupported,
    /// For sampling parameters that the model does not accept.
    pub sampling: SamplingPolicy,
    /// For system messages in the middle of a conversation.
    pub mid_system: MidSystem,
    /// The most that a request without a token limit gets, in tokens.
    pub max_tokens_cap: Option<NonZeroU64>,
    /// How often a paused turn is continued.
    pub pause_turn_max: u8,
    /// What the upstream shows of its thinking.
    pub reasoning_display: ReasoningDisplay,
    /// Names of tools that the upstream would refuse are rewritten there and back.
    pub rename_tools: bool,
    /// The grammar of a custom tool becomes part of its description.
    pub emulate_custom_grammar: bool,
    /// Which of our own fields answers carry.
    pub compliance: Compliance,
}

/// Which fields that OpenAI's API does not define an answer carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compliance {
    /// None: `x-portkey-strict-open-ai-compliance: true`.
    Strict,
    /// Those that a client needs to give a turn back unchanged; clients that do not know them ignore them.
    #[default]
    Extended,
    /// All of them, `content_blocks` on every answer: `x-portkey-strict-open-ai-compliance: false`.
    Everything,
}

impl Default for TranslationOptions {
    fn default() -> Self {
        Self {
            on_unsupported: OnUnsupported::default(),
            sampling: SamplingPolicy::default(),
            mid_system: MidSystem::default(),
            max_tokens_cap: None,
            pause_turn_max: 5,
            reasoning_display: ReasoningDisplay::default(),
            rename_tools: false,
            emulate_custom_grammar: false,
            compliance: Compliance::default(),
        }
    }
}

impl TranslationOptions {
    /// These options as a provider's settings change them.
    #[must_use]
    pub fn with(self, settings: &TranslationSettings) -> Self {
        let strict = settings.strict_openai.map(|is_strict| match is_strict {
            true => Compliance::Strict,
            false => Compliance::Extended,
        });
        Self {
            on_unsupported: self.on_unsupported.max(settings.on_unsupported.unwrap_or_default()),
            sampling: settings.sampling.unwrap_or(self.sampling),
            mid_system: settings.mid_system.unwrap_or(self.mid_system),
            max_tokens_cap: settings.max_tokens_cap.or(self.max_tokens_cap),
            pause_turn_max: settings.pause_turn_max.unwrap_or(self.pause_turn_max),
            reasoning_display: settings.reasoning_display.unwrap_or(self.reasoning_display),
            rename_tools: settings.rename_tools.unwrap_or(self.rename_tools),
            emulate_custom_grammar: settings.emulate_custom_grammar.unwrap_or(self.emulate_custom_grammar),
            compliance: strict.unwrap_or(self.compliance),
        }
    }

    /// These options, refusing what is lossy if `asked` says so. Nobody can make them more lenient.
    #[must_use]
    pub fn at_least(mut self, asked: OnUnsupported) -> Self {
        self.on_unsupported = self.on_unsupported.max(asked);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_errors_gets_them_and_nobody_takes_them_back() {
        let lenient = TranslationOptions::default();
        let settings: TranslationSettings = serde_json::from_str(r#"{"on_unsupported":"error"}"#).unwrap();
        assert_eq!(
            lenient.with(&settings).at_least(OnUnsupported::Report).on_unsupported,
            OnUnsupported::Error
        );
        assert_eq!(lenient.at_least(OnUnsupported::Error).on_unsupported, OnUnsupported::Error);
        assert_eq!(lenient.with(&TranslationSettings::default()), lenient);
    }

    #[test]
    fn a_setting_that_nobody_knows_is_refused() {
        assert!(serde_json::from_str::<TranslationSettings>(r#"{"on_unsuported":"error"}"#).is_err());
        assert!(serde_json::from_str::<TranslationSettings>(r#"{"max_tokens_cap":0}"#).is_err());
    }
}
