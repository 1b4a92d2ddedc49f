//! Sampling and length.
//!
//! | parameter | rule |
//! |---|---|
//! | `max_completion_tokens`, `max_tokens` | `max_tokens`; different values conflict; none means the model's largest |
//! | `temperature`, `top_p` on a model that takes them | 0 to 1; not both, so one that is 1 is left out |
//! | the same on a model that takes the default only | 1 is left out; else refused, or ignored if the route says so |
//! | `top_k` | passes where sampling does |
//! | `temperature` other than 1, `top_p` below 0.95 or `top_k` while thinking | conflict |
//! | `stop` | `stop_sequences`; blank ones are refused |
//! | `n`, penalties, `logit_bias`, `logprobs`, `top_logprobs` | their defaults pass, else refused |
//! | `seed` | ignored, reported: OpenAI promises best effort only |

use portcullis_types::SamplingPolicy;

use super::path::Path;
use super::reasoning::Reasoning;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object, Text};
use crate::models::{self, Sampling};

/// The answer's length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxTokens {
    pub(crate) value: u64,
    pub(crate) defaulted: bool,
    /// The client's name for it.
    pub(crate) field: &'static str,
}

impl MaxTokens {
    /// The limit of a request that names none: the model's largest, as far as the route allows it.
    pub(crate) fn largest(field: &'static str, scope: &Scope) -> Self {
        let value = models::default_max_tokens(scope.model);
        let value = scope.options.max_tokens_cap.map_or(value, |cap| value.min(cap.get()));
        Self { value, defaulted: true, field }
    }
}

/// The limit on the answer's tokens.
pub(crate) fn max_tokens(request: &Object<'_>, scope: &Scope) -> Result<MaxTokens, InvalidRequest> {
    let read = |field: &'static str| -> Result<Option<MaxTokens>, InvalidRequest> {
        let value = request.given(field).map(|value| Path::root(field).count(value)).transpose()?;
        Ok(value.map(|value| MaxTokens { value, defaulted: false, field }))
    };
    match (read("max_completion_tokens")?, read("max_tokens")?) {
        (Some(new), Some(old)) if new.value != old.value => {
            let what = "and `max_completion_tokens` say different things";
            Err(Path::root("max_tokens").refuse(InvalidCode::ConflictingParameters, what))
        }
        (Some(given), _) | (None, Some(given)) => Ok(given),
        (None, None) => Ok(MaxTokens::largest("max_completion_tokens", scope)),
    }
}

/// Sampling parameters on their way out, with the text of their numbers.
pub(crate) type Parameters<'a> = Vec<(&'static str, &'a str)>;

/// `temperature`, `top_p` and `top_k`.
pub(crate) fn parameters<'a>(
    request: &Object<'a>,
    reasoning: &Reasoning<'a>,
    scope: &mut Scope,
) -> Result<Parameters<'a>, InvalidRequest> {
    let mut given = Vec::new();
    for name in ["temperature", "top_p", "top_k"] {
        if let Some(value) = request.given(name) {
            given.push((name, Path::root(name).number(value)?, value.raw()));
        }
    }
    match scope.model.map(|model| model.sampling) {
        Some(Sampling::DefaultOnly) => default_only(&given, scope)?,
        sampling => return accepted(given, sampling, reasoning),
    }
    Ok(Vec::new())
}

fn default_only(given: &[(&'static str, f64, &str)], scope: &mut Scope) -> Result<(), InvalidRequest> {
    for (name, value, _) in given {
        if *name != "top_k" && *value == 1.0 {
            continue;
        }
        if scope.options.sampling == SamplingPolicy::Report {
            scope.ignored(name)?;
            continue;
        }
        let path = Path::root(name);
        return Err(if *name == "top_k" {
            path.refuse(InvalidCode::UnsupportedParameter, "is not supported by this model")
        } else {
            path.refuse(
                InvalidCode::UnsupportedValue,
                "is not supported by this model: only the default (1) is supported",
            )
        });
    }
    Ok(())
}

fn accepted<'a>(
    mut given: Vec<(&'static str, f64, &'a str)>,
    sampling: Option<Sampling>,
    reasoning: &Reasoning<'a>,
) -> Result<Parameters<'a>, InvalidRequest> {
    for (name, value, _) in given.iter().filter(|(name, ..)| *name != "top_k") {
        if !(0.0..=1.0).contains(value) {
            return Err(Path::root(name).refuse(InvalidCode::InvalidValue, "must be from 0 to 1"));
        }
    }
    let both = given.iter().filter(|(name, ..)| *name != "top_k").count() == 2;
    if both && sampling == Some(Sampling::OneOfTwo) {
        given.retain(|(name, value, _)| *name == "top_k" || *value != 1.0);
        if given.iter().filter(|(name, ..)| *name != "top_k").count() == 2 {
            let what = "and `temperature` cannot be used together with this model";
            return Err(Path::root("top_p").refuse(InvalidCode::ConflictingParameters, what));
        }
    }
    if reasoning.thinks() && sampling.is_some() {
        let clash = given.iter().find(|(name, value, _)| match *name {
            "temperature" => *value != 1.0,
            "top_p" => *value < 0.95,
            _ => true,
        });
        if let Some((name, ..)) = clash {
            let what = "cannot have this value while the model thinks";
            return Err(Path::root(name).refuse(InvalidCode::ConflictingParameters, what));
        }
    }
    Ok(given.into_iter().map(|(name, _, raw)| (name, raw)).collect())
}

/// `stop`.
pub(crate) fn stop<'a>(request: &Object<'a>) -> Result<Vec<Text<'a>>, InvalidRequest> {
    let path = Path::root("stop");
    let check = |text: Text<'a>, path: &Path<'_>| {
        if text.is_blank() {
            return Err(path.refuse(InvalidCode::InvalidValue, "must hold more than white space"));
        }
        Ok(text)
    };
    match request.given("stop") {
        None => Ok(Vec::new()),
        Some(Json::String(text)) => Ok(vec![check(*text, &path)?]),
        Some(Json::Array(list)) => {
            let items = list.items.iter().enumerate();
            items
                .map(|(index, item)| {
                    let path = path.index(index);
                    check(path.text(item)?, &path)
                })
                .collect()
        }
        Some(other) => Err(path.wrong_type("a string or an array of strings", other)),
    }
}

/// Parameters that only have one value here.
pub(crate) fn fixed(request: &Object<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    if let Some(n) = request.given("n") {
        let path = Path::root("n");
        if path.number(n)? != 1.0 {
            return Err(path.refuse(InvalidCode::UnsupportedValue, "must be 1: a model gives one answer"));
        }
    }
    if let Some(seed) = request.given("seed") {
        let path = Path::root("seed");
        path.number(seed)?;
        scope.ignored(path)?;
    }
    for name in ["presence_penalty", "frequency_penalty"] {
        let path = Path::root(name);
        if let Some(value) = request.given(name)
            && path.number(value)? != 0.0
        {
            return Err(
                path.refuse(InvalidCode::UnsupportedValue, "is not supported by this model: only 0 is")
            );
        }
    }
    if let Some(bias) = request.given("logit_bias") {
        let path = Path::root("logit_bias");
        if !path.object(bias)?.members.is_empty() {
            return Err(path.refuse(InvalidCode::UnsupportedParameter, "is not supported by this model"));
        }
    }
    if let Some(logprobs) = request.given("logprobs") {
        let path = Path::root("logprobs");
        if path.boolean(logprobs)? {
            return Err(path.refuse(InvalidCode::UnsupportedParameter, "is not supported by this model"));
        }
    }
    if request.given("top_logprobs").is_some() {
        let path = Path::root("top_logprobs");
        return Err(path.refuse(InvalidCode::UnsupportedParameter, "is not supported by this model"));
    }
    Ok(())
}
