//! What can go wrong with the catalog, by what one can do about it.

use std::borrow::Cow;

/// A cause whose type stays inside this crate.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the catalog did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no such row in this organisation (or this workspace). Also said of what belongs to somebody else.
    #[error("there is no such {what}")]
    NotFound {
        /// `organisation`, `workspace`, `integration`, `provider`, `api key`, `file`, `file content`, `batch` or `response`.
        what: &'static str,
    },
    /// A value that must be unique is taken. By whom is not said.
    #[error("the {field} of this {what} is already in use")]
    Conflict {
        /// What was to be written.
        what: &'static str,
        /// The field whose value is taken, such as `slug` or `external_id`.
        field: &'static str,
    },
    /// The row is no longer what the change was decided on. Worth reading again and deciding anew.
    #[error("the {what} was changed by somebody else meanwhile")]
    ChangedMeanwhile {
        /// What was to be changed.
        what: &'static str,
    },
    /// The row cannot go while others refer to it.
    #[error("the {what} is still in use{}", listed(by))]
    InUse {
        /// What was to be deleted.
        what: &'static str,
        /// The slugs of what refers to it.
        by: Vec<String>,
    },
    /// What is to be kept is too long.
    #[error("the {what} is longer than {most} bytes, the most that is kept of one")]
    TooLarge {
        /// What was to be kept.
        what: &'static str,
        /// How many bytes would do.
        most: usize,
    },
    /// The caller gave a value that cannot be taken.
    #[error("{field} {reason}")]
    Invalid {
        /// The field as this crate names it, such as `name` or `external_id`.
        field: &'static str,
        /// A fragment that reads after the field's name: "must be …".
        reason: Cow<'static, str>,
    },
    /// So many external IDs are reserved and unused that no more are.
    #[error(
        "{most} external IDs are reserved already, and no integration has been made with them: make integrations with \
         those, or wait until they are 90 days old, when new ones take their place"
    )]
    TooManyReserved {
        /// How many unused ones there may be.
        most: u32,
    },
    /// The database was written with other encryption keys than those at hand.
    #[error(
        "PORTCULLIS_ENCRYPTION_KEY holds none of the keys this database was written with; \
         give it the earlier key (several are separated by commas, the first one encrypts)"
    )]
    WrongKeyRing,
    /// A row holds what this version cannot read, or a secret that does not open. The operator's to repair.
    #[error("the {what} {id} cannot be read: {reason}")]
    Corrupt {
        /// What the row is.
        what: &'static str,
        /// The row's id.
        id: String,
        /// What is wrong with it. Never the value.
        reason: String,
    },
    /// The database cannot be reached, or does not answer in time. Worth trying again.
    #[error("the database cannot be reached")]
    Unavailable(#[source] BoxError),
    /// The database refused a statement for a reason that is not the caller's.
    #[error("the database failed while {action}")]
    Database {
        /// What was being done, such as "reading the providers".
        action: &'static str,
        /// The database's own words.
        #[source]
        source: BoxError,
    },
    /// The schema could not be brought to this version.
    #[error("the database's schema cannot be brought to this version")]
    Migration(#[source] BoxError),
    /// The file of the embedded database cannot be made or protected.
    #[error("the database file {path} cannot be used")]
    File {
        /// The file.
        path: String,
        /// The operating system's own words.
        #[source]
        source: std::io::Error,
    },
    /// The operating system has no randomness to give.
    #[error("the operating system gives no randomness")]
    Randomness(#[source] BoxError),
}

impl CatalogError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn invalid(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }
}

impl From<getrandom::Error> for CatalogError {
    fn from(error: getrandom::Error) -> Self {
        Self::Randomness(error.into())
    }
}

fn listed(by: &[String]) -> String {
    if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_fragments() {
        let check = |error: CatalogError, text: &str| assert_eq!(error.to_string(), text);
        check(CatalogError::NotFound { what: "provider" }, "there is no such provider");
        check(
            CatalogError::Conflict { what: "integration", field: "external_id" },
            "the external_id of this integration is already in use",
        );
        check(CatalogError::InUse { what: "integration", by: vec![] }, "the integration is still in use");
        check(
            CatalogError::InUse { what: "integration", by: vec!["a".into(), "b".into()] },
            "the integration is still in use by a, b",
        );
        check(CatalogError::invalid("name", "must not be empty"), "name must not be empty");
        assert!(CatalogError::WrongKeyRing.to_string().contains("PORTCULLIS_ENCRYPTION_KEY"));
    }
}
