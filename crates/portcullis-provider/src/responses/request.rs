//! A Responses request becomes a Messages request.
//!
//! Start at [`ResponsesRequest::parse`], then [`ResponsesRequest::to_messages`]. The modules below translate one group of
//! parameters each and begin with a table of their rules; a parameter that no table names is refused. What is left out
//! or replaced is reported, see [`crate::warnings`].
//!
//! Sources: OpenAI API reference, "Create a model response"; Anthropic API reference, "Messages".

mod calls;
mod draft;
mod echo;
mod include;
mod input;
mod kept;
mod message;
mod names;
mod parameters;
mod parts;
mod reasoning;
mod recall;
mod text;
mod tool_choice;
mod tools;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::context::ResponsesContext;
use super::stored::StoredTurn;
use crate::anthropic::body::{batch_params, count_tokens_body};
use crate::chat::request::LONG_ANSWER;
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::invalid::InvalidRequest;
use crate::json::write::Writer;
use crate::json::{self, Json, Object};
use crate::target::Target;
use crate::warnings::Warnings;
use draft::Draft;

/// A parsed Responses request. Borrows the body, so that prompts and images are copied once, on their way out.
#[derive(Clone)]
pub struct ResponsesRequest<'a> {
    object: Object<'a>,
    model: Cow<'a, str>,
    previous_response_id: Option<Cow<'a, str>>,
    stream: bool,
    store: Option<bool>,
    header_betas: Vec<String>,
}

/// A Messages request, ready to be sent.
pub struct TranslatedResponses {
    /// The JSON body.
    pub body: Vec<u8>,
    /// Whether the body asks for a stream: because the client does, or because the answer may take longer than an
    /// idle connection lives. The gateway then puts the stream together for the client.
    pub upstream_streams: bool,
    /// Values for `anthropic-beta`, in order, without duplicates: the client's headers', then those the translation
    /// needs.
    pub betas: Vec<String>,
    /// What was ignored, emulated or repaired.
    pub warnings: Warnings,
    /// What the way back needs to know.
    pub context: ResponsesContext,
    /// System blocks that came with the input, in JSON.
    system: String,
    /// Where the messages stand in the body.
    messages: Range<usize>,
}

impl<'a> ResponsesRequest<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// The body is not a JSON object, has no model, or has a parameter that nobody knows.
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidRequest> {
        let json = json::parse(body)
            .map_err(|error| InvalidRequest::body(format!("the request body is not valid JSON: {error}")))?;
        let Json::Object(object) = json else {
            return Err(InvalidRequest::body("the request body must be a JSON object"));
        };
        if let Some((key, _)) = object.members.iter().find(|(key, _)| !parameters::is_known(key)) {
            return Err(Path::root(key).unknown());
        }
        let path = Path::root("model");
        let model = path.text(path.required(&object)?)?.decode();
        let flag = |name| object.given(name).map(|flag| Path::root(name).boolean(flag)).transpose();
        let (stream, store) = (flag("stream")?.unwrap_or(false), flag("store")?);
        let previous = object.given("previous_response_id");
        let previous = previous.map(|id| Path::root("previous_response_id").text(id)).transpose()?;
        let previous_response_id = previous.map(json::Text::decode);
        Ok(Self { object, model, previous_response_id, stream, store, header_betas: Vec::new() })
    }

    /// The same with the values of the client's own `anthropic-beta` headers, one by one: they come first in
    /// [`TranslatedResponses::betas`].
    #[must_use]
    pub fn with_header_betas(mut self, betas: impl IntoIterator<Item = String>) -> Self {
        self.header_betas.extend(betas);
        self
    }

    /// The model as the client named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the client wants a stream.
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// Whether the client wants the response kept; none if it does not say, which at OpenAI means yes.
    pub fn store(&self) -> Option<bool> {
        self.store
    }

    /// The response that this one continues.
    pub fn previous_response_id(&self) -> Option<&str> {
        self.previous_response_id.as_deref()
    }

    /// Translates the request for one model. The same request gives the same bytes.
    ///
    /// - `recalled`: what is kept of the response that `previous_response_id` names, and of those that hold
    ///   [`ResponsesRequest::item_ids`].
    ///
    /// # Errors
    /// Something in it has no equivalent, contradicts itself, is not kept here, or would be refused by this model. The
    /// error names the parameter.
    pub fn to_messages(
        &self,
        target: &Target<'_>,
        recalled: Option<&StoredTurn>,
    ) -> Result<TranslatedResponses, InvalidRequest> {
        let mut scope = Scope::new(target);
        self.header_betas.iter().for_each(|beta| scope.beta(beta));
        let unwrapped = recall::unwrap(&self.object, recalled);
        let contents = recall::contents(recalled);
        let recall = recall::Recall { stored: recalled, unwrapped: &unwrapped, contents: &contents };
        let draft = Draft::new(self, recall, &mut scope)?;
        let limit = draft.max_tokens;
        let upstream_streams = self.stream || limit.defaulted || limit.value > LONG_ANSWER;
        let context = draft.context(self, &scope);
        let mut writer = Writer::with_capacity(self.object.raw.len() + 512);
        let messages = draft.write(target, upstream_streams, &mut writer);
        let system = draft.recallable_system();
        let Scope { warnings, betas, .. } = scope;
        let body = writer.into_bytes();
        Ok(TranslatedResponses { body, upstream_streams, betas, warnings, context, system, messages })
    }
}

impl TranslatedResponses {
    /// The body of `POST /v1/messages/count_tokens` that counts what this request would take, for
    /// `POST /v1/responses/input_tokens`.
    #[must_use]
    pub fn to_count_tokens(&self) -> Vec<u8> {
        count_tokens_body(&self.body)
    }

    /// The `params` of this request in a batch.
    ///
    /// # Errors
    /// It asks for something that no batch does; see [`batch_params`].
    pub fn to_batch_params(&self) -> Result<Vec<u8>, InvalidRequest> {
        let upstream = &self.context.upstream;
        batch_params(&self.body, upstream.client_streams, upstream.max_tokens_field)
    }

    /// The part of the conversation that later requests continue: its system blocks and its messages, in JSON.
    pub(crate) fn conversation(&self) -> (&str, &str) {
        let messages = std::str::from_utf8(&self.body[self.messages.clone()]);
        (&self.system, messages.expect("the body was written from strings"))
    }
}

impl fmt::Debug for ResponsesRequest<'_> {
    /// Without the conversation, which belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponsesRequest")
            .field("model", &self.model)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TranslatedResponses {
    /// Without the body, which belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TranslatedResponses")
            .field("upstream_streams", &self.upstream_streams)
            .field("betas", &self.betas)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
