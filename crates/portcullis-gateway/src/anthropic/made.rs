//! Whose the files and containers are that answers name: the tenant's who got the answer.
//!
//! They are recorded beside the answer's way, which does not wait for it, and only when an answer names one.

use portcullis_catalog::{Catalog, CatalogError};
use portcullis_provider::envelope::made::Made;
use portcullis_types::{RequestId, SharedClock};
use time::OffsetDateTime;
use tracing::error;

use super::tenancy::{self, Maker};
use crate::arrival::Arrival;
use crate::gateway::Parts;
use crate::way::Admitted;

/// Records what the answers to one request name. Owns what it needs: an answer may outlive its request.
#[derive(Clone)]
pub(crate) struct Keeper {
    catalog: Catalog,
    clock: SharedClock,
    maker: Maker,
    request_id: RequestId,
}

impl Keeper {
    pub(crate) fn new(gateway: &Parts, arrival: &Arrival, admitted: &Admitted) -> Self {
        Self {
            catalog: gateway.catalog.clone(),
            clock: gateway.clock.clone(),
            maker: Maker::of(admitted),
            request_id: arrival.request_id,
        }
    }

    /// Records these in a task of its own, if there are any.
    ///
    /// The task ends in its own time; who wants to wait for the records to be there may.
    pub(crate) fn keep(&self, made: Vec<Made>) -> Option<tokio::task::JoinHandle<()>> {
        if made.is_empty() {
            return None;
        }
        let keeper = self.clone();
        Some(tokio::spawn(async move {
            for made in made {
                if let Err(cause) = keeper.record(&made).await {
                    keeper.tell(&cause);
                }
            }
        }))
    }

    async fn record(&self, made: &Made) -> Result<(), CatalogError> {
        let now = OffsetDateTime::from(self.clock.now());
        self.catalog.record_upstream_object(tenancy::made_object(&self.maker, made, now)).await
    }

    fn tell(&self, cause: &CatalogError) {
        error!(
            request.id = %self.request_id,
            workspace.id = %self.maker.workspace,
            error.cause = %cause,
            "whose a file or container of an answer is could not be recorded: where its workspace is shared, nobody can reach it"
        );
    }
}
