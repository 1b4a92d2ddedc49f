//! What every step of a translation needs to know, and where it leaves its notes.

use std::fmt;

use portcullis_types::{OnUnsupported, TranslationOptions};

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::models::Model;
use crate::target::KnownFiles;
use crate::warnings::{WarningKind, Warnings};

/// The model, the route's wishes, and what has happened so far.
pub(crate) struct Scope<'t> {
    /// None for a model the table does not know: then no check of ours applies.
    pub(crate) model: Option<&'t Model>,
    #[expect(dead_code, reason = "for parts that name a file")]
    pub(crate) files: &'t KnownFiles,
    pub(crate) options: TranslationOptions,
    pub(crate) warnings: Warnings,
    pub(crate) betas: Vec<String>,
}

impl Scope<'_> {
    /// The value at `path` has no equivalent and is left out.
    pub(crate) fn ignored(&mut self, path: impl fmt::Display) -> Result<(), InvalidRequest> {
        self.gated(WarningKind::Ignored, path, "has no equivalent for this model's API")
    }

    /// Another mechanism stands in for the value at `path`.
    pub(crate) fn emulated(&mut self, path: impl fmt::Display) -> Result<(), InvalidRequest> {
        self.gated(WarningKind::Emulated, path, "could only be emulated for this model's API")
    }

    /// The value at `path` loses its place, and with it some of its meaning.
    pub(crate) fn displaced(&mut self, path: impl fmt::Display) -> Result<(), InvalidRequest> {
        self.gated(WarningKind::Moved, path, "cannot stay in this place for this model")
    }

    /// A repair that loses nothing: reported, whatever the route thinks of unsupported parameters.
    pub(crate) fn note(&mut self, kind: WarningKind, path: impl fmt::Display) {
        self.warnings.add(kind, path);
    }

    fn gated(&mut self, kind: WarningKind, path: impl fmt::Display, why: &str) -> Result<(), InvalidRequest> {
        match self.options.on_unsupported {
            OnUnsupported::Report => {
                self.warnings.add(kind, path);
                Ok(())
            }
            OnUnsupported::Error => {
                let message =
                    format!("`{path}` {why}, and this route refuses what would be ignored or emulated");
                Err(InvalidRequest::at(InvalidCode::UnsupportedParameter, path.to_string(), message))
            }
        }
    }

    /// Adds a value of `anthropic-beta`, once.
    pub(crate) fn beta(&mut self, flag: &str) {
        if !self.betas.iter().any(|known| known == flag) {
            self.betas.push(flag.to_owned());
        }
    }
}
