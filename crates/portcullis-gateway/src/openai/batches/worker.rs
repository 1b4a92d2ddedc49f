//! The work on batches, step by step, wherever there is time for it: in the background of every gateway, and when a client
//! asks how far its batch is.
//!
//! Whoever works on a batch holds its lease; what is known is written before and after each step that cannot be taken
//! back. A process may be killed anywhere: another one goes on when the lease has ended.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_catalog::{BatchState, CatalogError, StoredBatch};
use portcullis_provider::openai_batch::LineError;
use portcullis_types::{BatchId, TenantWorkspaceId};
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::job::{Job, Next, Stop};
use crate::error::chain;
use crate::gateway::{Gateway, Parts};

/// So many batches are worked on at once by one process.
const AT_ONCE: u32 = 4;
/// A client that asks waits so long for news.
const LOOK: Duration = Duration::from_secs(2);

impl Gateway {
    /// Goes on with batches that are due, at most a few, and says how many there were. Other processes get other ones.
    ///
    /// # Errors
    /// When the catalog cannot say what is due.
    pub async fn work_on_batches(&self) -> Result<usize, CatalogError> {
        let due = self.parts().catalog.due_batches(AT_ONCE).await?;
        let n_due = due.len();
        join_all(due.into_iter().map(|batch| work_on(self.parts(), batch))).await;
        Ok(n_due)
    }

    /// Goes on with one batch now, unless somebody does already. Nobody waits for it.
    pub(super) fn begin_batch(&self, workspace: TenantWorkspaceId, id: BatchId) -> JoinHandle<Option<()>> {
        let gateway = self.clone();
        let work = async move {
            match gateway.parts().catalog.claim_batch(workspace, id).await {
                Ok(Some(batch)) => work_on(gateway.parts(), batch).await,
                Ok(None) => {}
                Err(error) => debug!(batch.id = %id, "a batch could not be claimed: {error}"),
            }
        };
        let deadline = self.parts().drain_deadline.clone();
        tokio::spawn(deadline.run_until_cancelled_owned(work))
    }

    /// The same, for a client that asks how far it is: it waits a moment for news. It may ask as often as it likes; the
    /// upstream is asked once in [`BatchSettings::look_interval`](super::BatchSettings::look_interval).
    pub(super) async fn look_at_batch(&self, workspace: TenantWorkspaceId, id: BatchId, batch: &StoredBatch) {
        let age = OffsetDateTime::from(self.parts().clock.now()) - batch.updated_at;
        if age >= self.parts().settings.batches.look_interval {
            // The work goes on when the client goes away: a part that is being sent must not be left half-way.
            let _ = tokio::time::timeout(LOOK, self.begin_batch(workspace, id)).await;
        }
    }
}

async fn work_on(gateway: &Parts, batch: StoredBatch) {
    let id = batch.id;
    match advance(gateway, batch).await {
        Ok(()) => {}
        Err(Stop::Catalog(CatalogError::ChangedMeanwhile { .. })) => {
            debug!(batch.id = %id, "somebody else works on the batch now");
        }
        Err(stop) => warn!(batch.id = %id, error.cause = %chain(&stop), "work on a batch stopped: {stop}"),
    }
}

/// Does what can be done without waiting.
async fn advance(gateway: &Parts, batch: StoredBatch) -> Result<(), Stop> {
    let mut job = Job::new(gateway, batch)?;
    while !job.batch.state.is_over() {
        match job.step().await.or_else(|stop| without_input(&mut job, stop))? {
            Next::Again => job.save().await?,
            Next::Over => return Ok(()),
            Next::Wait(pause) => return Ok(job.release(pause).await?),
        }
    }
    Ok(())
}

/// Without its input nobody knows whose answers there are: nobody who comes later could go on either.
fn without_input(job: &mut Job<'_>, stop: Stop) -> Result<Next, Stop> {
    match stop {
        Stop::Catalog(CatalogError::NotFound { what: "file" }) => {
            let message = "the input file was deleted, or expired, before the batch was over";
            job.fail(vec![LineError::file("input_file_not_found", message).of("input_file_id")]);
            Ok(Next::Again)
        }
        stop => Err(stop),
    }
}

impl Job<'_> {
    async fn step(&mut self) -> Result<Next, Stop> {
        match self.batch.state {
            BatchState::Validating => self.validate().await,
            BatchState::InProgress | BatchState::Cancelling if !self.is_to_be_finished() => {
                self.move_on().await
            }
            BatchState::InProgress | BatchState::Cancelling | BatchState::Finalizing => self.finish().await,
            BatchState::Completed | BatchState::Failed | BatchState::Expired | BatchState::Cancelled => {
                Ok(Next::Again)
            }
        }
    }
}
