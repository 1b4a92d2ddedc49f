//! `portcullis serve`: configuration, start, announcement, wait, drain.

mod batches;
mod data_dir;
mod listeners;
mod metrics;
pub(crate) mod models;
mod planes;
mod purge;
mod reverification;
mod site;
mod unsafe_roles;
mod warm_up;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use portcullis_catalog::{Catalog, CatalogError, DatabaseUrl, KeyRing};
use portcullis_credentials::CredentialEngine;
use portcullis_types::{ApiKeySecret, ExposeSecret, SharedClock, SystemClock};
use serde_json::json;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::cli::ServeOptions;
use crate::config::Config;
use crate::server::Shutdown;
use crate::{open_files, panics, ready_file, stop};
use data_dir::DataDir;
use listeners::{Addresses, Listeners};
use models::ModelFacts;
use site::Site;

/// Serves until a signal to stop, then drains.
///
/// # Errors
/// When the configuration is wrong, an address is taken, the data directory cannot be used or the database refuses.
pub(crate) async fn run(options: ServeOptions) -> Result<()> {
    let mut config = Config::load(&options.config)?;
    let _logs = config.init_logs()?;
    panics::log_without_their_words();
    for name in &config.unknown_names {
        warn!("the environment sets {name}, which is no setting of the gateway");
    }
    let models = ModelFacts::open(config.models_file.as_deref())?;
    fit_to_open_files(&mut config);
    if let Some(path) = &options.ready_file {
        ready_file::clear(path)?;
    }
    // From here on a signal is heard, also as a container's first process, where nobody else would.
    let mut stop = stop::signals()?;
    let listeners = Listeners::bind(&config)?;
    let keys = key_ring(&config)?;

    // Listening comes before the database: a probe gets an answer, and an operator a reason, while it is away.
    let shutdown = Shutdown::default();
    let site = Site::new(shutdown.leave.clone());
    let tasks = TaskTracker::new();
    let addresses = listeners.serve(&site, &config, &shutdown, &tasks);

    let started = tokio::select! {
        started = start(&config, keys, models, &shutdown) => Some(started?),
        signal = stop.received() => { info!("received {signal} before the start was complete"); None }
    };
    let mut catalog = None;
    if let Some(started) = started {
        catalog = Some(started.catalog);
        site.open(started.routers);
        announce(&options, &config, &addresses, started.generated_key.as_ref())?;
        let signal = stop.received().await;
        info!("received {signal}: stopping");
        prestop(&shutdown, config.prestop, &mut stop).await;
        info!("no new connections; open requests have {} s", config.drain_timeout.as_secs());
    }
    drain(&shutdown, &tasks, config.drain_timeout, &mut stop).await;
    if let Some(catalog) = catalog {
        // The embedded database puts its log back into the one file then; a server that hangs must not hold us.
        let _ = tokio::time::timeout(Duration::from_secs(2), catalog.close()).await;
    }
    info!("stopped");
    Ok(())
}

/// Connections that cannot be accepted must not be promised: beyond the cap a probe still gets its answer, beyond the
/// system's limit nobody gets any.
fn fit_to_open_files(config: &mut Config) {
    let listeners =
        1 + usize::from(config.admin_listen.is_some()) + usize::from(config.metrics_listen.is_some());
    let limits = &mut config.server_limits;
    limits.max_connections = open_files::connections_within(
        open_files::raise_limit(),
        limits.max_connections,
        limits.max_requests,
        listeners,
    );
}

/// What a start makes.
struct Started {
    catalog: Catalog,
    routers: site::Routers,
    /// The admin key, when this start made it.
    generated_key: Option<ApiKeySecret>,
}

/// The keys that seal secrets: from the configuration, or from the data directory, where they are made if need be.
pub(crate) fn key_ring(config: &Config) -> Result<KeyRing> {
    if config.database.is_none() {
        DataDir::open(&config.data_dir)?;
    }
    match &config.encryption_key {
        Some(keys) => Ok(keys.clone()),
        None => DataDir::open(&config.data_dir)?.encryption_key(),
    }
}

/// The keys that seal secrets, for commands that must not make any.
pub(crate) fn existing_key_ring(config: &Config) -> Result<KeyRing> {
    match &config.encryption_key {
        Some(keys) => Ok(keys.clone()),
        None => data_dir::existing_key(&config.data_dir),
    }
}

/// Opens the database and puts the planes together.
async fn start(config: &Config, keys: KeyRing, models: ModelFacts, shutdown: &Shutdown) -> Result<Started> {
    let clock: SharedClock = Arc::new(SystemClock);
    let catalog = open_catalog(&config.database_url(), keys, &clock).await?;
    let made = catalog
        .bootstrap(config.admin_key.clone())
        .await
        .context("failed to set up the first organisation")?;
    let generated_key = made.admin_key;
    tokio::spawn(shutdown.deadline.clone().run_until_cancelled_owned(catalog.clone().watch()));

    unsafe_roles::warn_of_them(&catalog).await;
    let engine = CredentialEngine::from_environment(config.credentials.engine(Arc::clone(&clock))).await;
    if config.credentials.warm_up {
        let warm_up = warm_up::warm_up(catalog.clone(), engine.clone());
        tokio::spawn(shutdown.deadline.clone().run_until_cancelled_owned(warm_up));
    }
    let routers = planes::routers(config, &catalog, &engine, models.table(), &clock, shutdown)?;
    tokio::spawn(shutdown.deadline.clone().run_until_cancelled_owned(models.watch()));
    Ok(Started { catalog, routers, generated_key })
}

/// A database that is away may come back: waits for it. One that refuses us will not.
async fn open_catalog(database: &DatabaseUrl, keys: KeyRing, clock: &SharedClock) -> Result<Catalog> {
    let mut pause = Duration::from_millis(250);
    loop {
        match Catalog::open(database, keys.clone(), Arc::clone(clock)).await {
            Ok(catalog) => return Ok(catalog),
            Err(error @ CatalogError::Unavailable(_)) => {
                let error = anyhow::Error::new(error);
                warn!(error.cause = format!("{error:#}"), "the database is not there yet; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            Err(error) => return Err(error).context("failed to open the catalog"),
        }
    }
}

fn announce(
    options: &ServeOptions,
    config: &Config,
    addresses: &Addresses,
    generated_key: Option<&ApiKeySecret>,
) -> Result<()> {
    info!("serving on http://{}", addresses.main);
    if let Some(admin) = addresses.admin {
        info!("the admin API answers on http://{admin}");
    }
    if let Some(metrics) = addresses.metrics {
        info!("metrics are on http://{metrics}/metrics");
    }
    if config.database.is_none() {
        info!("the catalog is in {}", config.data_dir.join("portcullis.db").display());
    }
    if let Some(key) = generated_key {
        show_once(key, addresses);
    }
    let Some(path) = &options.ready_file else { return Ok(()) };
    let mut content = json!({ "address": format!("http://{}", addresses.main) });
    if let Some(admin) = addresses.admin {
        content["admin_address"] = json!(format!("http://{admin}"));
    }
    if let Some(metrics) = addresses.metrics {
        content["metrics_address"] = json!(format!("http://{metrics}"));
    }
    if let Some(key) = generated_key {
        content["admin_key"] = json!(key.expose_secret());
    }
    ready_file::write(path, &content)
}

/// The one time a generated key is shown. Not a log line: logs are kept and shipped.
fn show_once(key: &ApiKeySecret, addresses: &Addresses) {
    let key = key.expose_secret();
    let admin = addresses.admin.unwrap_or(addresses.main);
    let text = format!(
        "\nThis is the first start, so an admin key was made. It is shown this once:\n\n    {key}\n\n\
         Try it:  curl -H \"x-portkey-api-key: {key}\" http://{admin}/v1/whoami\n\n"
    );
    // Where nobody reads any more, `portcullis keys create --admin` makes another.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Serves on until others have noticed that this gateway leaves. A second signal ends the wait.
async fn prestop(shutdown: &Shutdown, time: Duration, stop: &mut stop::Signals) {
    shutdown.leave.cancel();
    if time.is_zero() {
        return;
    }
    info!("not ready any more; new connections are accepted for another {} s", time.as_secs());
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        signal = stop.received() => warn!("received {signal} again: the drain begins now"),
    }
}

/// Lets what runs finish; then tells it to; then waits for that. A second signal ends the first wait.
async fn drain(shutdown: &Shutdown, tasks: &TaskTracker, limit: Duration, stop: &mut stop::Signals) {
    tasks.close();
    shutdown.requests.close();
    shutdown.leave.cancel();
    shutdown.drain.cancel();
    let finished = async {
        shutdown.requests.wait().await;
        shutdown.close.cancel();
        tasks.wait().await;
    };
    tokio::select! {
        () = finished => {}
        () = tokio::time::sleep(limit) => {
            warn!(requests.open = shutdown.requests.len(), "the drain's time is over: ending open requests");
        }
        signal = stop.received() => warn!("received {signal} again: ending open requests now"),
    }
    shutdown.close.cancel();
    shutdown.deadline.cancel();
    tasks.wait().await;
}
