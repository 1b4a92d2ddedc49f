//! Batches go on in the background of every gateway, whether or not anybody asks how far they are.

use std::time::Duration;

use portcullis_credentials::verification::spread;
use portcullis_gateway::Gateway;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often the catalog is asked what is due. What a client makes or asks for does not wait for it.
const PAUSE: Duration = Duration::from_secs(5);

/// Works on what is due until the drain begins; what is in hand then is still finished. Several gateways on one catalog
/// share the work.
pub(crate) async fn run(gateway: Gateway, drain: CancellationToken) {
    while !drain.is_cancelled() {
        let is_idle = match gateway.work_on_batches().await {
            Ok(n_due) => n_due == 0,
            Err(error) => {
                warn!(error.cause = %error, "which batches are due cannot be told; trying again");
                true
            }
        };
        if is_idle {
            drain.run_until_cancelled(tokio::time::sleep(spread(PAUSE))).await;
        }
    }
}
