//! What the data plane keeps for a time, cleared away when the time is over: answers, files, batches.

use std::time::Duration;

use portcullis_catalog::Catalog;
use portcullis_types::SharedClock;
use tracing::{info, warn};

/// Between two clearings. Nothing that is over is shown meanwhile: this only gives the space back.
const PAUSE: Duration = Duration::from_secs(60);

/// Clears what is over, for ever. Several gateways on one catalog may do so at once.
pub(crate) async fn run(catalog: Catalog, clock: SharedClock) {
    loop {
        tokio::time::sleep(portcullis_credentials::verification::spread(PAUSE)).await;
        clear(&catalog, &clock).await;
    }
}

/// Clears all that is over now, a few hundred rows at a time so that no transaction is long.
async fn clear(catalog: &Catalog, clock: &SharedClock) {
    loop {
        match catalog.purge_expired(clock.now()).await {
            Ok(purged) if purged.is_nothing() => return,
            Ok(purged) => info!(
                responses = purged.responses,
                files = purged.files,
                batches = purged.batches,
                objects = purged.upstream_objects,
                "cleared what was over"
            ),
            Err(error) => {
                warn!(error.cause = %error, "what is over could not be cleared; trying again in a minute");
                return;
            }
        }
    }
}
