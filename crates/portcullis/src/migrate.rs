//! `portcullis migrate`: the schema, and nothing else.

use std::sync::Arc;

use anyhow::{Context, Result};
use portcullis_catalog::Catalog;
use portcullis_types::SystemClock;
use tracing::info;

use crate::cli::ConfigOptions;
use crate::config::Config;
use crate::serve::key_ring;

/// Brings the database to this version's schema.
///
/// # Errors
/// When the database cannot be reached, has migrations that this version does not know, or was written with other
/// encryption keys.
pub(crate) async fn run(options: &ConfigOptions) -> Result<()> {
    let config = Config::load(options)?;
    let _logs = config.init_logs()?;
    let catalog = Catalog::open(&config.database_url(), key_ring(&config)?, Arc::new(SystemClock)).await;
    catalog.context("failed to migrate the database")?.close().await;
    info!("the database has this version's schema");
    Ok(())
}
