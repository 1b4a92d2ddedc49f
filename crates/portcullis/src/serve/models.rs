//! The table of model facts, with an operator's file over it that is read again whenever it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis_gateway::SharedModels;
use portcullis_provider::models::ModelTable;
use tracing::{info, warn};

use crate::config::ConfigError;

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_secs(30);

/// The facts as a start finds them, and the file they may change with.
pub(crate) struct ModelFacts {
    table: SharedModels,
    file: Option<Watched>,
}

/// The file as it was last read.
struct Watched {
    path: PathBuf,
    /// What was in it, or why nothing could be read: what does not change is not said twice.
    last: Result<Vec<u8>, String>,
}

impl ModelFacts {
    /// Reads the operator's file, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or a row of it is wrong: the text names the row and the field.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self { table: Arc::default(), file: None });
        };
        let invalid = |reason: String| ConfigError::Invalid {
            name: "PORTCULLIS_MODELS_FILE",
            expected: "a file of model facts",
            got: format!("`{}`", path.display()),
            reason,
        };
        let content = std::fs::read(path).map_err(|error| invalid(error.to_string()))?;
        let table = ModelTable::with_overlay(&content).map_err(|error| invalid(error.to_string()))?;
        let file = Watched { path: path.to_owned(), last: Ok(content) };
        Ok(Self { table: Arc::new(Arc::new(table).into()), file: Some(file) })
    }

    /// A handle on the table, which shows every change.
    pub(crate) fn table(&self) -> SharedModels {
        Arc::clone(&self.table)
    }

    /// Reads the file again when it changes, for ever; ends at once if there is none.
    pub(crate) async fn watch(mut self) {
        let Some(file) = &mut self.file else { return };
        loop {
            tokio::time::sleep(PAUSE).await;
            file.look(&self.table).await;
        }
    }
}

impl Watched {
    /// Takes over what the file says now. While it is broken or away, what it said before holds.
    async fn look(&mut self, table: &SharedModels) {
        // Its content and not its time decides: files that an orchestrator mounts are swapped with old times.
        let now = tokio::fs::read(&self.path).await.map_err(|error| error.to_string());
        if now == self.last {
            return;
        }
        let path = self.path.display();
        match now
            .as_deref()
            .map_err(Clone::clone)
            .and_then(|content| ModelTable::with_overlay(content).map_err(|error| error.to_string()))
        {
            Ok(read) => {
                table.store(Arc::new(read));
                info!("the model facts of {path} are in force");
            }
            Err(reason) => warn!(
                error.cause = reason,
                "the model facts of {path} cannot be used; what they said before stays in force"
            ),
        }
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPUS: &str = r#"{"models": [{"id": "claude-opus-5", "max_output_tokens": 1000}]}"#;

    fn limit(table: &SharedModels) -> u64 {
        table.load().find(&"claude-opus-5".parse().unwrap()).unwrap().max_output_tokens
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_row_and_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.json");
        let error = |content: Option<&str>| {
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            ModelFacts::open(Some(&path)).err().unwrap().to_string()
        };
        assert!(error(None).contains("PORTCULLIS_MODELS_FILE"));
        let text = error(Some(r#"{"models": [{"id": "claude-opus-5", "window": 1}]}"#));
        assert!(text.contains("row `claude-opus-5`, field `window`: no such field is known"), "{text}");
    }

    #[tokio::test]
    async fn a_change_is_taken_over_and_a_broken_one_leaves_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.json");
        std::fs::write(&path, "{}").unwrap();
        let facts = ModelFacts::open(Some(&path)).unwrap();
        let (table, mut file) = (facts.table(), facts.file.unwrap());
        assert_eq!(limit(&table), 128_000);
        for (content, expect) in [(OPUS, 1000), ("{", 1000), ("{}", 128_000)] {
            std::fs::write(&path, content).unwrap();
            file.look(&table).await;
            assert_eq!(limit(&table), expect, "{content}");
        }
        std::fs::write(&path, OPUS).unwrap();
        file.look(&table).await;
        std::fs::remove_file(&path).unwrap();
        file.look(&table).await;
        assert_eq!(limit(&table), 1000);
    }
}
