//! How far the upstream is with the parts.

use http::Method;
use portcullis_catalog::BatchState;

use super::document::PartState;
use super::job::{Job, Next, Stop};
use super::results::{Results, Showing};
use super::send::BATCHES;
use super::wire::{self, UpstreamBatch};
use crate::openai::errand::{Reply, bare};
use crate::way::Admitted;

/// Seconds after which lines that could not be sent are given up: the upstream's own limit for a batch.
const DAY: i64 = 24 * 60 * 60;

/// What a look at a part showed.
enum Look {
    Batch(UpstreamBatch),
    /// There is no such batch any more: somebody deleted it.
    Gone,
    /// It could not be had now.
    NotNow,
}

impl Job<'_> {
    /// Sends what is left to be sent, and looks at what was sent.
    pub(super) async fn move_on(&mut self) -> Result<Next, Stop> {
        self.heed_cancellation();
        if let Some((part_idx, since)) = self.unsure_part() {
            return self.recover(part_idx, since).await;
        }
        let is_overdue = self.now() - self.batch.created_at.unix_timestamp() >= DAY;
        let sends = self.batch.state == BatchState::InProgress && !is_overdue;
        if sends && !self.document.is_all_sent() {
            return self.send_part().await;
        }
        let is_failing = !self.look_at_parts().await?;
        if self.unsure_part().is_some() {
            return Ok(Next::Again);
        }
        if self.document.parts.iter().all(|part| part.state.is_over()) {
            self.document.times.finalizing = Some(self.now());
            if self.batch.state == BatchState::InProgress {
                self.batch.state = BatchState::Finalizing;
            }
            return Ok(Next::Again);
        }
        let pause = self.gateway.settings.batches.poll_interval;
        Ok(Next::Wait(if is_failing { self.pause_after_failure().max(pause) } else { pause }))
    }

    /// Whether everything is in that can come in: what is left is to write it out.
    pub(super) const fn is_to_be_finished(&self) -> bool {
        self.document.times.finalizing.is_some()
    }

    /// Whether the upstream could be asked.
    async fn look_at_parts(&mut self) -> Result<bool, Stop> {
        let is_asked = |state: &PartState| matches!(state, PartState::Sent { .. });
        if !self.document.parts.iter().any(|part| is_asked(&part.state)) {
            return Ok(true);
        }
        let Ok(admitted) = self.admit("GET", "/v1/messages/batches/id") else { return Ok(false) };
        let mut could_ask = true;
        for part_idx in 0..self.document.parts.len() {
            let PartState::Sent { id, unsure_since } = self.document.parts[part_idx].state.clone() else {
                continue;
            };
            match self.look(&admitted, &id).await {
                Look::Batch(batch) if batch.has_ended() => {
                    self.note_ended(&admitted, part_idx, batch, unsure_since).await?;
                }
                Look::Batch(batch) => {
                    self.document.n_failures = 0;
                    self.document.times.expires = self.document.times.expires.max(batch.expires_at());
                    let is_wanted = self.batch.state == BatchState::Cancelling && unsure_since.is_none();
                    if is_wanted && !batch.is_being_cancelled() {
                        could_ask &= self.cancel(&id).await;
                    }
                }
                Look::Gone => self.document.parts[part_idx].state = gone(),
                Look::NotNow => could_ask = false,
            }
        }
        Ok(could_ask)
    }

    async fn look(&self, admitted: &Admitted, id: &str) -> Look {
        let payload = bare(Method::GET, format!("{BATCHES}/{id}"), None);
        match self.errand(admitted).ask(&payload).await {
            Ok(Reply::Done(body)) => wire::batch(&body).map_or(Look::NotNow, Look::Batch),
            Ok(Reply::Refused(error)) if error.status == 404 => Look::Gone,
            Ok(Reply::Refused(_)) | Err(_) => Look::NotNow,
        }
    }

    /// Whether the cancellation was taken, or came too late.
    async fn cancel(&self, id: &str) -> bool {
        let Ok(admitted) = self.admit("POST", "/v1/messages/batches/id/cancel") else { return false };
        let payload = bare(Method::POST, format!("{BATCHES}/{id}/cancel"), None);
        match self.errand(&admitted).ask(&payload).await {
            Ok(Reply::Done(_)) => true,
            Ok(Reply::Refused(error)) => (400..500).contains(&error.status) && error.status != 429,
            Err(_) => false,
        }
    }

    async fn note_ended(
        &mut self,
        admitted: &Admitted,
        part_idx: usize,
        batch: UpstreamBatch,
        unsure_since: Option<i64>,
    ) -> Result<(), Stop> {
        let ended = PartState::Ended {
            id: batch.id.clone(),
            is_cancelled: batch.is_being_cancelled(),
            n_expired: batch.request_counts.expired,
        };
        let Some(since) = unsure_since else {
            self.document.parts[part_idx].state = ended;
            return Ok(());
        };
        match Results::whose(self, admitted, &batch.id).await? {
            Showing::Ours => {
                self.document.parts[part_idx].state = ended;
                self.record(admitted, batch.id).await?;
            }
            Showing::SomebodyElses => {
                self.document.parts[part_idx].state = PartState::Sending { since };
                self.document.not_ours.push(batch.id);
            }
            Showing::Nothing => {}
        }
        Ok(())
    }
}

fn gone() -> PartState {
    PartState::Lost {
        status: 404,
        code: "batch_deleted".to_owned(),
        message: "the upstream's batch was deleted before its results were read".to_owned(),
    }
}
