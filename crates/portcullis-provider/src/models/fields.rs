//! Reading one object of the facts file, so that an error names the row and the field.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Why a facts file cannot be used. The text names the row and the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModelTable {
    /// It is no JSON, or no JSON object.
    #[error("the file must be a JSON object: {0}")]
    Json(String),
    /// A field of the file itself is wrong.
    #[error("field `{field}`: {reason}")]
    File {
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field of a row is wrong.
    #[error("row `{row}`, field `{field}`: {reason}")]
    Row {
        /// The row's id; its place in the file if it has none.
        row: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The fields of one object that have not been read yet.
pub(super) struct Fields {
    /// None for the file itself.
    row: Option<String>,
    map: Map<String, Value>,
}

impl Fields {
    /// The file.
    pub(super) fn of_file(map: Map<String, Value>) -> Self {
        Self { row: None, map }
    }

    /// A row.
    pub(super) fn of_row(row: &str, map: Map<String, Value>) -> Self {
        Self { row: Some(row.to_owned()), map }
    }

    /// A field that may be absent; null means that it is.
    pub(super) fn optional<T: DeserializeOwned>(
        &mut self,
        field: &str,
    ) -> Result<Option<T>, InvalidModelTable> {
        match self.map.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match serde_json::from_value(value) {
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(self.refuse(field, error)),
            },
        }
    }

    /// A field that must be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, InvalidModelTable> {
        let value = self.optional(field)?;
        value.ok_or_else(|| self.refuse(field, "is missing; a new row may take it from another with `like`"))
    }

    /// Every field was read.
    pub(super) fn finish(self) -> Result<(), InvalidModelTable> {
        match self.map.keys().next() {
            Some(field) => Err(self.refuse(field, "no such field is known")),
            None => Ok(()),
        }
    }

    /// The error for a field.
    pub(super) fn refuse(&self, field: &str, reason: impl ToString) -> InvalidModelTable {
        let (field, reason) = (field.to_owned(), reason.to_string());
        match &self.row {
            Some(row) => InvalidModelTable::Row { row: row.clone(), field, reason },
            None => InvalidModelTable::File { field, reason },
        }
    }
}
