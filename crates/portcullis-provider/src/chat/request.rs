//! A Chat Completions request becomes a Messages request.
//!
//! Start at [`ChatRequest::parse`], then [`ChatRequest::into_messages`]. Each module below translates one group of
//! parameters and begins with a table of its rules; a parameter that no table names is refused. What is left out or
//! replaced is reported, see [`crate::warnings`].
//!
//! Sources: OpenAI API reference, "Create chat completion"; Anthropic API reference, "Messages".

pub(crate) mod account;
pub(crate) mod assistant;
pub(crate) mod block;
pub(crate) mod cache;
pub(crate) mod content;
mod context;
pub(crate) mod extensions;
pub(crate) mod file_ids;
pub(crate) mod files;
pub(crate) mod media;
pub(crate) mod messages;
pub(crate) mod output;
pub(crate) mod pairing;
pub(crate) mod path;
pub(crate) mod places;
pub(crate) mod prefill;
pub(crate) mod reasoning;
pub(crate) mod renames;
pub(crate) mod sampling;
pub(crate) mod schema;
pub(crate) mod scope;
pub(crate) mod tool_choice;
pub(crate) mod tools;

use std::borrow::Cow;
use std::fmt;

use portcullis_types::ModelId;

pub(crate) use places::Names;
pub use places::Places;

pub use context::{ResponseContext, TranslatedRequest};
pub use renames::ToolNames;

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::{Str, Writer};
use crate::json::{self, Json, Object};
use crate::openai;
use crate::target::Target;
use block::{Block, Cache};
use messages::{Conversation, Role, Turn};
use path::Path;
use renames::Renames;
use scope::Scope;

/// From this many tokens on, an answer may take longer than an idle connection lives.
pub(crate) const LONG_ANSWER: u64 = 16_000;

/// A parsed Chat Completions request. Borrows the body, so that prompts and images are copied once, on their way out.
#[derive(Clone)]
pub struct ChatRequest<'a> {
    object: Object<'a>,
    model: Cow<'a, str>,
    stream: bool,
    header_betas: Vec<String>,
}

impl<'a> ChatRequest<'a> {
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
        if let Some((key, _)) = object.members.iter().find(|(key, _)| !openai::is_chat_parameter(key)) {
            return Err(Path::root(key).unknown());
        }
        let path = Path::root("model");
        let model = path.text(path.required(&object)?)?.decode();
        let stream = object.given("stream").map(|flag| Path::root("stream").boolean(flag)).transpose()?;
        Ok(Self { object, model, stream: stream.unwrap_or(false), header_betas: Vec::new() })
    }

    /// The same with the values of the client's own `anthropic-beta` headers, one by one: they come first in
    /// [`TranslatedRequest::betas`], and what they ask for is not asked for again.
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

    /// Ids of files that the request names, once each: what they are must be known in [`Target::files`] before the request
    /// is translated. Most requests name none, and this then allocates nothing.
    pub fn file_ids(&self) -> Vec<String> {
        file_ids::of_chat(&self.object)
    }

    /// As [`ChatRequest::to_messages`], for a request that is sent once.
    ///
    /// # Errors
    /// As there.
    pub fn into_messages(self, target: &Target<'_>) -> Result<TranslatedRequest, InvalidRequest> {
        self.to_messages(target)
    }

    /// Translates the request for one model. The same request gives the same bytes.
    ///
    /// # Errors
    /// Something in it has no equivalent, contradicts itself, or would be refused by this model. The error names the
    /// parameter.
    pub fn to_messages(&self, target: &Target<'_>) -> Result<TranslatedRequest, InvalidRequest> {
        let Target { model, options, .. } = *target;
        let mut scope = Scope::new(target);
        self.header_betas.iter().for_each(|beta| scope.beta(beta));
        let draft = Draft::new(self, &mut scope)?;
        let upstream_streams =
            self.stream || draft.max_tokens.defaulted || draft.max_tokens.value > LONG_ANSWER;
        let context = ResponseContext {
            client_streams: self.stream,
            include_usage: draft.include_usage,
            compliance: options.compliance,
            service_tier_asked: draft.service_tier.is_some(),
            max_tokens_field: draft.max_tokens.field,
            custom_tools: draft.tools.custom.clone(),
            legacy_functions: draft.tools.legacy,
            tool_names: scope.renames.back(),
            places: Places::new(
                Names::Chat,
                draft.conversation.turns.iter().map(Turn::message),
                draft.tools.places,
            ),
        };
        let mut writer = Writer::with_capacity(self.object.raw.len() + 512);
        draft.write(model, upstream_streams, &self.object, &mut writer);
        let body = writer.into_bytes();
        Ok(TranslatedRequest {
            body,
            upstream_streams,
            betas: scope.betas,
            user_profile: draft.user_profile,
            warnings: scope.warnings,
            context,
        })
    }
}

impl fmt::Debug for ChatRequest<'_> {
    /// Without the conversation, which belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest")
            .field("model", &self.model)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// Everything a Messages request consists of.
struct Draft<'a> {
    conversation: Conversation<'a>,
    max_tokens: sampling::MaxTokens,
    reasoning: reasoning::Reasoning<'a>,
    sampling: sampling::Parameters<'a>,
    tools: tools::Tools<'a>,
    tool_choice: Option<tool_choice::ToolChoice<'a>>,
    output_config: Option<String>,
    stop: Vec<json::Text<'a>>,
    user_id: Option<Cow<'a, str>>,
    user_profile: Option<String>,
    service_tier: Option<&'static str>,
    cache_control: Option<Cache<'a>>,
    context_management: Option<Cow<'a, str>>,
    include_usage: bool,
}

impl<'a> Draft<'a> {
    fn new(request: &ChatRequest<'a>, scope: &mut Scope) -> Result<Self, InvalidRequest> {
        let object = &request.object;
        account::refused(object)?;
        extensions::betas(object, scope)?;
        if scope.options.rename_tools {
            Renames::enter(renames::of_chat(object), scope);
        }
        scope.code_runs = !scope.files.is_empty() && tools::runs_code(object);
        let mut conversation = messages::translate(object.given("messages"), scope)?;
        let max_tokens = sampling::max_tokens(object, scope)?;
        let reasoning = reasoning::translate(object, max_tokens, scope)?;
        let sampling = sampling::parameters(object, &reasoning, scope)?;
        let stop = sampling::stop(object)?;
        sampling::fixed(object, scope)?;
        let output = output::translate(object, scope)?;
        if output.json_object {
            conversation.system.push(Block::text(output::JSON_INSTRUCTION));
        }
        let output_config = output::config(object, &reasoning, &output)?;
        let formatted = output.schema.is_some() || output::has_native_format(object);
        prefill::check(&mut conversation, formatted, scope)?;
        let called = std::mem::take(&mut conversation.called);
        let mut tools = tools::translate(object, called, scope)?;
        let tool_choice = tool_choice::translate(object, &mut tools, reasoning.kind(), scope)?;
        let user_id = account::user_id(object, scope)?;
        let user_profile = account::user_profile(object)?;
        account::ignored(object, scope)?;
        let service_tier = account::service_tier(object)?;
        let include_usage = account::include_usage(object, request.stream, scope)?;
        let cache_control = top_level_cache(object)?;
        cache::keep_latest(conversation.blocks_mut(), cache_control.is_some());
        let context_management = extensions::context_management(object, scope)?;
        extensions::needed_betas(object, scope);
        Ok(Self {
            conversation,
            max_tokens,
            reasoning,
            sampling,
            tools,
            tool_choice,
            output_config,
            stop,
            user_id,
            user_profile,
            service_tier,
            cache_control,
            context_management,
            include_usage,
        })
    }

    /// Writes the body. The order of keys is fixed: a prompt cache is a prefix of bytes.
    fn write(&self, model: &ModelId, stream: bool, request: &Object<'a>, writer: &mut Writer) {
        writer.object(|w| {
            w.key("model").plain(model.as_str());
            w.key("max_tokens").integer(self.max_tokens.value);
            self.write_conversation(w);
            if !self.tools.list.is_empty() {
                w.key("tools").array(|w| self.tools.list.iter().for_each(|tool| tool.write(w)));
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
            if !self.stop.is_empty() {
                w.key("stop_sequences").array(|w| self.stop.iter().for_each(|stop| w.raw(stop.quoted())));
            }
            if stream {
                w.key("stream").boolean(true);
            }
            self.write_extensions(request, w);
        });
    }

    fn write_conversation(&self, w: &mut Writer) {
        let blocks = |w: &mut Writer, blocks: &[Block<'_>]| {
            w.array(|w| blocks.iter().for_each(|block| block.write(w)))
        };
        if !self.conversation.system.is_empty() {
            blocks(w.key("system"), &self.conversation.system);
        }
        w.key("messages").array(|w| {
            for turn in &self.conversation.turns {
                w.object(|w| {
                    w.key("role").plain(match turn.role {
                        Role::User => "user",
                        Role::Assistant => "assistant",
                        Role::System => "system",
                    });
                    blocks(w.key("content"), &turn.blocks);
                });
            }
        });
    }

    fn write_extensions(&self, request: &Object<'a>, w: &mut Writer) {
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
        for name in extensions::PASSING {
            if let Some(value) = request.given(name) {
                w.key(name).raw(value.raw());
            }
        }
    }
}

/// The mark for the whole prompt, in either dialect.
fn top_level_cache<'a>(request: &Object<'a>) -> Result<Option<Cache<'a>>, InvalidRequest> {
    let path = Path::root("prompt_cache_options");
    let native = match request.given("cache_control") {
        Some(control) => Some(Cache::Native(Path::root("cache_control").object(control)?.raw)),
        None => None,
    };
    let options =
        request.given("prompt_cache_options").map(|options| cache::options(options, &path)).transpose()?;
    match (native, options.flatten()) {
        (Some(_), Some(_)) => {
            Err(path.refuse(InvalidCode::ConflictingParameters, "and `cache_control` ask for the same thing"))
        }
        (native, implicit) => Ok(native.or(implicit)),
    }
}
