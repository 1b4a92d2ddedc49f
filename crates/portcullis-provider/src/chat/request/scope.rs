//! What every step of a translation needs to know, and where it leaves its notes.

use std::fmt;

use portcullis_types::{OnUnsupported, TranslationOptions};

use super::renames::Renames;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::models::Model;
use crate::target::{KnownFiles, Target};
use crate::warnings::{WarningKind, Warnings};

/// The model, the route's wishes, and what has happened so far.
pub(crate) struct Scope<'t> {
    /// None for a model the table does not know: then no check of ours applies.
    pub(crate) model: Option<&'t Model>,
    pub(crate) files: &'t KnownFiles,
    /// A tool of the request runs code, in a container that files can be put into.
    pub(crate) code_runs: bool,
    pub(crate) options: TranslationOptions,
    /// The names under which tools are sent, where they are not the client's.
    pub(crate) renames: Renames,
    pub(crate) warnings: Warnings,
    pub(crate) betas: Vec<String>,
}

impl<'t> Scope<'t> {
    /// Nothing has happened yet.
    pub(crate) fn new(target: &Target<'t>) -> Self {
        let Target { facts, files, options, .. } = *target;
        let (renames, warnings, betas) = (Renames::default(), Warnings::default(), Vec::new());
        Self { model: facts, files, code_runs: false, options, renames, warnings, betas }
    }

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

    /// What stands at `path` cannot be used and is left out.
    pub(crate) fn dropped(&mut self, path: impl fmt::Display) -> Result<(), InvalidRequest> {
        self.gated(WarningKind::Dropped, path, "cannot be used and would be left out")
    }

    /// The identifier at `path` is sent as its hash.
    pub(crate) fn hashed(&mut self, path: impl fmt::Display) -> Result<(), InvalidRequest> {
        self.gated(WarningKind::Hashed, path, "tells who somebody is and would be hashed")
    }

    /// Keywords of a schema are not enforced.
    ///
    /// - `path`: in the client's request.
    /// - `report`: the same, as reports shorten it.
    pub(crate) fn unenforced(
        &mut self,
        path: impl fmt::Display,
        report: impl fmt::Display,
    ) -> Result<(), InvalidRequest> {
        match self.options.on_unsupported {
            OnUnsupported::Report => self.gated(WarningKind::Schema, report, ""),
            OnUnsupported::Error => {
                self.gated(WarningKind::Schema, path, "has keywords that would not be enforced")
            }
        }
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
                let message = format!("`{path}` {why}, and this route refuses every lossy translation");
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
