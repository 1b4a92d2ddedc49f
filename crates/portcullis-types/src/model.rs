//! How a caller addresses a model.

use crate::parsed::{fits, parsed_string};
use crate::slug::{InvalidSlug, Slug};

/// Why a string is no [`ModelId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a model id is 1 to 256 characters of a-z, A-Z, 0-9 and `._:/@-`")]
pub struct InvalidModelId;

parsed_string! {
    /// A model's id as the upstream knows it, such as `claude-sonnet-4-6`.
    ///
    /// Shape: 1 to 256 bytes of `[a-zA-Z0-9._:/@-]`, so it is safe in a log line, in a path segment once escaped and
    /// inside a JSON string without escapes.
    ModelId, InvalidModelId, parse
}

fn parse(raw: &str) -> Result<(), InvalidModelId> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:/@-".contains(&b);
    if fits(raw, 1..=256, allowed) { Ok(()) } else { Err(InvalidModelId) }
}

/// A model as clients write it: `@slug/model`, or a bare model when a header names the provider.
///
/// The first `/` separates; the model's own id may hold more of them. `@cf/` and `@hf/` are parts of model names at
/// other vendors, never slugs.
///
/// Source: Portkey's API, "Using Provider Models".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelRef {
    /// The provider's slug, when the text names one.
    pub provider: Option<Slug>,
    /// The model's id at that provider.
    pub model: ModelId,
}

/// Why a string is no [`ModelRef`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModelRef {
    /// `@slug` without a model behind it.
    #[error("`@provider/model` needs a model after the slash")]
    NoModel,
    /// The part between `@` and `/` is no slug.
    #[error("the part between `@` and `/` must be a provider's slug: {0}")]
    Slug(#[from] InvalidSlug),
    /// The model's id is none.
    #[error(transparent)]
    Model(#[from] InvalidModelId),
}

impl std::str::FromStr for ModelRef {
    type Err = InvalidModelRef;

    fn from_str(raw: &str) -> Result<Self, InvalidModelRef> {
        let Some(rest) = raw.strip_prefix('@').filter(|_| !is_vendor_prefix(raw)) else {
            return Ok(Self { provider: None, model: raw.parse()? });
        };
        let (slug, model) = rest.split_once('/').ok_or(InvalidModelRef::NoModel)?;
        if model.is_empty() {
            return Err(InvalidModelRef::NoModel);
        }
        Ok(Self { provider: Some(slug.parse()?), model: model.parse()? })
    }
}

impl std::fmt::Display for ModelRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.provider {
            Some(slug) => write!(f, "@{slug}/{}", self.model),
            None => self.model.fmt(f),
        }
    }
}

fn is_vendor_prefix(raw: &str) -> bool {
    raw.starts_with("@cf/") || raw.starts_with("@hf/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expect: Result<(Option<&str>, &str), InvalidModelRef>) {
        let parsed = raw.parse::<ModelRef>();
        let seen = parsed
            .as_ref()
            .map(|r| (r.provider.as_ref().map(Slug::as_str), r.model.as_str()))
            .map_err(Clone::clone);
        assert_eq!(seen, expect, "{raw:?}");
        if let Ok(model_ref) = &parsed {
            assert_eq!(model_ref.to_string(), raw);
        }
    }

    #[test]
    fn the_first_slash_separates_provider_and_model() {
        check("@claude-aws/claude-sonnet-4-6", Ok((Some("claude-aws"), "claude-sonnet-4-6")));
        check("@aws/vendor/model", Ok((Some("aws"), "vendor/model")));
        check("claude-sonnet-4-6", Ok((None, "claude-sonnet-4-6")));
        check("@cf/meta/llama", Ok((None, "@cf/meta/llama")));
    }

    #[test]
    fn what_is_missing_is_named() {
        check("@claude-aws", Err(InvalidModelRef::NoModel));
        check("@claude-aws/", Err(InvalidModelRef::NoModel));
        check("@/model", Err(InvalidModelRef::Slug(InvalidSlug)));
        check("", Err(InvalidModelRef::Model(InvalidModelId)));
        check("@a/b c", Err(InvalidModelRef::Model(InvalidModelId)));
        check("a\"b", Err(InvalidModelRef::Model(InvalidModelId)));
    }
}
