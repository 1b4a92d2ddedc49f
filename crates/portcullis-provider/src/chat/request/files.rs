//! Files that a part names by id.
//!
//! Ids at the upstream hold for a whole workspace there, which several tenants may share. So only files of the table that
//! comes with the target are named, by the ids their owner knows.
//!
//! | media type | block |
//! |---|---|
//! | an image the upstream reads | image |
//! | PDF, text | document, with the file's name as its title |
//! | anything else | a file in the container, where code can read it; without code, refused |

use std::borrow::Cow;

use super::block::{Body, Source};
use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;

/// The block for a file.
///
/// - `id`: the client's.
/// - `code_runs`: the request has a tool that runs code.
/// - `path`: the id, for refusals.
pub(crate) fn block_body<'a>(
    id: &str,
    code_runs: bool,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Body<'a>, InvalidRequest> {
    let Some(file) = scope.files.get(id) else {
        return Err(path.refuse(InvalidCode::InvalidValue, "names no file that you have uploaded"));
    };
    scope.beta("files-api-2025-04-14");
    let upstream_id = Cow::Owned(file.upstream_id.clone());
    let essence = file.mime_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" => Ok(Body::Image(Source::File(upstream_id))),
        "application/pdf" | "text/plain" => {
            let title = Some(Str::from(file.filename.clone()));
            Ok(Body::Document { source: Source::File(upstream_id), title })
        }
        _ if code_runs => Ok(Body::ContainerUpload(upstream_id)),
        _ => {
            let what = "names a file that is neither an image, a PDF nor plain text; only a tool that runs code could read it";
            Err(path.refuse(InvalidCode::UnsupportedValue, what))
        }
    }
}
