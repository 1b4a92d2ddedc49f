//! Assistant turns: what the model said, thought and called, rebuilt from what clients keep of it.
//!
//! If `content_blocks` is there it is the turn, verbatim; else thinking comes first, then text, then calls. Thinking
//! without a signature is never sent: the upstream refuses it.

use std::borrow::Cow;

use super::block::{Block, Body, Input, NativePart, ToolUse};
use super::content::{self, Speaker, is_empty};
use super::pairing::{Origin, Pairing};
use super::path::Path;
use super::scope::Scope;
use super::{cache, tools};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::json::{self, Json, Object, Text};
use crate::warnings::WarningKind;

const KEYS: &[&str] = &[
    "role",
    "content",
    "refusal",
    "name",
    "tool_calls",
    "function_call",
    "audio",
    "annotations",
    "thinking_blocks",
    "content_blocks",
    "reasoning_details",
    "reasoning_content",
    "reasoning",
    "cache_control",
    "provider_specific_fields",
    // What the `parse` and `stream` helpers of OpenAI's clients add: `content` once more, as an object.
    "parsed",
];

/// The blocks of an assistant message, whose calls are entered in `pairing`.
pub(crate) fn turn<'a>(
    message: &Object<'a>,
    index: usize,
    path: &Path<'_>,
    pairing: &mut Pairing<'a>,
    scope: &mut Scope,
) -> Result<Vec<Block<'a>>, InvalidRequest> {
    path.only(message, KEYS)?;
    if message.given("audio").is_some() {
        let what = "is not supported: there is no audio to refer to";
        return Err(path.key("audio").refuse(InvalidCode::UnsupportedParameter, what));
    }
    for name in ["annotations", "provider_specific_fields"] {
        if message.get(name).is_some_and(|value| !is_empty(value)) {
            scope.ignored(path.key(name))?;
        }
    }
    let given = message.given("content_blocks").filter(|blocks| !is_empty(blocks));
    let mut blocks = match given {
        Some(given) => content_blocks(given, message, index, path, pairing, scope)?,
        None => {
            let mut blocks = thinking(message, path, scope)?;
            spoken(message, path, scope, &mut blocks)?;
            blocks
        }
    };
    calls(message, index, path, pairing, scope, &mut blocks)?;
    cache::mark_last(&mut blocks, cache::control(message, path)?, path, scope)?;
    Ok(blocks)
}

fn spoken<'a>(
    message: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
    blocks: &mut Vec<Block<'a>>,
) -> Result<(), InvalidRequest> {
    if let Some(said) = message.given("content") {
        blocks.extend(content::blocks(said, Speaker::Assistant, &path.key("content"), scope)?);
    }
    if let Some(refusal) = message.given("refusal") {
        blocks.extend(content::text_block(path.key("refusal").text(refusal)?));
    }
    Ok(())
}

/// The turn as the upstream once sent it.
fn content_blocks<'a>(
    given: &Json<'a>,
    message: &Object<'a>,
    index: usize,
    path: &Path<'_>,
    pairing: &mut Pairing<'a>,
    scope: &mut Scope,
) -> Result<Vec<Block<'a>>, InvalidRequest> {
    let list_path = path.key("content_blocks");
    let mut blocks = Vec::new();
    for (position, item) in list_path.array(given)?.items.iter().enumerate() {
        let item_path = list_path.index(position);
        let item = item_path.object(item)?;
        let type_path = item_path.key("type");
        let kind = type_path.text(item.get("type").ok_or_else(|| type_path.missing())?)?;
        let block = match kind.decode().as_ref() {
            "document" | "image" => content::native_part(item, &item_path, scope)?,
            _ => content::replayed(item),
        };
        if let Body::Native(native) = &block.body
            && let NativePart::ToolUse { id, name } = &native.part
        {
            pairing.replayed_call(
                id.clone(),
                name.clone(),
                Origin { message: index, place: "content_blocks", item: Some(position) },
            );
        }
        blocks.push(block);
    }
    same_text(&blocks, message, path)?;
    Ok(blocks)
}

/// A client that redacts `content` must not leak the old text through `content_blocks`.
fn same_text(blocks: &[Block<'_>], message: &Object<'_>, path: &Path<'_>) -> Result<(), InvalidRequest> {
    let shown: String = match message.get("content") {
        None | Some(Json::Null) => return Ok(()),
        Some(Json::String(text)) => text.decode().into_owned(),
        Some(Json::Array(parts)) => {
            let texts = parts.items.iter().filter_map(|part| part.as_object()?.text("text"));
            texts.map(Text::decode).collect()
        }
        Some(other) => return Err(path.key("content").wrong_type("a string or an array of parts", other)),
    };
    let kept: String = blocks
        .iter()
        .filter_map(|block| match &block.body {
            Body::Native(native) => match &native.part {
                NativePart::Text(text) => Some(text.decode()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    if shown.trim() == kept.trim() {
        return Ok(());
    }
    let what = "differs from the text in `content_blocks`; change both or leave one of them out";
    Err(path.key("content").refuse(InvalidCode::ConflictingParameters, what))
}

/// Thinking blocks, from the first of the three forms that is there.
fn thinking<'a>(
    message: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Vec<Block<'a>>, InvalidRequest> {
    let mut blocks = Vec::new();
    if let Some(list) = message.get("thinking_blocks").filter(|list| !is_empty(list)) {
        let path = path.key("thinking_blocks");
        for (index, item) in path.array(list)?.items.iter().enumerate() {
            let path = path.index(index);
            blocks.extend(thinking_block(path.object(item)?, &path, scope)?);
        }
    } else if let Some(list) = message.get("reasoning_details").filter(|list| !is_empty(list)) {
        let path = path.key("reasoning_details");
        for (index, item) in path.array(list)?.items.iter().enumerate() {
            let path = path.index(index);
            match reasoning_detail(path.object(item)?) {
                Some(block) => blocks.push(block),
                None => scope.dropped(path)?,
            }
        }
    } else {
        for name in ["reasoning_content", "reasoning"] {
            if message.get(name).is_some_and(|value| !is_empty(value)) {
                scope.ignored(path.key(name))?;
            }
        }
    }
    Ok(blocks)
}

/// A thinking block as the upstream sent it, without what clients add. None if it lacks what makes it valid.
pub(crate) fn thinking_block<'a>(
    item: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Option<Block<'a>>, InvalidRequest> {
    let type_path = path.key("type");
    let kind = type_path.text(type_path.required(item)?)?.decode();
    let proof = |name: &str| item.text(name).filter(|text| !text.inner().is_empty());
    let (body, known) = match kind.as_ref() {
        "thinking" => {
            let thinking = item.text("thinking").map_or(Str::from(""), Str::from);
            let body =
                proof("signature").map(|signature| Body::Thinking { thinking, signature: signature.into() });
            (body, ["type", "thinking", "signature"].as_slice())
        }
        "redacted_thinking" => (
            proof("data").map(|data| Body::RedactedThinking { data: data.into() }),
            ["type", "data"].as_slice(),
        ),
        _ => {
            return Err(
                type_path.refuse(InvalidCode::InvalidValue, "must be \"thinking\" or \"redacted_thinking\"")
            );
        }
    };
    let Some(body) = body else {
        scope.dropped(path.key("unsigned_thinking"))?;
        return Ok(None);
    };
    // `index` is a stream's bookkeeping, and a mark on thinking would be refused.
    let noise = |key: &str| known.contains(&key) || matches!(key, "index" | "cache_control");
    for (key, _) in item.members.iter().filter(|(key, value)| !noise(key) && !is_empty(value)) {
        scope.ignored(path.key(key))?;
    }
    Ok(Some(Block::new(body)))
}

/// One entry of OpenRouter's form, if it came from a Claude model and is complete.
fn reasoning_detail<'a>(item: &Object<'a>) -> Option<Block<'a>> {
    let ours = item
        .given("format")
        .is_none_or(|format| format.as_text().is_some_and(|format| &format == "anthropic-claude-v1"));
    let proof = |name: &str| item.text(name).filter(|text| !text.inner().is_empty());
    let body = match item.text("type")?.decode().as_ref() {
        "reasoning.text" => Body::Thinking {
            thinking: item.text("text").map_or(Str::from(""), Str::from),
            signature: proof("signature")?.into(),
        },
        "reasoning.encrypted" => Body::RedactedThinking { data: proof("data")?.into() },
        _ => return None,
    };
    ours.then(|| Block::new(body))
}

/// `tool_calls` and the deprecated `function_call`.
fn calls<'a>(
    message: &Object<'a>,
    index: usize,
    path: &Path<'_>,
    pairing: &mut Pairing<'a>,
    scope: &mut Scope,
    blocks: &mut Vec<Block<'a>>,
) -> Result<(), InvalidRequest> {
    if let Some(list) = message.given("tool_calls") {
        let path = path.key("tool_calls");
        for (position, call) in path.array(list)?.items.iter().enumerate() {
            let path = path.index(position);
            let origin = Origin { message: index, place: "tool_calls", item: Some(position) };
            blocks.extend(tool_call(path.object(call)?, &path, origin, pairing, scope)?);
        }
    }
    if let Some(call) = message.given("function_call") {
        let path = path.key("function_call");
        let (name, input) = function(path.object(call)?, &path, &["name", "arguments"], scope)?;
        let sent = scope.renames.sent(name);
        let id = pairing.function_call(index, name.decode(), sent.decode());
        blocks.push(Block::new(Body::ToolUse(ToolUse { id, name: sent, input, extra: Vec::new() })));
    }
    Ok(())
}

/// One call; none if `content_blocks` holds it already.
fn tool_call<'a>(
    call: &Object<'a>,
    path: &Path<'_>,
    origin: Origin,
    pairing: &mut Pairing<'a>,
    scope: &mut Scope,
) -> Result<Option<Block<'a>>, InvalidRequest> {
    path.only(
        call,
        &["id", "type", "function", "custom", "index", "caller", "toolset_name", "cache_control"],
    )?;
    let id_path = path.key("id");
    let id = id_path.text(id_path.required(call)?)?;
    let (name, input) = called(call, path, scope)?;
    let raw_id = id.decode();
    if pairing.is_replayed(&raw_id) {
        return Ok(None);
    }
    let name = scope.renames.sent(name);
    let (id, renamed) = pairing.call(raw_id, name.decode(), origin);
    if renamed {
        scope.note(WarningKind::Renamed, id_path);
    }
    let extra = ["caller", "toolset_name"];
    let extra = extra.into_iter().filter_map(|key| Some((key, call.given(key)?.raw()))).collect();
    let body = Body::ToolUse(ToolUse { id, name, input, extra });
    let function = call.get("function").and_then(Json::as_object);
    let inner =
        function.map(|function| cache::control(function, &path.key("function"))).transpose()?.flatten();
    Ok(Some(Block { body, cache: cache::control(call, path)?.or(inner) }))
}

/// Name and input, for both types of call.
fn called<'a>(
    call: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(Text<'a>, Input<'a>), InvalidRequest> {
    let type_path = path.key("type");
    let kind = call.given("type").map(|kind| type_path.text(kind)).transpose()?;
    match kind.map(Text::decode).as_deref() {
        None | Some("function") => {
            let path = path.key("function");
            let function_object = path.object(path.required(call)?)?;
            // `parsed_arguments` is what the helpers of OpenAI's clients add: `arguments` once more, as an object.
            let known = &["name", "arguments", "cache_control", "parsed_arguments"];
            function(function_object, &path, known, scope)
        }
        Some("custom") => {
            let path = path.key("custom");
            let custom = path.object(path.required(call)?)?;
            path.only(custom, &["name", "input"])?;
            let input_path = path.key("input");
            let input = custom.given("input").map(|input| input_path.text(input)).transpose()?;
            let input = input.map_or(Str::from(""), Str::from);
            Ok((tools::name(custom, &path, scope)?, Input::Wrapped("input", input)))
        }
        Some(_) => Err(type_path.refuse(InvalidCode::InvalidValue, "must be \"function\" or \"custom\"")),
    }
}

fn function<'a>(
    function: &Object<'a>,
    path: &Path<'_>,
    known: &[&str],
    scope: &mut Scope,
) -> Result<(Text<'a>, Input<'a>), InvalidRequest> {
    path.only(function, known)?;
    let name = tools::name(function, path, scope)?;
    let path = path.key("arguments");
    let Some(arguments) = function.given("arguments") else { return Ok((name, Input::Object("{}".into()))) };
    let text = path.text(arguments)?;
    Ok((name, arguments_input(text, &path, scope)?))
}

/// Arguments as a JSON object, in the text the model once wrote. Models do write broken ones, and clients replay them:
/// those are kept as a text, so that the conversation goes on and the model sees what it did.
pub(crate) fn arguments_input<'a>(
    text: Text<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Input<'a>, InvalidRequest> {
    let decoded = text.decode();
    let trimmed = match decoded {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if trimmed.is_empty() {
        return Ok(Input::Object("{}".into()));
    }
    if is_object(&trimmed) {
        return Ok(Input::Object(trimmed));
    }
    scope.emulated(path)?;
    Ok(Input::Wrapped("_raw_arguments", Str::from(text)))
}

fn is_object(text: &str) -> bool {
    matches!(json::parse_str(text), Ok(Json::Object(_)))
}
