//! Prompt caching: OpenAI's breakpoints and Anthropic's own marks.
//!
//! | request | what is sent |
//! |---|---|
//! | `cache_control` on a part, message, tool or tool call | the same, verbatim; a message's goes on its last block |
//! | `prompt_cache_breakpoint: {mode: "explicit"}` on a part | `cache_control` on that block |
//! | `ttl: "30m"` | `ttl: "1h"`, the smallest that is long enough |
//! | more than four breakpoints | the latest four in prompt order, as OpenAI documents it; three beside implicit mode |
//! | `prompt_cache_options.mode: "implicit"` | the top-level `cache_control` |

use super::block::{Block, Body, Cache};
use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object};

/// How many marks a request may hold.
const MARKS: usize = 4;

/// The mark on an object of the request, if it has one.
pub(crate) fn mark<'a>(object: &Object<'a>, path: &Path<'_>) -> Result<Option<Cache<'a>>, InvalidRequest> {
    let native = control(object, path)?;
    let Some(breakpoint) = object.given("prompt_cache_breakpoint") else { return Ok(native) };
    let path = path.key("prompt_cache_breakpoint");
    if native.is_some() {
        return Err(
            path.refuse(InvalidCode::ConflictingParameters, "and `cache_control` mark the same place")
        );
    }
    let breakpoint = path.object(breakpoint)?;
    path.only(breakpoint, &["mode", "ttl"])?;
    let mode = path.key("mode");
    let value = mode.required(breakpoint)?;
    if &mode.text(value)? != "explicit" {
        return Err(mode.refuse(InvalidCode::InvalidValue, "must be \"explicit\""));
    }
    Ok(Some(Cache::Breakpoint { one_hour: ttl(breakpoint, &path)? }))
}

/// `cache_control` as it was written.
pub(crate) fn control<'a>(object: &Object<'a>, path: &Path<'_>) -> Result<Option<Cache<'a>>, InvalidRequest> {
    let Some(control) = object.given("cache_control") else { return Ok(None) };
    Ok(Some(Cache::Native(path.key("cache_control").object(control)?.raw)))
}

/// Whether a `ttl` asks for the long one.
fn ttl(object: &Object<'_>, path: &Path<'_>) -> Result<bool, InvalidRequest> {
    let path = path.key("ttl");
    let Some(ttl) = object.given("ttl") else { return Ok(false) };
    if &path.text(ttl)? == "30m" {
        return Ok(true);
    }
    Err(path.refuse(InvalidCode::UnsupportedValue, "is longer than any cache here lives; supported: \"30m\""))
}

/// Puts a message's own mark on its last block that can bear one.
pub(crate) fn mark_last<'a>(
    blocks: &mut [Block<'a>],
    mark: Option<Cache<'a>>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    let Some(mark) = mark else { return Ok(()) };
    let thinking =
        |block: &&mut Block<'_>| matches!(block.body, Body::Thinking { .. } | Body::RedactedThinking { .. });
    match blocks.iter_mut().rev().find(|block| !thinking(block)) {
        Some(last) if last.takes_cache() => last.cache = Some(mark),
        _ => scope.dropped(path.key("cache_control"))?,
    }
    Ok(())
}

/// `prompt_cache_options`: the top-level mark of implicit mode.
pub(crate) fn options<'a>(options: &Json<'a>, path: &Path<'_>) -> Result<Option<Cache<'a>>, InvalidRequest> {
    let options = path.object(options)?;
    path.only(options, &["mode", "ttl"])?;
    let one_hour = ttl(options, path)?;
    let Some(mode) = options.given("mode") else { return Ok(Some(Cache::Breakpoint { one_hour })) };
    let mode_path = path.key("mode");
    let mode = mode_path.text(mode)?;
    if &mode == "implicit" {
        Ok(Some(Cache::Breakpoint { one_hour }))
    } else if &mode == "explicit" {
        Ok(None)
    } else {
        Err(mode_path.refuse(InvalidCode::InvalidValue, "must be \"implicit\" or \"explicit\""))
    }
}

/// Keeps the latest breakpoints in prompt order, as many as a request may hold.
pub(crate) fn keep_latest<'b, 'a: 'b>(blocks: impl Iterator<Item = &'b mut Block<'a>>, implicit: bool) {
    let mut marked = Vec::new();
    for block in blocks {
        if matches!(block.cache, Some(Cache::Breakpoint { .. })) {
            marked.push(&mut block.cache);
        } else if let Body::ToolResult { content, .. } = &mut block.body {
            let inner = content.iter_mut().map(|block| &mut block.cache);
            marked.extend(inner.filter(|cache| matches!(cache, Some(Cache::Breakpoint { .. }))));
        }
    }
    let surplus = marked.len().saturating_sub(MARKS - usize::from(implicit));
    marked.into_iter().take(surplus).for_each(|cache| *cache = None);
}
