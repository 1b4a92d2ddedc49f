//! The command line, taken apart word by word. A parser of our own, because a crate for it would take longer to
//! compile than all of xtask.

use std::path::PathBuf;

use anyhow::{Result, bail};

/// What is still to be understood of the command line.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn from_command_line() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the first word: the name of the task.
    pub(crate) fn task(&mut self) -> Option<String> {
        if self.0.is_empty() { None } else { Some(self.0.remove(0)) }
    }

    /// Takes `name` if it is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// Takes `name VALUE` or `name=VALUE` if it is there.
    ///
    /// # Errors
    /// When `name` is the last word.
    pub(crate) fn path(&mut self, name: &str) -> Result<Option<PathBuf>> {
        let with_equals = format!("{name}=");
        if let Some(at) = self.0.iter().position(|word| word.starts_with(&with_equals)) {
            let word = self.0.remove(at);
            return Ok(Some(PathBuf::from(&word[with_equals.len()..])));
        }
        let Some(at) = self.0.iter().position(|word| word == name) else { return Ok(None) };
        self.0.remove(at);
        if at == self.0.len() {
            bail!("`{name}` wants a path after it");
        }
        Ok(Some(PathBuf::from(self.0.remove(at))))
    }

    /// Refuses whatever nobody took, so that a typing error is not silently a different run.
    ///
    /// # Errors
    /// When words are left.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => bail!("unknown option `{word}` (`--help` lists them)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments(words.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn flags_and_paths_are_taken_in_any_order() {
        for words in [&["--db", "a/b", "--long"][..], &["--long", "--db=a/b"]] {
            let mut arguments = arguments(words);
            assert_eq!(arguments.path("--db").unwrap(), Some(PathBuf::from("a/b")));
            assert!(arguments.flag("--long"));
            assert!(!arguments.flag("--long"));
            arguments.finish().unwrap();
        }
    }

    #[test]
    fn a_word_nobody_knows_and_a_missing_value_are_refused() {
        assert!(arguments(&["--lnog"]).finish().unwrap_err().to_string().contains("--lnog"));
        assert!(arguments(&["--db"]).path("--db").is_err());
    }
}
