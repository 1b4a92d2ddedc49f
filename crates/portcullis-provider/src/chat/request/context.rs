//! What goes into a translation beside the request, and what comes out of it beside the body.

use std::collections::BTreeSet;

use super::places::Places;
use crate::warnings::Warnings;

/// What to do with a parameter that has no equivalent and is normally ignored or emulated with a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnsupported {
    /// Ignore or emulate it, and say so in the warnings.
    #[default]
    Report,
    /// Refuse the request.
    Error,
}

/// What to do with a sampling parameter (`temperature`, `top_p`, `top_k`) that the model does not accept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SamplingPolicy {
    /// Refuse the request, as OpenAI's own reasoning models do.
    #[default]
    Error,
    /// Leave it out and say so in the warnings: for clients that hard-code a temperature and cannot be changed.
    Report,
}

/// How a route wants its requests translated.
///
/// Not offered yet, so that what happens is always the first alternative: a system message in the middle that the model
/// does not take is moved to the system prompt (rather than becoming part of the user's turn at its place); a missing
/// token limit becomes the model's largest (rather than a cap of the route's); thinking that was asked for shows its
/// summary; names of tools that the upstream would refuse are refused (rather than rewritten there and back); so are
/// grammars of custom tools and media behind `http:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TranslationOptions {
    /// For parameters without an equivalent.
    pub on_unsupported: OnUnsupported,
    /// For sampling parameters that the model does not accept.
    pub sampling: SamplingPolicy,
    /// Answers carry no field that OpenAI's API does not define.
    pub strict_openai: bool,
}

/// A Messages request, ready to be sent.
#[derive(Debug)]
pub struct TranslatedRequest {
    /// The JSON body.
    pub body: Vec<u8>,
    /// Whether the body asks for a stream: because the client does, or because the answer may take longer than an
    /// idle connection lives. The gateway then puts the stream together for the client.
    pub upstream_streams: bool,
    /// Values for `anthropic-beta`, in order, without duplicates: the client's headers', the body's, then those the
    /// translation needs.
    pub betas: Vec<String>,
    /// What was ignored, emulated or repaired.
    pub warnings: Warnings,
    /// What the way back needs to know.
    pub context: ResponseContext,
}

/// What the translation of the answer needs to know about the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseContext {
    /// The client asked for a stream.
    pub client_streams: bool,
    /// The client asked for a last chunk with the usage.
    pub include_usage: bool,
    /// Answers carry no field that OpenAI's API does not define.
    pub strict_openai: bool,
    /// The client sent `service_tier`, so the answer tells the tier.
    pub service_tier_asked: bool,
    /// The name under which the client gave the token limit: `max_completion_tokens` or `max_tokens`.
    pub max_tokens_field: &'static str,
    /// Names of the client's tools of type `custom`, whose calls are turned back into that type.
    pub custom_tools: BTreeSet<String>,
    /// The client used the deprecated `functions`, so the answer uses `function_call`.
    pub legacy_functions: bool,
    /// Where the messages and tools that were sent stand in the client's request.
    pub places: Places,
}
