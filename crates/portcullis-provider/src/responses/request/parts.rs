//! Content parts.
//!
//! | part | block |
//! |---|---|
//! | `input_text`, `output_text`, `refusal` | text; blank text is left out, since the upstream refuses it |
//! | `input_image.image_url` with `https:` | image by URL |
//! | `input_image.image_url` with `data:` | image, PDF document or text document |
//! | `input_file.file_data` | document or image, with the file's name as a document's title |
//! | `input_file.file_url` | document by URL |
//! | `file_id` of either | the file, by what it is |
//! | `detail` other than `auto`, `annotations` | ignored, reported |
//! | `prompt_cache_breakpoint` | a cache mark on the block |
//! | `input_audio` | refused |

use crate::chat::request::block::{Block, Body, Source};
use crate::chat::request::content::{check_detail, is_empty, text_block};
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::chat::request::{cache, files, media};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::json::{Json, Object, Text};

/// Whose content it is, which decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl Speaker {
    fn parts(self) -> &'static str {
        match self {
            Self::System => "input_text",
            Self::User | Self::Tool => "input_text, input_image and input_file",
            Self::Assistant => "output_text and refusal",
        }
    }
}

/// The blocks of a content: a string, or an array of parts.
pub(super) fn blocks<'c>(
    content: &Json<'c>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Vec<Block<'c>>, InvalidRequest> {
    match content {
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

fn part_block<'c>(
    part: &Object<'c>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Option<Block<'c>>, InvalidRequest> {
    let type_path = path.key("type");
    let kind = type_path.text(type_path.required(part)?)?.decode();
    let listens = matches!(speaker, Speaker::User | Speaker::Tool);
    let body = match kind.as_ref() {
        "input_text" if speaker != Speaker::Assistant => return text_part(part, "text", path, scope),
        "output_text" if speaker == Speaker::Assistant => return text_part(part, "text", path, scope),
        "refusal" if speaker == Speaker::Assistant => return text_part(part, "refusal", path, scope),
        "input_image" if listens => image(part, path, scope)?,
        "input_file" if listens => {
            // A result's content takes no uploads.
            file(part, scope.code_runs && speaker == Speaker::User, path, scope)?
        }
        "input_audio" => {
            let what = "must not be audio: Claude models do not listen";
            return Err(type_path.refuse(InvalidCode::UnsupportedValue, what));
        }
        _ => {
            let what = format!("is not supported here; supported are {}", speaker.parts());
            return Err(type_path.refuse(InvalidCode::InvalidValue, what));
        }
    };
    Ok(Some(Block { body, cache: cache::mark(part, path)? }))
}

fn text_part<'c>(
    part: &Object<'c>,
    key: &str,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Option<Block<'c>>, InvalidRequest> {
    // `parsed` is what the helpers of OpenAI's clients add: the text once more, as an object.
    path.only(part, &["type", key, "annotations", "logprobs", "parsed", "prompt_cache_breakpoint"])?;
    if part.get("annotations").is_some_and(|annotations| !is_empty(annotations)) {
        scope.ignored(path.key("annotations"))?;
    }
    let text_path = path.key(key);
    let text = text_path.text(text_path.required(part)?)?;
    let mark = cache::mark(part, path)?;
    let mut block = text_block(text);
    match &mut block {
        Some(block) => block.cache = mark,
        None if mark.is_some() => scope.dropped(path.key("prompt_cache_breakpoint"))?,
        None => {}
    }
    Ok(block)
}

/// Which of several names for the same thing was given; it must be one.
fn one_of<'j, 'c>(
    part: &'j Object<'c>,
    names: &[&'static str],
    path: &Path<'_>,
) -> Result<(&'static str, &'j Json<'c>), InvalidRequest> {
    let mut given = names.iter().filter_map(|name| Some((*name, part.given(name)?)));
    let Some(first) = given.next() else {
        let missing = path.key(names[0]).missing();
        return Err(InvalidRequest {
            message: format!("`{}` is missing: a part needs one of {}", path.key(names[0]), names.join(", ")),
            ..missing
        });
    };
    match given.next() {
        None => Ok(first),
        Some((second, _)) => {
            let what = format!("and `{}` cannot be used together", first.0);
            Err(path.key(second).refuse(InvalidCode::ConflictingParameters, what))
        }
    }
}

fn image<'c>(part: &Object<'c>, path: &Path<'_>, scope: &mut Scope) -> Result<Body<'c>, InvalidRequest> {
    path.only(part, &["type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"])?;
    if let Some(detail) = part.given("detail") {
        check_detail(detail, &path.key("detail"), scope)?;
    }
    let (name, value) = one_of(part, &["image_url", "file_id"], path)?;
    let value_path = path.key(name);
    let text = value_path.text(value)?;
    if name == "file_id" {
        let body = files::block_body(&text.decode(), false, &value_path, scope)?;
        return match body {
            Body::Image(_) => Ok(body),
            _ => Err(value_path.refuse(InvalidCode::InvalidValue, "names a file that is no image")),
        };
    }
    let url = text.decode();
    if media::is_data_url(&url) {
        let data_url = media::data_url(url, &value_path)?;
        let declared = media::declared_inline(&data_url.media_type);
        media::block_body(data_url.payload, declared, None, path, &value_path, scope)
    } else if media::has_scheme(&url, "https:") {
        Ok(Body::Image(Source::Url(Str::from(text))))
    } else {
        Err(value_path.refuse(InvalidCode::InvalidValue, "must be an https URL or a data URL"))
    }
}

fn file<'c>(
    part: &Object<'c>,
    code_runs: bool,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Body<'c>, InvalidRequest> {
    path.only(
        part,
        &["type", "file_data", "file_url", "file_id", "filename", "detail", "prompt_cache_breakpoint"],
    )?;
    if let Some(detail) = part.given("detail") {
        check_detail(detail, &path.key("detail"), scope)?;
    }
    let name_path = path.key("filename");
    let filename = part.given("filename").map(|name| name_path.text(name)).transpose()?;
    let title = filename.filter(|name| !name.is_blank());
    let (name, value) = one_of(part, &["file_data", "file_url", "file_id"], path)?;
    let value_path = path.key(name);
    let text = value_path.text(value)?;
    match name {
        "file_id" => files::block_body(&text.decode(), code_runs, &value_path, scope),
        "file_url" if media::has_scheme(&text.decode(), "https:") => {
            let (source, title) = (Source::Url(Str::from(text)), title.map(Str::from));
            Ok(Body::Document { source, title })
        }
        "file_url" => Err(value_path.refuse(InvalidCode::InvalidValue, "must be an https URL")),
        _ => {
            let body = file_data(text, title, path, &value_path, scope)?;
            if title.is_some() && matches!(body, Body::Image(_)) {
                scope.ignored(name_path)?;
            }
            Ok(body)
        }
    }
}

fn file_data<'c>(
    data: Text<'c>,
    title: Option<Text<'c>>,
    path: &Path<'_>,
    data_path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Body<'c>, InvalidRequest> {
    let data = data.decode();
    let (media_type, payload) = if media::is_data_url(&data) {
        let data_url = media::data_url(data, data_path)?;
        (data_url.media_type, data_url.payload)
    } else {
        (String::new(), media::Payload::Base64(data))
    };
    let declared = media::declared_file(&media_type, title.map(Text::decode).as_deref());
    media::block_body(payload, declared, title.map(Str::from), path, data_path, scope)
}
