//! Scripted answers and faults, chosen by a directive in the last user text: `[[emulator:tool_use]]`,
//! `[[emulator:long=200]]`. Without one the answer is a friendly sentence.
//!
//! Answers: `plain`, `long=N`, `tool_use`, `parallel_tools`, `thinking`, `redacted`, `refusal`, `max_tokens`, `unicode`,
//! `stop_sequence`, `web_search`, `empty`, `pause_turn`, `context_window`.
//! Refusals: `400_on_hold`, `400_spend_limit`, `400_workspace_spend_limit`, `401_bad_signature`, `401_expired_token`,
//! `401_skew`, `401_unknown_token`, `402_billing`, `403_expired_token`, `403_federation_off`, `403_federation_off_aws`,
//! `403_model_access`, `403_not_subscribed`, `403_unknown_token`, `429=SECONDS`, `429_aws`, `429_contract_spend_limit`,
//! `429_enforced_spend_limit`, `429_ramp`, `429_spend_cap`, `500`, `503`, `503_key_unreachable`,
//! `503_registration_pending`, `504`, `529`. What a policy, an account or a workspace refuses comes from the world.
//! Faults: `html_502`, `error_first`, `error_mid_stream`,
//! `reset_mid_headers`, `reset_mid_stream`, `cut_mid_stream`, `end_without_stop`, `stall`, `stall_mid_stream`, `slow=MS`,
//! `garbage`, `truncated_json`.

mod compose;
mod events;
mod fault;
mod refusal;
mod thinking;

use serde_json::Value;

use crate::answer::Answer;
pub(crate) use thinking::check_thinking;

/// An answer that is about to be played.
#[derive(Debug)]
pub(crate) struct Play {
    message: compose::Message,
    fault: Option<fault::Fault>,
    streams: bool,
}

impl Play {
    /// Composes the answer to `body`; `queued` overrides the directive in the text.
    pub(crate) fn new(body: &Value, queued: Option<&str>) -> Result<Self, String> {
        let text = last_user_text(body);
        let in_text =
            text.split_once("[[emulator:").and_then(|(_, rest)| rest.split_once("]]")).map(|(name, _)| name);
        let directive = queued.or(in_text).unwrap_or("plain").trim();
        let (name, argument) =
            directive.split_once('=').map_or((directive, None), |(name, value)| (name, Some(value)));
        let argument = argument
            .map(|value| {
                value.trim().parse::<u64>().map_err(|_| format!("emulator: `{value}` is not a number"))
            })
            .transpose()?;
        let fault = fault::Fault::parse(name, argument);
        let answer = if fault.is_some() { "plain" } else { name };
        let message = compose::compose(body, answer, argument, &text)
            .ok_or_else(|| format!("emulator: there is no script `{name}`"))?;
        Ok(Self { message, fault, streams: body["stream"].as_bool().unwrap_or(false) })
    }

    pub(crate) fn into_answer(self, request_id: &str) -> Answer {
        let healthy = |message: &compose::Message| {
            if self.streams {
                Answer::events(events::pieces(&events::events(message)))
            } else {
                Answer::whole(200, "application/json", message.to_json().to_string())
            }
        };
        match &self.fault {
            None => healthy(&self.message),
            Some(fault) => fault.apply(&self.message, self.streams, request_id),
        }
    }
}

/// The texts of the last message, if it is the user's.
fn last_user_text(body: &Value) -> String {
    let Some(message) = body["messages"].as_array().and_then(|messages| messages.last()) else {
        return String::new();
    };
    if message["role"] != "user" {
        return String::new();
    }
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// About four bytes a token. An estimate, as upstream's own count is.
pub(crate) fn estimate_tokens(body: &Value) -> usize {
    let counted = ["system", "messages", "tools"]
        .map(|field| body.get(field).map_or(0, |value| value.to_string().len()));
    counted.iter().sum::<usize>().div_ceil(4).max(1)
}
