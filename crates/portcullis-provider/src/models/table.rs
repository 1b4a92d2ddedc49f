//! All models that are known, and the look-ups by id.

use std::sync::LazyLock;

use portcullis_types::ModelId;

use super::fields::InvalidModelTable;
use super::lifecycle::Day;
use super::price::ExtraCharges;
use super::read::FactsFile;
use super::row::Model;

static SEED: &str = include_str!("claude-models.json");

static EMBEDDED: LazyLock<ModelTable> = LazyLock::new(|| {
    FactsFile::parse(SEED.as_bytes())
        .and_then(FactsFile::into_table)
        .expect("the file is embedded, and the test `every_row_is_sound` reads it")
});

/// Facts about models: the embedded ones, with an operator's over them if there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTable {
    pub(super) models: Vec<Model>,
    pub(super) retired: Vec<RetiredModel>,
    pub(super) extra_charges: ExtraCharges,
}

/// A model that is gone, and of which nothing else needs to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredModel {
    /// The id.
    pub id: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// `opus`, `sonnet`, …
    pub family: String,
    /// The day it was switched off.
    pub retired_on: Day,
    /// The id of the model that its makers recommend instead.
    pub recommended_replacement: Option<String>,
}

impl Default for ModelTable {
    fn default() -> Self {
        Self::embedded().clone()
    }
}

impl ModelTable {
    /// The table that this version was built with.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// The embedded table with the rows of an operator's file over its own.
    ///
    /// - `json`: `{"models": [{"id": …, field: value, …}], "retired": […], "extra_charges": {…}}`, each part optional.
    ///   Fields that a row does not say keep the embedded value; a null takes it away. A new id is a new row, which says
    ///   every field or names a row it is `"like"`.
    ///
    /// # Errors
    /// Names the row and the field.
    pub fn with_overlay(json: &[u8]) -> Result<Self, InvalidModelTable> {
        FactsFile::parse(SEED.as_bytes())?.under(FactsFile::parse(json)?)?.into_table()
    }

    /// Every model that has a row, older generations first, then those an operator added.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Models that are gone.
    #[must_use]
    pub fn retired(&self) -> &[RetiredModel] {
        &self.retired
    }

    /// What is charged beside tokens.
    #[must_use]
    pub fn extra_charges(&self) -> &ExtraCharges {
        &self.extra_charges
    }

    /// The row of a model, by its id with or without the date of a snapshot; none for a model the table does not know.
    #[must_use]
    pub fn find(&self, model: &ModelId) -> Option<&Model> {
        let id = model.as_str();
        let exact = self.models.iter().find(|row| row.is_called(id));
        exact.or_else(|| {
            let undated = without_date(id)?;
            self.models.iter().find(|row| row.id == undated)
        })
    }

    /// The row of a model that is gone, by any of its ids. A model that has a row of its own is not.
    #[must_use]
    pub fn find_retired(&self, model: &ModelId) -> Option<&RetiredModel> {
        let id = model.as_str();
        if self.find(model).is_some() {
            return None;
        }
        self.retired.iter().find(|row| row.id == id || row.aliases.iter().any(|alias| alias == id))
    }

    /// The largest `max_tokens` that every model of the table accepts.
    pub(super) fn smallest_max_output(&self) -> u64 {
        self.models.iter().map(|row| row.max_output_tokens).min().unwrap_or_default()
    }
}

/// `claude-x-20260102` is a snapshot of `claude-x`.
fn without_date(id: &str) -> Option<&str> {
    let (name, date) = id.rsplit_once('-')?;
    (date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}
