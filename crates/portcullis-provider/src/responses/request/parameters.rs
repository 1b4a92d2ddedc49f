//! The parameters themselves, and those that are about the request as a whole.
//!
//! | parameter | rule |
//! |---|---|
//! | `instructions` | the first system block; holds for this request only |
//! | `max_output_tokens` | `max_tokens`; none means the model's largest |
//! | `prompt_cache_options` | `implicit` marks the whole prompt; `prewarm` asks for no answer (`max_tokens: 0`) |
//! | `prompt_cache_options.comparison_response_id` | ignored, reported |
//! | `prompt_cache_key`, `prompt_cache_retention`, `truncation: "auto"`, `stream_options.include_obfuscation` | ignored, reported |
//! | `truncation: "disabled"` | what happens anyway |
//! | `top_logprobs` | 0 only |
//! | `background: true`, `background_options`, `prompt`, `moderation`, `access_programs`, `image`, `conversation` | refused |
//! | `store`, `previous_response_id` | the caller's, who has the store |

use crate::chat::request::block::{Block, Cache};
use crate::chat::request::cache;
use crate::chat::request::content;
use crate::chat::request::path::Path;
use crate::chat::request::sampling::MaxTokens;
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object};
use crate::openai;

pub(super) fn is_known(name: &str) -> bool {
    openai::RESPONSES_PARAMETERS.contains(&name)
}

/// Parameters for what no Claude model does, or this gateway.
pub(super) fn refused(request: &Object<'_>) -> Result<(), InvalidRequest> {
    if let Some(background) = request.given("background") {
        let path = Path::root("background");
        if path.boolean(background)? {
            let what = "must be false: this gateway answers while the client waits";
            return Err(path.refuse(InvalidCode::UnsupportedValue, what));
        }
    }
    for (name, what) in [
        ("background_options", "is not supported: this gateway answers while the client waits"),
        ("prompt", "is not supported: this gateway keeps no prompt templates; send their text"),
        ("moderation", "is not supported: this gateway cannot keep what it promises"),
        ("access_programs", "is not supported by this model provider"),
        ("image", "is not supported by this model provider"),
        ("conversation", "is not supported: use `previous_response_id`, or send the whole input"),
    ] {
        if request.given(name).is_some() {
            return Err(Path::root(name).refuse(InvalidCode::UnsupportedParameter, what));
        }
    }
    if let Some(count) = request.given("top_logprobs") {
        let path = Path::root("top_logprobs");
        if path.count(count)? > 0 {
            return Err(path.refuse(InvalidCode::UnsupportedParameter, "is not supported by this model"));
        }
    }
    Ok(())
}

/// The first system block.
pub(super) fn instructions<'c>(request: &Object<'c>) -> Result<Option<Block<'c>>, InvalidRequest> {
    let Some(instructions) = request.given("instructions") else { return Ok(None) };
    Ok(content::text_block(Path::root("instructions").text(instructions)?))
}

/// `prompt_cache_options`.
#[derive(Debug, Default)]
pub(super) struct CacheOptions<'c> {
    /// The mark for the whole prompt.
    pub(super) mark: Option<Cache<'c>>,
    /// The prompt is to be read into the cache, and not to be answered.
    pub(super) prewarm: bool,
}

pub(super) fn cache<'c>(request: &Object<'c>, scope: &mut Scope) -> Result<CacheOptions<'c>, InvalidRequest> {
    let Some(options) = request.given("prompt_cache_options") else { return Ok(CacheOptions::default()) };
    let path = Path::root("prompt_cache_options");
    let options = path.object(options)?;
    let prewarm = options.given("prewarm").map(|flag| path.key("prewarm").boolean(flag)).transpose()?;
    if let Some(id) = options.given("comparison_response_id") {
        let path = path.key("comparison_response_id");
        path.text(id)?;
        scope.ignored(path)?;
    }
    let rest = without(options, &["prewarm", "comparison_response_id"]);
    let mark = cache::options(&Json::Object(rest), &path)?;
    Ok(CacheOptions { mark, prewarm: prewarm.unwrap_or(false) })
}

/// The same object without these members, for a rule that does not know them.
pub(super) fn without<'c>(object: &Object<'c>, names: &[&str]) -> Object<'c> {
    let members = object.members.iter().filter(|(key, _)| !names.contains(&key.as_ref()));
    Object { raw: object.raw, members: members.cloned().collect() }
}

/// The limit on the answer's tokens.
pub(super) fn max_tokens(
    request: &Object<'_>,
    cache: &CacheOptions<'_>,
    scope: &Scope,
) -> Result<MaxTokens, InvalidRequest> {
    let field = "max_output_tokens";
    let given = request.given(field).map(|limit| Path::root(field).count(limit)).transpose()?;
    Ok(match given {
        _ if cache.prewarm => MaxTokens { value: 0, defaulted: false, field },
        Some(value) => MaxTokens { value, defaulted: false, field },
        None => MaxTokens::largest(field, scope),
    })
}

/// Parameters that change nothing in what a correct client sees.
pub(super) fn ignored(request: &Object<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    for name in ["prompt_cache_key", "prompt_cache_retention"] {
        if let Some(value) = request.given(name) {
            let path = Path::root(name);
            path.text(value)?;
            scope.ignored(path)?;
        }
    }
    if let Some(truncation) = request.given("truncation") {
        let path = Path::root("truncation");
        match path.text(truncation)?.decode().as_ref() {
            "disabled" => {}
            // Nothing is cut: a conversation that is too long is refused, and says so.
            "auto" => scope.ignored(path)?,
            _ => return Err(path.refuse(InvalidCode::InvalidValue, "must be \"auto\" or \"disabled\"")),
        }
    }
    stream_options(request, scope)
}

fn stream_options(request: &Object<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    let Some(options) = request.given("stream_options") else { return Ok(()) };
    let path = Path::root("stream_options");
    if request.given("stream") != Some(&Json::Bool(true)) {
        return Err(path.refuse(InvalidCode::InvalidValue, "is only allowed when `stream` is true"));
    }
    let options = path.object(options)?;
    path.only(options, &["include_obfuscation"])?;
    let path = path.key("include_obfuscation");
    let obfuscate = options.given("include_obfuscation").map(|flag| path.boolean(flag)).transpose()?;
    if obfuscate == Some(true) { scope.ignored(path) } else { Ok(()) }
}
