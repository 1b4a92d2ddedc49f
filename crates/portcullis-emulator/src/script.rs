//! Scripted answers and faults, chosen by a directive in the last user text: `[[emulator:tool_use]]`,
//! `[[emulator:long=200]]`. Without one the answer is a friendly sentence, or what the tool answered.
//!
//! # Answers
//! - `plain`, `long=WORDS`, `unicode`, `empty`, `max_tokens`, `stop_sequence`, `context_window`, `refusal`.
//! - `thinking`, `redacted`: a thinking block, then text. Blocks of thinking that come back must be as they were
//!   issued, text included, to the same model and, from 5.1, after the same turns. The text is empty where `thinking.display` or the model omits it.
//! - `tool_use`, `parallel_tools`, `empty_tool` (no arguments and no delta): calls of the request's own tools, after a
//!   thought if the request asks for thinking.
//! - `tool_loop=N`: N answers with a thought and a call, one at a time, then text. If the request asks for thinking, each
//!   earlier thought must be in its place. Without `thinking` in the request, only models that think by default do.
//! - `interleaved`: a thought, a call, a thought, a call; then, with the results, a thought and text.
//! - `web_search`, `web_fetch`, `code_execution` (makes a file that can be downloaded), `mcp`: what server tools leave.
//! - `citations`: text that cites the request's first document, and the web.
//! - `pause_turn=N`: pauses N times, and goes on when the paused turn comes back as it was; else 400.
//! - `compaction`: a compaction block, text, and `usage.iterations`.
//! - `structured`: JSON that fits `output_config.format.schema`.
//! - `long_silence=MS`: as `plain`, with a silence in the middle in which only pings come.
//! - `unknown_events`: an event, a block, a delta and fields that nobody knows.
//!
//! `tool_loop`, `interleaved` and `pause_turn` go on by themselves: their directive holds until the next user text.
//!
//! # Refusals
//! `400_on_hold`, `400_spend_limit`, `400_workspace_spend_limit`, `401_bad_signature`, `401_expired_token`,
//! `401_skew`, `401_unknown_token`, `402_billing`, `403_expired_token`, `403_federation_off`, `403_federation_off_aws`,
//! `403_model_access`, `403_not_subscribed`, `403_unknown_token`, `429=SECONDS`, `429_aws`, `429_contract_spend_limit`,
//! `429_enforced_spend_limit`, `429_ramp`, `429_spend_cap`, `500`, `503`, `503_key_unreachable`,
//! `503_registration_pending`, `504`, `529`. What a policy, an account or a workspace refuses comes from the world.
//!
//! # Faults
//! `html_502`, `error_first`, `error_mid_stream`,
//! `reset_mid_headers`, `reset_mid_stream`, `cut_mid_stream`, `end_without_stop`, `stall`, `stall_mid_stream`, `slow=MS`,
//! `garbage`, `truncated_json`.
//!
//! # Usage
//! Tokens are about four bytes each. Up to a `cache_control` marker the prompt is cached per workspace, for as long as
//! the marker says, if it is as long as the model asks (512 to 4096 tokens): shorter prompts are not cached, as upstream.

mod compaction;
mod compose;
mod events;
mod example;
mod fault;
mod pause;
mod refusal;
mod server_tools;
mod thinking;
mod tools;
mod turn;

use serde_json::{Value, json};

use crate::answer::Answer;
pub(crate) use compaction::check_compaction;
pub(crate) use compose::MadeFile;
pub(crate) use server_tools::check_server_results;
pub(crate) use thinking::check_thinking;
use turn::Turn;
pub(crate) use turn::{Tokens, Traits};

/// An answer that is about to be played.
#[derive(Debug)]
pub(crate) struct Play {
    message: compose::Message,
    fault: Option<fault::Fault>,
    streams: bool,
}

impl Play {
    /// Composes the answer to `body`; `queued` overrides the directive in the text.
    pub(crate) fn new(
        body: &Value,
        traits: Traits,
        tokens: Tokens,
        queued: Option<&str>,
    ) -> Result<Self, String> {
        let turn = Turn::of(body, traits, tokens, queued);
        let (name, argument) = match turn.directive.split_once('=') {
            None => (turn.directive.as_str(), None),
            Some((name, value)) => {
                let number = value.trim().parse::<u64>();
                (name, Some(number.map_err(|_| format!("emulator: `{value}` is not a number"))?))
            }
        };
        let fault = fault::Fault::parse(name, argument);
        let answer = if fault.is_some() { "plain" } else { name };
        let message = compose::compose(&turn, answer, argument)?
            .ok_or_else(|| format!("emulator: there is no script `{name}`"))?;
        Ok(Self { message, fault, streams: body["stream"].as_bool().unwrap_or(false) })
    }

    /// What tools have made on the way, to be kept.
    pub(crate) fn take_files(&mut self) -> Vec<MadeFile> {
        std::mem::take(&mut self.message.made)
    }

    pub(crate) fn into_answer(self, request_id: &str) -> Answer {
        match &self.fault {
            None if self.streams => Answer::events(events::pieces(&self.message)),
            None => self.message.into_answer(),
            Some(fault) => fault.apply(&self.message, self.streams, request_id),
        }
    }

    /// The message as a line of a batch has it, or the error's envelope.
    pub(crate) fn into_batch_result(mut self, request_id: &str) -> Result<Value, Value> {
        if let Some(error) = self.fault.and_then(fault::Fault::batch_error) {
            return Err(json!({"type": "error", "error": error, "request_id": request_id}));
        }
        self.message.service_tier = "batch";
        Ok(self.message.to_json())
    }
}

/// About four bytes a token. An estimate, as upstream's own count is.
pub(crate) fn estimate_tokens(body: &Value) -> usize {
    let counted = ["system", "messages", "tools"]
        .map(|field| body.get(field).map_or(0, |value| value.to_string().len()));
    counted.iter().sum::<usize>().div_ceil(4).max(1)
}
