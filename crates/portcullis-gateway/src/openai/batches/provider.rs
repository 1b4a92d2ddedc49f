//! Which provider a batch goes to: one for all of its lines.
//!
//! A header names it, or the lines do (`@slug/model`), or it is the only one of the workspace that has batches. Lines that
//! lead to two providers are refused: an upstream batch is one account's, and half of it elsewhere would be half a batch.

use std::sync::Arc;

use portcullis_catalog::{ResolvedProvider, Snapshot};
use portcullis_provider::openai_batch::LineError;
use portcullis_types::{Feature, ModelRef, Slug, TenantWorkspaceId};

/// What the lines say of it, as they come.
pub(super) struct ProviderOfLines {
    header: Option<Slug>,
    named: Option<(Slug, u64)>,
    /// The first line without a slug.
    unnamed: Option<u64>,
    model: SameModel,
}

/// The model, as long as all lines name the same one.
enum SameModel {
    Unknown,
    One(String),
    Several,
}

impl ProviderOfLines {
    pub(super) const fn new(header: Option<Slug>) -> Self {
        Self { header, named: None, unnamed: None, model: SameModel::Unknown }
    }

    /// Takes note of a line's model. One that is missing or none at all is the line's own mistake, told in the error file.
    ///
    /// - `number`: counted from 1.
    ///
    /// # Errors
    /// It leads to another provider than the lines before it.
    pub(super) fn note(&mut self, model: Option<&str>, number: u64) -> Result<(), LineError> {
        let Some(Ok(ModelRef { provider, model })) = model.map(str::parse) else { return Ok(()) };
        self.note_model(model.as_str());
        match (&self.header, provider, &self.named) {
            (Some(_), ..) => Ok(()),
            (None, None, _) => {
                self.unnamed.get_or_insert(number);
                Ok(())
            }
            (None, Some(slug), Some((first, line))) if slug != *first => {
                let message = format!(
                    "all lines must lead to one provider: this one leads to `@{slug}`, line {line} to `@{first}`"
                );
                Err(LineError::at(number, "provider_mismatch", message).of("body.model"))
            }
            (None, Some(slug), _) => {
                self.named.get_or_insert((slug, number));
                Ok(())
            }
        }
    }

    fn note_model(&mut self, model: &str) {
        match &self.model {
            SameModel::Unknown => self.model = SameModel::One(model.to_owned()),
            SameModel::One(same) if same != model => self.model = SameModel::Several,
            SameModel::One(_) | SameModel::Several => {}
        }
    }

    /// The model, if all lines named the same one.
    pub(super) fn model(&self) -> Option<String> {
        if let SameModel::One(model) = &self.model { Some(model.clone()) } else { None }
    }

    /// The provider, with batches enabled.
    ///
    /// # Errors
    /// There is none, or it is not clear which one.
    pub(super) fn resolve(
        &self,
        snapshot: &Snapshot,
        workspace: TenantWorkspaceId,
    ) -> Result<Arc<ResolvedProvider>, LineError> {
        let named = self.header.as_ref().map(|slug| (slug, None));
        let named = named.or(self.named.as_ref().map(|(slug, line)| (slug, Some(*line))));
        let provider = match named {
            Some((slug, line)) => find(snapshot, workspace, slug, line)?,
            None => only_one(snapshot, workspace)?,
        };
        if let (None, Some(_), Some(line)) = (&self.header, &self.named, self.unnamed) {
            let other = only_one(snapshot, workspace).ok();
            if other.is_none_or(|other| other.provider_id != provider.provider_id) {
                let slug = &provider.provider_slug;
                let message = format!(
                    "the model names no provider, and other lines lead to `@{slug}`: write it as `@{slug}/model`"
                );
                return Err(LineError::at(line, "missing_provider", message).of("body.model"));
            }
        }
        with_batches(provider)
    }
}

fn find(
    snapshot: &Snapshot,
    workspace: TenantWorkspaceId,
    slug: &Slug,
    line: Option<u64>,
) -> Result<Arc<ResolvedProvider>, LineError> {
    snapshot.provider(workspace, slug).map(Arc::clone).ok_or_else(|| {
        let message = format!("there is no provider `@{slug}` in the key's workspace");
        match line {
            Some(line) => LineError::at(line, "unknown_provider", message).of("body.model"),
            None => LineError::file("unknown_provider", message),
        }
    })
}

fn only_one(snapshot: &Snapshot, workspace: TenantWorkspaceId) -> Result<Arc<ResolvedProvider>, LineError> {
    let mut with =
        snapshot.providers(workspace).filter(|one| one.platform.features.contains(Feature::Batches));
    match (with.next(), with.next()) {
        (Some(only), None) => Ok(Arc::clone(only)),
        (None, _) => {
            let message = "no provider of the workspace has the feature `batches`";
            Err(LineError::file("feature_not_enabled", message))
        }
        (Some(_), Some(_)) => {
            let message = "no provider is named: write the models as `@provider/model`, or send `x-portkey-provider: @provider`";
            Err(LineError::file("missing_provider", message))
        }
    }
}

fn with_batches(provider: Arc<ResolvedProvider>) -> Result<Arc<ResolvedProvider>, LineError> {
    if provider.platform.features.contains(Feature::Batches) {
        return Ok(provider);
    }
    let integration = &provider.integration_slug;
    let message = format!(
        "`batches` is not enabled for the integration `{integration}`: whoever administers it adds it to its `features`"
    );
    Err(LineError::file("feature_not_enabled", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&str>, models: &[&str]) -> Result<(Option<String>, Option<String>), LineError> {
        let mut lines = ProviderOfLines::new(header.map(|slug| slug.parse().unwrap()));
        for (number, model) in (1..).zip(models) {
            lines.note(Some(model), number)?;
        }
        Ok((lines.named.as_ref().map(|(slug, _)| slug.to_string()), lines.model()))
    }

    #[test]
    fn lines_lead_to_one_provider() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(check(None, &["@a/m", "@a/m"]), Ok((some("a"), some("m"))));
        assert_eq!(check(None, &["@a/m", "@a/n", "@a/m"]), Ok((some("a"), None)));
        assert_eq!(check(Some("a"), &["@b/m", "m"]), Ok((None, some("m"))));
        // What is no model is the line's own mistake.
        assert_eq!(check(None, &["", "@a/m", "@a"]), Ok((some("a"), some("m"))));
        let error = check(None, &["@a/m", "n", "@b/m"]).unwrap_err();
        assert_eq!(
            (error.code.as_ref(), error.line, error.param.as_deref()),
            ("provider_mismatch", Some(3), Some("body.model"))
        );
    }
}
