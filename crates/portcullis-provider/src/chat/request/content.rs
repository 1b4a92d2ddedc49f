//! Content parts.
//!
//! | part | block |
//! |---|---|
//! | text | text; empty or blank text is left out, since the upstream refuses it |
//! | `image_url` with `https:` | image by URL |
//! | `image_url` with `data:` | image, PDF document or text document |
//! | `file.file_data` | document or image, with the file's name as a document's title |
//! | `file.file_id` | image, document or upload to the container, by the file's media type |
//! | `refusal` (assistant) | text: it is what the assistant said |
//! | Anthropic's own blocks | verbatim, but for ids of files, which become the upstream's |
//! | `input_audio`, `http:` | refused |
//! | anything else | refused |

use std::borrow::Cow;

use super::block::{Block, Body, Native, NativePart, Source};
use super::path::Path;
use super::scope::Scope;
use super::{cache, file_ids, files, media};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::{Str, Writer};
use crate::json::{Json, Object, Text};

/// Whose content it is, which decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

type Blocks<'a> = Vec<Block<'a>>;

/// The blocks of a `content`: a string, or an array of parts. Null means none.
pub(crate) fn blocks<'a>(
    content: &Json<'a>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Blocks<'a>, InvalidRequest> {
    match content {
        Json::Null => Ok(Vec::new()),
        Json::String(text) => Ok(text_block(*text).into_iter().collect()),
        Json::Array(parts) => {
            let mut blocks = Vec::with_capacity(parts.items.len());
            for (index, part) in parts.items.iter().enumerate() {
                let path = path.index(index);
                blocks.extend(part_block(path.object(part)?, speaker, &path, scope)?);
            }
            Ok(blocks)
        }
        other => Err(path.wrong_type("a string or an array of parts", other)),
    }
}

/// A text block, unless the text is blank.
pub(crate) fn text_block(text: Text<'_>) -> Option<Block<'_>> {
    (!text.is_blank()).then(|| Block::text(text))
}

fn part_block<'a>(
    part: &Object<'a>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Option<Block<'a>>, InvalidRequest> {
    let type_path = path.key("type");
    let kind = type_path.required(part)?;
    let kind = type_path.text(kind)?.decode();
    let media_speaker = matches!(speaker, Speaker::User | Speaker::Tool);
    let block = match kind.as_ref() {
        "text" => return text_part(part, "text", path, scope),
        "refusal" if speaker == Speaker::Assistant => return text_part(part, "refusal", path, scope),
        "image_url" if media_speaker => image_part(part, path, scope)?,
        "file" if media_speaker => file_part(part, speaker, path, scope)?,
        "image" | "document" | "search_result" if media_speaker => native_part(part, path, scope)?,
        "container_upload" if speaker == Speaker::User => native_part(part, path, scope)?,
        "tool_reference" if speaker == Speaker::Tool => native(part),
        "thinking" | "redacted_thinking" if speaker == Speaker::Assistant => {
            return super::assistant::thinking_block(part, path, scope);
        }
        "input_audio" => {
            return Err(type_path
                .refuse(InvalidCode::UnsupportedValue, "must not be audio: Claude models do not listen"));
        }
        _ => return Err(type_path.refuse(InvalidCode::InvalidValue, wrong_part(speaker))),
    };
    Ok(Some(block))
}

fn wrong_part(speaker: Speaker) -> String {
    let supported = match speaker {
        Speaker::System => "text",
        Speaker::User => "text, image_url, file, image, document, search_result and container_upload",
        Speaker::Assistant => "text, refusal, thinking and redacted_thinking",
        Speaker::Tool => "text, image_url, file, image, document, search_result and tool_reference",
    };
    format!("is not supported here; supported are {supported}")
}

fn text_part<'a>(
    part: &Object<'a>,
    key: &str,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Option<Block<'a>>, InvalidRequest> {
    path.only(part, &["type", key, "cache_control", "prompt_cache_breakpoint", "annotations"])?;
    if part.get("annotations").is_some_and(|annotations| !is_empty(annotations)) {
        scope.ignored(path.key("annotations"))?;
    }
    let text_path = path.key(key);
    let text = text_path.required(part)?;
    let mark = cache::mark(part, path)?;
    let mut block = text_block(text_path.text(text)?);
    match &mut block {
        Some(block) => block.cache = mark,
        None if mark.is_some() => scope.dropped(path.key("cache_control"))?,
        None => {}
    }
    Ok(block)
}

/// Null, `[]`, `{}` or `""`: nothing that could be lost.
pub(crate) fn is_empty(json: &Json<'_>) -> bool {
    match json {
        Json::Null => true,
        Json::Array(array) => array.items.is_empty(),
        Json::Object(object) => object.members.is_empty(),
        Json::String(text) => text.inner().is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

fn image_part<'a>(
    part: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Block<'a>, InvalidRequest> {
    path.only(part, &["type", "image_url", "cache_control", "prompt_cache_breakpoint"])?;
    let image_path = path.key("image_url");
    let image = image_path.object(image_path.required(part)?)?;
    image_path.only(image, &["url", "detail"])?;
    if let Some(detail) = image.given("detail") {
        check_detail(detail, &image_path.key("detail"), scope)?;
    }
    let url_path = image_path.key("url");
    let text = url_path.text(url_path.required(image)?)?;
    let url = text.decode();
    let body = if media::is_data_url(&url) {
        let data_url = media::data_url(url, &url_path)?;
        let declared = media::declared_inline(&data_url.media_type);
        media::block_body(data_url.payload, declared, None, path, &url_path, scope)?
    } else if media::has_scheme(&url, "https:") {
        Body::Image(Source::Url(Str::from(text)))
    } else {
        return Err(url_path.refuse(InvalidCode::InvalidValue, "must be an https URL or a data URL"));
    };
    Ok(Block { body, cache: cache::mark(part, path)? })
}

/// `detail` of an image.
pub(crate) fn check_detail(
    detail: &Json<'_>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    match path.text(detail)?.decode().as_ref() {
        "auto" => Ok(()),
        "low" | "high" | "original" => scope.ignored(path),
        _ => Err(path.refuse(InvalidCode::InvalidValue, "must be one of auto, low, high and original")),
    }
}

fn file_part<'a>(
    part: &Object<'a>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Block<'a>, InvalidRequest> {
    path.only(part, &["type", "file", "cache_control", "prompt_cache_breakpoint"])?;
    let file_path = path.key("file");
    let file = file_path.object(file_path.required(part)?)?;
    file_path.only(file, &["file_data", "file_id", "filename"])?;
    let name_path = file_path.key("filename");
    let filename = file.given("filename").map(|name| name_path.text(name)).transpose()?;
    if let Some(id) = file.given("file_id") {
        let body = kept_file(file, id, filename, speaker, &file_path, scope)?;
        return Ok(Block { body, cache: cache::mark(part, path)? });
    }
    let data_path = file_path.key("file_data");
    let data = data_path.text(data_path.required(file)?)?.decode();
    let (media_type, payload) = if media::is_data_url(&data) {
        let data_url = media::data_url(data, &data_path)?;
        (data_url.media_type, data_url.payload)
    } else {
        (String::new(), media::Payload::Base64(data))
    };
    let declared = media::declared_file(&media_type, filename.map(Text::decode).as_deref());
    let title = filename.filter(|name| !name.is_blank());
    let body = media::block_body(payload, declared, title.map(Str::from), path, &data_path, scope)?;
    if title.is_some() && matches!(body, Body::Image(_)) {
        scope.ignored(name_path)?;
    }
    Ok(Block { body, cache: cache::mark(part, path)? })
}

/// A file that was uploaded before.
///
/// - `path`: the file, not the part.
fn kept_file<'a>(
    file: &Object<'a>,
    id: &Json<'a>,
    filename: Option<Text<'a>>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Body<'a>, InvalidRequest> {
    let id_path = path.key("file_id");
    if file.given("file_data").is_some() {
        let what = "and `file_data` cannot be used together";
        return Err(id_path.refuse(InvalidCode::ConflictingParameters, what));
    }
    let code_runs = scope.code_runs && speaker == Speaker::User;
    let mut body = files::block_body(&id_path.text(id)?.decode(), code_runs, &id_path, scope)?;
    match (&mut body, filename.filter(|name| !name.is_blank())) {
        (_, None) => {}
        (Body::Document { title, .. }, Some(name)) => *title = Some(Str::from(name)),
        (_, Some(_)) => scope.ignored(path.key("filename"))?,
    }
    Ok(body)
}

/// A part in Anthropic's own form, which may name files.
pub(crate) fn native_part<'a>(
    part: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Block<'a>, InvalidRequest> {
    let raw = file_ids::resolved(part, path, scope)?;
    let mut block = native(part);
    if let Body::Native(native) = &mut block.body {
        native.raw = raw;
    }
    Ok(block)
}

/// A block that goes out as it came in.
pub(crate) fn native<'a>(part: &Object<'a>) -> Block<'a> {
    let text = |name: &str| -> Cow<'a, str> { part.text(name).map(Text::decode).unwrap_or_default() };
    let kind = text("type");
    let native_part = match kind.as_ref() {
        "text" => NativePart::Text(part.text("text").map_or(Str::from(""), Str::from)),
        "thinking" | "redacted_thinking" => NativePart::Thinking,
        "tool_use" => NativePart::ToolUse { id: text("id"), name: text("name") },
        "server_tool_use" | "mcp_tool_use" => NativePart::ServerCall(text("id")),
        "tool_result" => NativePart::Other,
        result if result.ends_with("_tool_result") => NativePart::ServerResult(text("tool_use_id")),
        _ => NativePart::Other,
    };
    let has_cache = part.get("cache_control").is_some();
    Block::new(Body::Native(Native { raw: Cow::Borrowed(part.raw), has_cache, part: native_part }))
}

/// A block of an earlier answer, without what a stream adds to put its pieces together.
pub(crate) fn replayed<'a>(item: &Object<'a>) -> Block<'a> {
    let mut block = native(item);
    let bookkeeping = |key: &str| matches!(key, "index" | "delta");
    if let Body::Native(native) = &mut block.body
        && item.members.iter().any(|(key, _)| bookkeeping(key))
    {
        let mut writer = Writer::with_capacity(item.raw.len());
        writer.object(|w| {
            for (key, value) in item.members.iter().filter(|(key, _)| !bookkeeping(key)) {
                w.foreign_key(key).raw(value.raw());
            }
        });
        native.raw = Cow::Owned(writer.into_string());
    }
    block
}
