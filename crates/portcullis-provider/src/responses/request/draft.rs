//! A Messages request before it is written: what became of each group of parameters.

use std::borrow::Cow;
use std::ops::Range;

use super::recall::Recall;
use super::{ResponsesRequest, echo, include, input, names, parameters, reasoning, text, tool_choice, tools};
use crate::ResponseContext;
use crate::chat::request::block::{Block, Cache};
use crate::chat::request::messages::{Conversation, Role};
use crate::chat::request::reasoning::Reasoning;
use crate::chat::request::renames::Renames;
use crate::chat::request::sampling::{self, MaxTokens};
use crate::chat::request::scope::Scope;
use crate::chat::request::tool_choice::ToolChoice;
use crate::chat::request::{Names, Places, account, cache, extensions, output, prefill};
use crate::invalid::InvalidRequest;
use crate::json::Object;
use crate::json::write::{Str, Writer};
use crate::responses::context::ResponsesContext;
use crate::target::Target;

/// Everything a Messages request consists of.
pub(super) struct Draft<'c> {
    instructions: Option<Block<'c>>,
    conversation: Conversation<'c>,
    /// The answer must be JSON, and the model is told so.
    json_instruction: Option<Block<'c>>,
    pub(super) max_tokens: MaxTokens,
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
    pub(super) fn new<'a: 'c>(
        request: &ResponsesRequest<'a>,
        recall: Recall<'c>,
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

    pub(super) fn context(&self, request: &ResponsesRequest<'_>, scope: &Scope) -> ResponsesContext {
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
    pub(super) fn recallable_system(&self) -> String {
        let mut writer = Writer::default();
        writer.array(|w| self.conversation.system.iter().for_each(|block| block.write(w)));
        writer.into_string()
    }

    /// Writes the body, and says where the messages stand in it. The order of keys is fixed: a prompt cache is a prefix
    /// of bytes.
    pub(super) fn write(&self, target: &Target<'_>, stream: bool, writer: &mut Writer) -> Range<usize> {
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
