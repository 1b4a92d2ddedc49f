//! What the stand-in for AWS saw and verified, from its control API.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::shell::Shell;
use crate::stack::Emulator;

/// The model the demo asks.
pub(super) const MODEL: &str = "claude-sonnet-4-5";

/// The role, external ID, region and workspace that the emulator knows.
pub(super) struct World {
    pub(super) role_arn: String,
    pub(super) external_id: String,
    pub(super) region: String,
    pub(super) workspace: String,
}

impl World {
    pub(super) fn ask(_shell: &Shell, _emulator: &Emulator) -> Result<Self> {
        anyhow::bail!("later")
    }
}

pub(super) fn show(_shell: &mut Shell, _emulator: &Emulator) -> Result<()> {
    Ok(())
}
