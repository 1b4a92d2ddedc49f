//! Ids of files inside a request: which there are, so that they can be looked up, and what they become in parts of
//! Anthropic's own form, which are otherwise sent as they came.
//!
//! An answer's own blocks, which a client brings back in `content_blocks`, name files that the upstream made; those ids
//! stay. Documents and images there are no answer's, and are looked at like a user's.

use std::borrow::Cow;
use std::collections::HashSet;

use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{self, Json, Object, Text};

/// Every id in a chat completion request, once each, in order. Looks at the shape of parts only, not at their text.
pub(crate) fn of_chat(request: &Object<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    // A body holds a million ids as easily as one, so what was seen is not searched through.
    let mut seen = HashSet::new();
    for message in request.get("messages").and_then(Json::as_array).into_iter().flat_map(|list| &list.items) {
        let Some(message) = message.as_object() else { continue };
        for list in ["content", "content_blocks"] {
            for part in message.get(list).and_then(Json::as_array).into_iter().flat_map(|list| &list.items) {
                let Some(part) = part.as_object().filter(|part| names_files(part)) else { continue };
                let entered = each(part, &Path::root(""), &mut |id, _| {
                    let id = id.decode();
                    if seen.insert(id.clone()) {
                        ids.push(id.into_owned());
                    }
                    Ok(())
                });
                entered.expect("nothing is refused here");
            }
        }
    }
    ids
}

fn names_files(part: &Object<'_>) -> bool {
    const KINDS: [&str; 5] = ["file", "image", "document", "container_upload", "search_result"];
    part.text("type").is_some_and(|kind| KINDS.contains(&kind.decode().as_ref()))
}

/// Calls `visit` with every `file_id` at any depth.
fn each<'a>(
    object: &Object<'a>,
    path: &Path<'_>,
    visit: &mut impl FnMut(Text<'a>, &Path<'_>) -> Result<(), InvalidRequest>,
) -> Result<(), InvalidRequest> {
    for (key, value) in &object.members {
        let path = path.key(key);
        match value {
            Json::String(id) if key == "file_id" => visit(*id, &path)?,
            Json::Object(inner) => each(inner, &path, visit)?,
            Json::Array(list) => {
                for (index, item) in list.items.iter().enumerate() {
                    if let Json::Object(inner) = item {
                        each(inner, &path.index(index), visit)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A part's text with the upstream's ids in place of the client's.
///
/// # Errors
/// It names a file that is not among the known ones.
pub(crate) fn resolved<'a>(
    part: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Cow<'a, str>, InvalidRequest> {
    let mut text = String::new();
    let mut done = 0;
    each(part, path, &mut |id, path| {
        let file = scope.files.get(&id.decode()).ok_or_else(|| unknown(path))?;
        scope.beta("files-api-2025-04-14");
        let start = json::offset_in(part.raw.as_bytes(), id.quoted().as_bytes());
        text.push_str(&part.raw[done..start]);
        text.push_str(&serde_json::Value::from(file.upstream_id.as_str()).to_string());
        done = start + id.quoted().len();
        Ok(())
    })?;
    if done == 0 {
        return Ok(Cow::Borrowed(part.raw));
    }
    text.push_str(&part.raw[done..]);
    Ok(Cow::Owned(text))
}

fn unknown(path: &Path<'_>) -> InvalidRequest {
    path.refuse(InvalidCode::InvalidValue, "names no file that you have uploaded")
}
