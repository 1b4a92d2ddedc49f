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
    let model = judge(body, Endpoint::Messages, call.protocol, &admitted.account)?;
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
    let model = judge(params, Endpoint::BatchLine, protocol, account)?;
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
fn judge(
    body: &Value,
    endpoint: Endpoint,
    protocol: &Protocol,
    account: &Account,
) -> Result<Model, PlatformError> {
    let model = validation::validate(body, endpoint, protocol)?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::protocol::Version;

    /// Names and words of the protocol, so that chance gets past the first check.
    const WORDS: &[&str] = &[
        "type",
        "role",
        "content",
        "user",
        "assistant",
        "system",
        "text",
        "tool_use",
        "tool_result",
        "id",
        "name",
        "input",
        "tool_use_id",
        "thinking",
        "signature",
        "source",
        "base64",
        "file",
        "file_id",
        "data",
        "media_type",
        "cache_control",
        "ephemeral",
        "ttl",
        "1h",
        "document",
        "image",
        "citations",
        "enabled",
        "input_schema",
        "object",
        "adaptive",
        "server_tool_use",
        "srvtoolu_1",
        "web_search_tool_result",
        "compaction",
        "schema",
        "format",
        "json_schema",
        "effort",
        "high",
        "[[emulator:tool_loop]]",
        "[[emulator:pause_turn]]",
        "[[emulator:citations]]",
        "é",
    ];

    fn word() -> impl Strategy<Value = String> {
        prop::sample::select(WORDS).prop_map(str::to_owned)
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i16>().prop_map(Value::from),
            word().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((word(), inner), 0..5).prop_map(|pairs| pairs.into_iter().collect()),
            ]
        })
    }

    /// A message whose blocks may make sense.
    fn message() -> impl Strategy<Value = Value> {
        let role = prop::sample::select(&["user", "assistant", "system"][..]);
        let kinds =
            &["text", "tool_use", "tool_result", "thinking", "image", "document", "server_tool_use"][..];
        let block = (prop::sample::select(kinds), anything()).prop_map(|(kind, rest)| {
            let mut block = rest.as_object().cloned().unwrap_or_default();
            block.insert("type".into(), kind.into());
            Value::Object(block)
        });
        let content = prop_oneof![
            anything(),
            prop::collection::vec(block, 0..3).prop_map(Value::from),
            word().prop_map(Value::from)
        ];
        (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}))
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(
            messages in prop::collection::vec(message(), 0..4),
            field in prop::sample::select(&["tools", "system", "thinking", "output_config", "tool_choice", "metadata", "mcp_servers"][..]),
            value in anything(),
            model in prop::sample::select(&["claude-haiku-4-5", "claude-opus-5-5"][..]),
        ) {
            let mut body = json!({"model": model, "max_tokens": 10, "messages": messages});
            body[field] = value;
            let protocol = Protocol::with(Version::First, &["mcp-client-2025-11-20"]);
            let (mut files, mut cache, resources) = (Files::default(), PromptCache::default(), Resources::default());
            let now = SystemTime::UNIX_EPOCH;
            let mut setting = Setting { files: &mut files, cache: &mut cache, resources: &resources, now };
            let result = batch_result(&body, &protocol, &Account::ready(), &mut setting);
            prop_assert!(result["message"].is_object() || result["error"]["error"]["message"].is_string());
            // Neither do the parts that come after the checks.
            PromptCache::default().count(&body, 0, now);
            let _ = script::check_thinking(&body, crate::script::Traits { binds_prefix: true, ..Default::default() });
            let _ = Play::new(&body, crate::script::Traits::default(), Tokens::default(), None);
        }
    }
}
