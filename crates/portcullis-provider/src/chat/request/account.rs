//! Who asks, on which terms, and what is kept: everything that is not about the conversation.
//!
//! | parameter | rule |
//! |---|---|
//! | `safety_identifier`, `user`, `metadata.user_id` | `metadata.user_id`, the first of them; hashed if it tells who somebody is |
//! | `user_profile_id` | the header `anthropic-user-profile-id`, where the upstream wants it |
//! | `metadata` | checked as OpenAI does, not sent, reported |
//! | `store`, `prediction`, `prompt_cache_key`, `prompt_cache_retention` | ignored, reported |
//! | `service_tier` | `auto` or `standard_only`; `flex` is refused |
//! | `modalities`, `audio`, `moderation` | refused unless they ask for nothing |
//! | `stream_options` | only beside `stream: true` |

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object};

/// `metadata.user_id` on its way out.
pub(crate) fn user_id<'a>(
    request: &Object<'a>,
    scope: &mut Scope,
) -> Result<Option<Cow<'a, str>>, InvalidRequest> {
    let metadata_path = Path::root("metadata");
    let metadata = request.given("metadata").map(|metadata| metadata_path.object(metadata)).transpose()?;
    if let Some(metadata) = metadata {
        check_metadata(metadata, &metadata_path)?;
        if metadata.members.iter().any(|(key, _)| key != "user_id") {
            scope.ignored(metadata_path)?;
        }
    }
    let in_metadata = metadata.and_then(|metadata| metadata.given("user_id"));
    let candidates = [
        (Path::root("safety_identifier"), request.given("safety_identifier")),
        (Path::root("user"), request.given("user")),
        (metadata_path.key("user_id"), in_metadata),
    ];
    let mut chosen: Option<Cow<'a, str>> = None;
    for (path, value) in candidates {
        let Some(value) = value else { continue };
        let text = path.text(value)?.decode();
        match &chosen {
            _ if text.is_empty() => {}
            Some(chosen) if *chosen == text => {}
            Some(_) => scope.ignored(path)?,
            None if is_opaque(&text) => chosen = Some(text),
            None => {
                scope.hashed(path)?;
                chosen = Some(Cow::Owned(format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))));
            }
        }
    }
    Ok(chosen)
}

/// `user_profile_id`, which is Anthropic's own and becomes a header.
pub(crate) fn user_profile(request: &Object<'_>) -> Result<Option<String>, InvalidRequest> {
    let Some(profile) = request.given("user_profile_id") else { return Ok(None) };
    let path = Path::root("user_profile_id");
    let profile = path.text(profile)?.decode();
    // Nothing that could end the header, or be trimmed from it.
    let fits = !profile.is_empty() && profile.len() <= 256 && profile.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(Some(profile.into_owned()))
    } else {
        Err(path.refuse(InvalidCode::InvalidValue, "must be the id of a user profile"))
    }
}

fn check_metadata(metadata: &Object<'_>, path: &Path<'_>) -> Result<(), InvalidRequest> {
    if metadata.members.len() > 16 {
        return Err(path.refuse(InvalidCode::InvalidValue, "must not have more than 16 keys"));
    }
    for (key, value) in &metadata.members {
        if key.chars().count() > 64 {
            return Err(
                path.refuse(InvalidCode::InvalidValue, "must not have keys of more than 64 characters")
            );
        }
        let path = path.key(key);
        if path.text(value)?.decode().chars().count() > 512 {
            return Err(path.refuse(InvalidCode::InvalidValue, "must not be longer than 512 characters"));
        }
    }
    Ok(())
}

/// Printable, not too long, and neither an e-mail address nor a telephone number: the upstream refuses those.
fn is_opaque(id: &str) -> bool {
    let printable = id.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    printable && id.len() <= 512 && !is_email(id) && !is_phone(id)
}

fn is_email(id: &str) -> bool {
    id.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
}

fn is_phone(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits) && id.bytes().all(|byte| byte.is_ascii_digit() || b"+ ()-./".contains(&byte))
}

/// Parameters that change nothing in what a correct client sees.
pub(crate) fn ignored(request: &Object<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    if let Some(store) = request.given("store") {
        let path = Path::root("store");
        if path.boolean(store)? {
            scope.ignored(path)?;
        }
    }
    for name in ["prediction", "prompt_cache_key", "prompt_cache_retention"] {
        if request.given(name).is_some() {
            scope.ignored(name)?;
        }
    }
    Ok(())
}

/// Parameters for what no Claude model does.
pub(crate) fn refused(request: &Object<'_>) -> Result<(), InvalidRequest> {
    if let Some(modalities) = request.given("modalities") {
        let path = Path::root("modalities");
        let is_text = |json: &Json<'_>| json.as_text().is_some_and(|text| &text == "text");
        if !path.array(modalities)?.items.iter().all(is_text) {
            return Err(path.refuse(InvalidCode::UnsupportedValue, "must be [\"text\"]"));
        }
    }
    for (name, what) in [
        ("audio", "is not supported: Claude models do not speak"),
        ("moderation", "is not supported: this gateway cannot keep what it promises"),
        ("system", "is not a parameter of chat completions; use a message of role `system`"),
    ] {
        if request.given(name).is_some() {
            return Err(Path::root(name).refuse(InvalidCode::UnsupportedParameter, what));
        }
    }
    Ok(())
}

/// `service_tier` on its way out.
pub(crate) fn service_tier(request: &Object<'_>) -> Result<Option<&'static str>, InvalidRequest> {
    let Some(tier) = request.given("service_tier") else { return Ok(None) };
    let path = Path::root("service_tier");
    match path.text(tier)?.decode().as_ref() {
        // The faster tiers are best effort here; the answer says which tier it was.
        "auto" | "priority" | "fast" | "scale" => Ok(Some("auto")),
        "default" | "standard_only" => Ok(Some("standard_only")),
        _ => Err(path.refuse(
            InvalidCode::UnsupportedValue,
            "must be one of auto, default, priority, fast, scale and standard_only",
        )),
    }
}

/// `stream_options`: whether the client wants the usage at the end.
pub(crate) fn include_usage(
    request: &Object<'_>,
    stream: bool,
    scope: &mut Scope,
) -> Result<bool, InvalidRequest> {
    let Some(options) = request.given("stream_options") else { return Ok(false) };
    let path = Path::root("stream_options");
    if !stream {
        return Err(path.refuse(InvalidCode::InvalidValue, "is only allowed when `stream` is true"));
    }
    let options = path.object(options)?;
    path.only(options, &["include_usage", "include_obfuscation"])?;
    let flag = |name: &str| options.given(name).map(|flag| path.key(name).boolean(flag)).transpose();
    if flag("include_obfuscation")? == Some(true) {
        scope.ignored(path.key("include_obfuscation"))?;
    }
    Ok(flag("include_usage")?.unwrap_or(false))
}
