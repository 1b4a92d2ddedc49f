//! Batches go on in the background of every gateway, whether or not anybody asks how far they are.

use std::time::Duration;

use portcullis_gateway::Gateway;
use tracing::warn;

/// How often the catalog is asked what is due. What a client makes or asks for does not wait for it.
const PAUSE: Duration = Duration::from_secs(5);

/// Works on what is due, for ever. Several gateways on one catalog share the work.
pub(crate) async fn run(gateway: Gateway) {
    loop {
        match gateway.work_on_batches().await {
            Ok(0) => tokio::time::sleep(portcullis_credentials::verification::spread(PAUSE)).await,
            Ok(_) => {}
            Err(error) => {
                warn!(error.cause = %error, "which batches are due cannot be told; trying again");
                tokio::time::sleep(portcullis_credentials::verification::spread(PAUSE)).await;
            }
        }
    }
}
