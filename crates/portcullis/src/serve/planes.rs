//! The planes put together: the gateway, the admin API and the metrics, on one catalog and one credential engine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use portcullis_admin::{AdminState, Recording};
use portcullis_catalog::Catalog;
use portcullis_credentials::{CredentialEngine, Verifier};
use portcullis_gateway::{Gateway, GatewaySettings, PlatformProbe, SharedModels};
use portcullis_types::SharedClock;

use super::metrics::Metrics;
use super::reverification::Reverification;
use super::site::Routers;
use crate::config::Config;
use crate::server::Shutdown;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The routers of a started gateway; from now on integrations are verified on schedule, and what was kept long enough is
/// cleared.
///
/// # Errors
/// When the client for the way upstream cannot be set up.
pub(super) fn routers(
    config: &Config,
    catalog: &Catalog,
    engine: &CredentialEngine,
    models: SharedModels,
    clock: &SharedClock,
    shutdown: &Shutdown,
) -> Result<Routers> {
    let gateway = Gateway::new(
        catalog.clone(),
        Arc::new(engine.clone()),
        GatewaySettings { models, ..gateway_settings(config) },
        Arc::clone(clock),
        shutdown.deadline.clone(),
    )?;
    let working = super::batches::run(gateway.clone(), shutdown.drain.clone());
    tokio::spawn(shutdown.deadline.clone().run_until_cancelled_owned(working));
    let probe = PlatformProbe::new(&gateway_settings(config), Arc::clone(clock), engine.skew())?;
    let verifier = Verifier::new(engine.clone(), Arc::new(probe), Arc::clone(clock));
    let recording = Recording {
        catalog: catalog.clone(),
        clock: Arc::clone(clock),
        // With the schedule off, one is due when somebody turns it on.
        interval: config.credentials.verify_interval.unwrap_or(DAY),
        n_worsened: Arc::default(),
    };
    if config.credentials.verify_interval.is_some() {
        let again = Reverification::new(verifier.clone(), recording.clone()).run();
        tokio::spawn(shutdown.deadline.clone().run_until_cancelled_owned(again));
    }
    let clearing = super::purge::run(catalog.clone(), Arc::clone(clock));
    tokio::spawn(shutdown.deadline.clone().run_until_cancelled_owned(clearing));
    let metrics = Metrics::new(catalog.clone(), engine.clone(), Arc::clone(&recording.n_worsened));
    let apart = config.metrics_listen.map(|_| metrics.clone().router());
    let shown = match apart {
        Some(_) => portcullis_admin::Metrics::Elsewhere,
        None => portcullis_admin::Metrics::Here(Arc::new(metrics)),
    };
    let admin = portcullis_admin::router(AdminState::new(engine.clone(), verifier, recording, shown));
    Ok(Routers::of(portcullis_gateway::router(gateway), admin, config.admin_listen.is_some(), apart))
}

fn gateway_settings(config: &Config) -> GatewaySettings {
    GatewaySettings {
        upstream_base: config.upstream_base.clone(),
        use_system_proxy: config.use_system_proxy,
        stream_idle_timeout: config.stream_idle_timeout,
        response_retention: config.response_retention,
        public_url: config.public_url.clone(),
        spool_folder: config.spool_dir.clone(),
        ..GatewaySettings::default()
    }
}
