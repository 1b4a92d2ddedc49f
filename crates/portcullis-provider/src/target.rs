//! Where a translated request goes, and what is known there.

use std::collections::BTreeMap;

use portcullis_types::{ModelId, TranslationOptions};

use crate::models::{self, Model};

/// Where a request goes. The translation reads it; it looks nothing up.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The model's id at the upstream.
    pub model: &'a ModelId,
    /// The model's row. None for a model that no table knows: then no check of ours applies.
    pub facts: Option<&'a Model>,
    /// The files that the request names and the caller may use.
    pub files: &'a KnownFiles,
    /// How to translate what cannot be said exactly.
    pub options: TranslationOptions,
}

static NO_FILES: KnownFiles = KnownFiles(BTreeMap::new());

impl<'a> Target<'a> {
    /// A model of the embedded table, and no files.
    #[must_use]
    pub fn embedded(model: &'a ModelId, options: TranslationOptions) -> Self {
        Self { model, facts: models::find(model), files: &NO_FILES, options }
    }
}

/// Files by the ids that the client knows them by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownFiles(BTreeMap<String, FileReference>);

/// A file at the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReference {
    /// The upstream's id: `file_…`.
    pub upstream_id: String,
    /// The media type that it was uploaded as: `application/pdf`.
    pub mime_type: String,
    /// The name it was uploaded under.
    pub filename: String,
}

impl KnownFiles {
    /// The file that the client calls `id`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&FileReference> {
        self.0.get(id)
    }
}

impl FileReference {
    /// A file that the client knows by the upstream's own id, as it does who uploaded it in Anthropic's dialect; nothing
    /// else is known of it, so that only a part of Anthropic's own can name it.
    #[must_use]
    pub fn at_upstream(upstream_id: impl Into<String>) -> Self {
        Self { upstream_id: upstream_id.into(), mime_type: String::new(), filename: String::new() }
    }
}

impl KnownFiles {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, FileReference)> for KnownFiles {
    fn from_iter<T: IntoIterator<Item = (String, FileReference)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}
