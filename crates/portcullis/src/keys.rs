//! `portcullis keys`: keys without the admin API, for whoever can reach the database.

use std::io::{Write, stderr, stdout};
use std::sync::Arc;

use anyhow::{Context, Result};
use portcullis_catalog::{Catalog, KeyKind, NewApiKey, Scope};
use portcullis_types::{ExposeSecret, SystemClock};

use crate::cli::{CreateKeyOptions, KeysCommand, KeysSubcommand};
use crate::config::Config;
use crate::serve::existing_key_ring;

/// Runs a subcommand.
pub(crate) async fn run(command: KeysCommand) -> Result<()> {
    match command.command {
        KeysSubcommand::Create(options) => create(options).await,
    }
}

/// Makes a key and prints it alone on a line of standard output, so that a script can take it.
async fn create(options: CreateKeyOptions) -> Result<()> {
    let config = Config::load(&options.config)?;
    let keys = existing_key_ring(&config)?;
    let catalog = Catalog::open(&config.database_url(), keys, Arc::new(SystemClock))
        .await
        .context("failed to open the catalog")?;
    // On a database that no gateway has started on yet, this is its set-up.
    let made =
        catalog.bootstrap(config.admin_key).await.context("failed to set up the first organisation")?;
    if let Some(key) = &made.admin_key {
        writeln!(stderr(), "this database was empty; its first admin key is\n{}", key.expose_secret())
            .context("the first admin key was made, but could not be written to standard error")?;
    }
    let organisation = made.organisation;
    let (kind, workspace_id, scopes) = if options.admin {
        (KeyKind::OrganisationService, None, Scope::all().collect())
    } else {
        let workspace = catalog.workspace(organisation.id, &options.workspace).await;
        let workspace =
            workspace.with_context(|| format!("failed to find the workspace `{}`", options.workspace))?;
        (KeyKind::WorkspaceService, Some(workspace.id), vec![Scope::COMPLETIONS_WRITE, Scope::MODELS_LIST])
    };
    let new = NewApiKey {
        organisation_id: organisation.id,
        workspace_id,
        kind,
        user_id: None,
        name: options.name,
        description: None,
        scopes,
        on_unsupported: None,
        expires_at: None,
    };
    let (_, secret) = catalog.create_api_key(new).await.context("failed to make the key")?;
    catalog.close().await;
    writeln!(stdout(), "{}", secret.expose_secret())
        .context("the key was made, but could not be written to standard output")
}
