//! What the gateway made for an AWS account: as one text, or as files.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::Usage;

/// Only what is shown or written; a newer gateway may say more.
#[derive(Debug, Deserialize)]
pub(super) struct Artefacts {
    targets: Vec<Target>,
    trust_policy: Value,
    permission_policy: Value,
    gateway_policy: Value,
    cli: String,
    cloudformation: String,
    terraform: String,
    integrations: Vec<Value>,
    next_steps: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Target {
    region: String,
    workspace_id: String,
    external_id: String,
}

/// A file and whether it can be run.
struct Artefact {
    name: &'static str,
    mode: u32,
    content: String,
}

/// Every file that is written.
const FILES: [&str; 7] = [
    "trust-policy.json",
    "permission-policy.json",
    "gateway-policy.json",
    "setup.sh",
    "template.yaml",
    "main.tf",
    "integrations.json",
];

impl Artefacts {
    /// # Errors
    /// When the gateway speaks another version's language.
    pub(super) fn read(answer: Value) -> Result<Self> {
        serde_json::from_value(answer).context("the gateway's answer cannot be read; is it of this version?")
    }

    fn files(&self) -> [Artefact; FILES.len()] {
        let json = |value: &Value| format!("{value:#}\n");
        let integrations = Value::Array(self.integrations.clone());
        let contents = [
            json(&self.trust_policy),
            json(&self.permission_policy),
            json(&self.gateway_policy),
            self.cli.clone(),
            self.cloudformation.clone(),
            self.terraform.clone(),
            json(&integrations),
        ];
        let mut contents = contents.into_iter();
        FILES.map(|name| Artefact {
            name,
            mode: if name.ends_with(".sh") { 0o755 } else { 0o644 },
            content: contents.next().expect("there is a content for each file"),
        })
    }

    /// Writes each file. None is overwritten.
    ///
    /// # Errors
    /// When the folder cannot be made, or a file cannot be written.
    pub(super) fn write_to(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make the folder {}", folder.display()))?;
        self.files().iter().try_for_each(|artefact| {
            let path = folder.join(artefact.name);
            let file = OpenOptions::new().write(true).create_new(true).mode(artefact.mode).open(&path);
            file.and_then(|mut file| file.write_all(artefact.content.as_bytes()))
                .with_context(|| format!("failed to write {}", path.display()))
        })
    }

    /// External IDs, what to do, and every file's content.
    pub(super) fn text(&self) -> String {
        let mut text = self.essentials();
        for artefact in self.files() {
            text.push_str(&format!("\n──── {} ────\n{}", artefact.name, artefact.content));
        }
        text
    }

    /// External IDs, the files, and what to do.
    pub(super) fn summary(&self, folder: &Path) -> String {
        let mut text = self.essentials();
        text.push_str(&format!("\nWritten into {}: {}\n", folder.display(), FILES.join(", ")));
        text
    }

    fn essentials(&self) -> String {
        let mut text = "External IDs\n".to_owned();
        for Target { region, workspace_id, external_id } in &self.targets {
            text.push_str(&format!("  {region}  {workspace_id}  {external_id}\n"));
        }
        text.push_str("\nNext steps\n");
        for (n, step) in self.next_steps.iter().enumerate() {
            let mut lines = step.lines();
            text.push_str(&format!("{:>3}. {}\n", n + 1, lines.next().unwrap_or_default()));
            lines.for_each(|line| text.push_str(&format!("     {line}\n")));
        }
        if !self.notes.is_empty() {
            text.push_str("\nNotes\n");
            self.notes.iter().for_each(|note| text.push_str(&format!("  - {note}\n")));
        }
        text
    }
}

/// What lies in the folder may already be in use in an AWS account, with other external IDs.
///
/// # Errors
/// [`Usage`] that names the file.
pub(super) fn refuse_to_overwrite(folder: &Path) -> Result<()> {
    let taken = FILES.iter().map(|name| folder.join(name)).find(|path| path.exists());
    match taken {
        None => Ok(()),
        Some(path) => {
            let message = format!("{} exists; nothing is overwritten: choose another folder", path.display());
            Err(Usage(message).into())
        }
    }
}
