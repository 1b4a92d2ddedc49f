//! A Responses request becomes a Messages request.
//!
//! Start at [`ResponsesRequest::parse`], then [`ResponsesRequest::to_messages`]. The modules below translate one group of
//! parameters each and begin with a table of their rules; a parameter that no table names is refused. What is left out
//! or replaced is reported, see [`crate::warnings`].
//!
//! Sources: OpenAI API reference, "Create a model response"; Anthropic API reference, "Messages".

mod calls;
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
use crate::ResponseContext;
use crate::chat::request::block::{Block, Cache};
use crate::chat::request::messages::{Conversation, Role};
use crate::chat::request::path::Path;
use crate::chat::request::reasoning::Reasoning;
use crate::chat::request::renames::Renames;
use crate::chat::request::sampling::{self, MaxTokens};
use crate::chat::request::scope::Scope;
use crate::chat::request::tool_choice::ToolChoice;
use crate::chat::request::{Names, Places, account, cache, extensions, output, prefill};
use crate::invalid::InvalidRequest;
use crate::json::write::{Str, Writer};
use crate::json::{self, Json, Object};
use crate::target::Target;
use crate::warnings::Warnings;

/// From this many tokens on, an answer may take longer than an idle connection lives.
const LONG_ANSWER: u64 = 16_000;

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
        let recall = recall::Recall { stored: recalled, unwrapped: &unwrapped };
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

/// Everything a Messages request consists of.
struct Draft<'c> {
    instructions: Option<Block<'c>>,
    conversation: Conversation<'c>,
    /// The answer must be JSON, and the model is told so.
    json_instruction: Option<Block<'c>>,
    max_tokens: MaxTokens,
    reasoning: Reasoning<'c>,
    sampling: sampling::Parameters<'c>,
    tools: tools::Translated<'c>,
    tool_choice: Option<ToolChoice<'c>>,
    output_config: Option<String>,
    user_id: Option<Cow<'c, str>>,
    service_tier: Option<&'static str>,
    cache_control: Option<Cache<'c>>,
    context_management: Option<Cow<'c, str>>,
}

impl<'c> Draft<'c> {
    fn new<'a: 'c>(
        request: &ResponsesRequest<'a>,
        recall: recall::Recall<'c>,
        scope: &mut Scope,
    ) -> Result<Self, InvalidRequest> {
        let object: &Object<'c> = &request.object;
        parameters::refused(object)?;
        include::check(object)?;
        let instructions = parameters::instructions(object)?;
        scope.code_runs = tools::runs_code(object);
        if scope.options.rename_tools {
            Renames::enter(names::all(object), scope);
        }
        let mut conversation = input::translate(object, recall, scope)?;
        let cache = parameters::cache(object, scope)?;
        let max_tokens = parameters::max_tokens(object, &cache, scope)?;
        let reasoning = reasoning::translate(object, max_tokens, scope)?;
        let sampling = sampling::parameters(object, &reasoning, scope)?;
        let format = text::translate(object, scope)?;
        let output_config = output::config(object, &reasoning, &format)?;
        prefill::check(&mut conversation, format.schema.is_some(), scope)?;
        let called = std::mem::take(&mut conversation.called);
        let mut tools = tools::translate(object, called, scope)?;
        let tool_choice = tool_choice::translate(object, &mut tools, reasoning.kind(), scope)?;
        let user_id = account::user_id(object, scope)?;
        let service_tier = account::service_tier(object)?;
        parameters::ignored(object, scope)?;
        cache::keep_latest(conversation.blocks_mut(), cache.mark.is_some());
        let context_management = extensions::context_management(object, scope)?;
        Ok(Self {
            instructions,
            conversation,
            json_instruction: format.json_object.then(|| Block::text(output::JSON_INSTRUCTION)),
            max_tokens,
            reasoning,
            sampling,
            tools,
            tool_choice,
            output_config,
            user_id,
            service_tier,
            cache_control: cache.mark,
            context_management,
        })
    }

    fn context(&self, request: &ResponsesRequest<'_>, scope: &Scope) -> ResponsesContext {
        let numbering = self.conversation.numbering;
        let turns = self.conversation.turns.iter();
        let messages = turns.map(|turn| turn.message().and_then(|message| numbering.index(message)));
        let upstream = ResponseContext {
            client_streams: request.stream,
            compliance: scope.options.compliance,
            max_tokens_field: self.max_tokens.field,
            places: Places::new(Names::Responses, messages, self.tools.tools.places),
            ..ResponseContext::default()
        };
        ResponsesContext {
            client_streams: request.stream,
            store: request.store.unwrap_or(true),
            echo: echo::of(&request.object),
            include: include::read(&request.object),
            custom_tools: self.tools.tools.custom.clone(),
            namespaces: self.tools.namespaces.clone(),
            tool_names: scope.renames.back(),
            service_tier_asked: self.service_tier.is_some(),
            upstream,
        }
    }

    /// System blocks that later requests must repeat: those of the input, not the instructions.
    fn recallable_system(&self) -> String {
        let mut writer = Writer::default();
        writer.array(|w| self.conversation.system.iter().for_each(|block| block.write(w)));
        writer.into_string()
    }

    /// Writes the body, and says where the messages stand in it. The order of keys is fixed: a prompt cache is a prefix
    /// of bytes.
    fn write(&self, target: &Target<'_>, stream: bool, writer: &mut Writer) -> Range<usize> {
        writer.object(|w| {
            w.key("model").plain(target.model.as_str());
            w.key("max_tokens").integer(self.max_tokens.value);
            let messages = self.write_conversation(w);
            if !self.tools.tools.list.is_empty() {
                w.key("tools").array(|w| self.tools.tools.list.iter().for_each(|tool| tool.write(w)));
            }
            if let Some(choice) = &self.tool_choice {
                choice.write(w.key("tool_choice"));
            }
            if let Some(thinking) = &self.reasoning.thinking {
                thinking.write(w.key("thinking"));
            }
            if let Some(config) = &self.output_config {
                w.key("output_config").raw(config);
            }
            if stream {
                w.key("stream").boolean(true);
            }
            self.write_rest(w);
            messages
        })
    }

    fn write_conversation(&self, w: &mut Writer) -> Range<usize> {
        let system = self.instructions.iter().chain(&self.conversation.system).chain(&self.json_instruction);
        let system: Vec<&Block<'_>> = system.collect();
        if !system.is_empty() {
            w.key("system").array(|w| system.iter().for_each(|block| block.write(w)));
        }
        w.key("messages");
        let start = w.len();
        w.array(|w| {
            for turn in &self.conversation.turns {
                w.object(|w| {
                    w.key("role").plain(match turn.role {
                        Role::User => "user",
                        Role::Assistant => "assistant",
                        Role::System => "system",
                    });
                    w.key("content").array(|w| turn.blocks.iter().for_each(|block| block.write(w)));
                });
            }
        });
        start..w.len()
    }

    fn write_rest(&self, w: &mut Writer) {
        if let Some(user_id) = &self.user_id {
            w.key("metadata").object(|w| w.key("user_id").string(&Str::Plain(user_id.clone())));
        }
        if let Some(tier) = self.service_tier {
            w.key("service_tier").plain(tier);
        }
        for (name, number) in &self.sampling {
            w.key(name).raw(number);
        }
        if let Some(cache) = self.cache_control {
            cache.write_member(w);
        }
        if let Some(management) = &self.context_management {
            w.key("context_management").raw(management);
        }
        if !self.tools.servers.is_empty() {
            w.key("mcp_servers").array(|w| self.tools.servers.iter().for_each(|server| w.raw(&server.json)));
        }
    }
}
