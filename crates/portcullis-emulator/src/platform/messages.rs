//! From a body to an answer, for `/v1/messages` and for each line of a batch.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::cache::PromptCache;
use super::call::Call;
use super::error::PlatformError;
use super::files::{Files, Use};
use super::models::{self, Model};
use super::protocol::Protocol;
use super::resources::{Resources, Shelf};
use super::validation::{self, Endpoint};
use crate::script::{self, Play, Tokens};
use crate::state::{BASE62, random_text};
use crate::world::Account;

/// What a workspace holds that a message may need, or leave behind.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) files: &'a mut Files,
    pub(super) cache: &'a mut PromptCache,
    pub(super) resources: &'a Resources,
    pub(super) now: SystemTime,
}

impl Setting<'_> {
    /// What of the prompt is cached, if all the files are there.
    fn look(&mut self, body: &Value, model: &Model) -> Result<Tokens, PlatformError> {
        check_files(body, self.files, self.now)?;
        Ok(self.cache.count(body, model.min_cacheable_tokens, self.now))
    }

    fn keep_files(&mut self, play: &mut Play) {
        for made in play.take_files() {
            self.files.keep_made(made, self.resources.next_sequence(), self.now);
        }
    }
}

/// The answer to `POST /v1/messages`.
pub(super) fn play(call: Call<'_>, body: &Value) -> Result<Play, PlatformError> {
    let admitted = call.admitted;
    let model = judge(body, call.protocol, &admitted.account)?;
    if let Some(id) = call.arrival.only("anthropic-user-profile-id")? {
        call.shelf(|shelf| shelf.user_profiles.check(id))?;
    }
    let with_setting = |work: &mut dyn FnMut(&mut Setting<'_>) -> Result<Tokens, PlatformError>| {
        call.shelf(|shelf| {
            let Shelf { files, cache, .. } = shelf;
            work(&mut Setting { files, cache, resources: &call.state.resources, now: call.now() })
        })
    };
    let tokens = with_setting(&mut |setting| setting.look(body, &model))?;
    let queued = call.state.next_directive();
    let mut play =
        Play::new(body, model.traits(), tokens, queued.as_deref()).map_err(PlatformError::invalid)?;
    with_setting(&mut |setting| {
        setting.keep_files(&mut play);
        Ok(tokens)
    })?;
    Ok(play)
}

/// The answer to `POST /v1/messages/count_tokens`.
pub(super) fn count_tokens(call: Call<'_>, body: &Value) -> Result<Value, PlatformError> {
    let model = validation::validate(body, Endpoint::CountTokens, call.protocol)?;
    models::check_access(&call.admitted.account, &model)?;
    let now = call.now();
    call.shelf(|shelf| check_files(body, &shelf.files, now))?;
    Ok(json!({"input_tokens": script::estimate_tokens(body)}))
}

/// The result of one line of a batch: `succeeded` or `errored`.
pub(super) fn batch_result(
    params: &Value,
    protocol: &Protocol,
    account: &Account,
    setting: &mut Setting<'_>,
) -> Value {
    let request_id = format!("req_011{}", random_text(BASE62, 21));
    let message = batch_line(params, protocol, account, setting)
        .map_err(|error| error.envelope(&request_id))
        .and_then(|play| play.into_batch_result(&request_id));
    match message {
        Ok(message) => json!({"type": "succeeded", "message": message}),
        Err(error) => json!({"type": "errored", "error": error}),
    }
}

fn batch_line(
    params: &Value,
    protocol: &Protocol,
    account: &Account,
    setting: &mut Setting<'_>,
) -> Result<Play, PlatformError> {
    check_batchable(params)?;
    let model = judge(params, protocol, account)?;
    let tokens = setting.look(params, &model)?;
    let mut play = Play::new(params, model.traits(), tokens, None).map_err(PlatformError::invalid)?;
    setting.keep_files(&mut play);
    Ok(play)
}

/// What cannot be asked for in a batch. Source: Claude docs, "Batch processing".
fn check_batchable(params: &Value) -> Result<(), PlatformError> {
    let refused =
        |name: &str| Err(PlatformError::invalid(format!("{name}: not supported in batch requests")));
    if params["stream"] == true {
        return refused("stream");
    }
    if params["max_tokens"] == 0 {
        return Err(PlatformError::invalid(
            "max_tokens: Input should be greater than or equal to 1 in batch requests",
        ));
    }
    for name in ["speed", "fallbacks", "fallback_credit_token", "thread"] {
        if params.get(name).is_some_and(|value| !value.is_null()) {
            return refused(name);
        }
    }
    Ok(())
}

/// Everything that the body alone can have wrong.
fn judge(body: &Value, protocol: &Protocol, account: &Account) -> Result<Model, PlatformError> {
    let model = validation::validate(body, Endpoint::Messages, protocol)?;
    models::check_access(account, &model)?;
    let history = script::check_thinking(body, model.traits())
        .and_then(|()| script::check_server_results(body))
        .and_then(|()| script::check_compaction(body));
    history.map_err(PlatformError::invalid)?;
    Ok(model)
}

/// Refuses files that the workspace does not have, or that do not fit where they are used.
fn check_files(body: &Value, files: &Files, now: SystemTime) -> Result<(), PlatformError> {
    for (index, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        for (position, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let at = format!("messages.{index}.content.{position}");
            check_block_files(block, &at, files, now)?;
            let inner = block["content"].as_array().filter(|_| block["type"] == "tool_result");
            for (inside, block) in inner.into_iter().flatten().enumerate() {
                check_block_files(block, &format!("{at}.tool_result.content.{inside}"), files, now)?;
            }
        }
    }
    Ok(())
}

fn check_block_files(block: &Value, at: &str, files: &Files, now: SystemTime) -> Result<(), PlatformError> {
    let (id, wanted) = match block["type"].as_str() {
        Some("image") => (&block["source"]["file_id"], Use::Image),
        Some("document") => (&block["source"]["file_id"], Use::Document),
        Some("container_upload") => (&block["file_id"], Use::Container),
        _ => return Ok(()),
    };
    id.as_str().map_or(Ok(()), |id| files.check_use(id, wanted, at, now))
}
