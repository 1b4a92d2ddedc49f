//! What goes into a translation beside the request, and what comes out of it beside the body.

use std::collections::BTreeSet;

use portcullis_types::Compliance;

use super::places::Places;
use super::renames::ToolNames;
use crate::anthropic::body;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::warnings::Warnings;

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
    /// The value of `anthropic-user-profile-id` that the body asks for, of graphic ASCII characters: the upstream reads no
    /// user profile in a body.
    pub user_profile: Option<String>,
    /// What was ignored, emulated or repaired.
    pub warnings: Warnings,
    /// What the way back needs to know.
    pub context: ResponseContext,
}

impl TranslatedRequest {
    /// The body of `POST /v1/messages/count_tokens` that counts what this request would take.
    #[must_use]
    pub fn to_count_tokens(&self) -> Vec<u8> {
        body::count_tokens_body(&self.body)
    }

    /// The `params` of this request in a batch.
    ///
    /// # Errors
    /// It asks for something that no batch does, see [`body::batch_params`]; or for a user profile, which is a batch's as a
    /// whole.
    pub fn to_batch_params(&self) -> Result<Vec<u8>, InvalidRequest> {
        if self.user_profile.is_some() {
            let what = "`user_profile_id` holds for a whole batch: send the header `anthropic-user-profile-id` when you create it";
            return Err(InvalidRequest::at(InvalidCode::UnsupportedParameter, "user_profile_id", what));
        }
        body::batch_params(&self.body, self.context.client_streams, self.context.max_tokens_field)
    }
}

/// What the translation of the answer needs to know about the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseContext {
    /// The client asked for a stream.
    pub client_streams: bool,
    /// The client asked for a last chunk with the usage.
    pub include_usage: bool,
    /// Which fields that OpenAI's API does not define answers carry.
    pub compliance: Compliance,
    /// The client sent `service_tier`, so the answer tells the tier.
    pub service_tier_asked: bool,
    /// The name under which the client gave the token limit: `max_completion_tokens` or `max_tokens`.
    pub max_tokens_field: &'static str,
    /// Names of the client's tools of type `custom`, whose calls are turned back into that type.
    pub custom_tools: BTreeSet<String>,
    /// The client used the deprecated `functions`, so the answer uses `function_call`.
    pub legacy_functions: bool,
    /// Tools that were sent under other names than the client's.
    pub tool_names: ToolNames,
    /// Where the messages and tools that were sent stand in the client's request.
    pub places: Places,
}

impl ResponseContext {
    /// Whether answers carry no field that OpenAI's API does not define.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.compliance == Compliance::Strict
    }
}
