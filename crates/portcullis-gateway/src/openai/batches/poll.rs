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
/// Seconds after which there are no results any more, whatever had become of a batch. Source: Claude docs, "Batch
/// processing": results are available for 29 days.
const RESULTS_KEPT: i64 = 29 * DAY;

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
        self.give_up_the_unreachable();
        if let Some((part_idx, since)) = self.unsure_part() {
            return self.recover(part_idx, since).await;
        }
        let is_overdue = self.age() >= DAY;
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

    /// Since it was made, in seconds.
    fn age(&self) -> i64 {
        self.now() - self.batch.created_at.unix_timestamp()
    }

    /// What is known of no part yet is lost when nobody can be asked for it any more: its provider is gone, and did not
    /// come back in a day, or the upstream has had no answer for so long that it keeps none.
    pub(super) fn give_up_the_unreachable(&mut self) {
        let is_over = self.age() >= DAY && self.document.times.expires.is_none_or(|at| self.now() >= at);
        let lost = if self.age() >= RESULTS_KEPT {
            results_gone()
        } else if is_over && self.admit("GET", BATCHES).is_err() {
            provider_gone()
        } else {
            return;
        };
        for part in &mut self.document.parts {
            if !matches!(part.state, PartState::Empty | PartState::Lost { .. }) {
                part.state = lost.clone();
            }
        }
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
                    could_ask &= self.note_ended(&admitted, part_idx, batch, unsure_since).await?;
                }
                Look::Batch(batch) => {
                    self.document.n_failures = 0;
                    self.document.times.expires = self.document.times.expires.max(batch.expires_at());
                    let is_wanted = self.batch.state == BatchState::Cancelling && unsure_since.is_none();
                    if is_wanted && !batch.is_being_cancelled() {
                        could_ask &= self.cancel(&id).await;
                    }
                }
                Look::Gone => match unsure_since {
                    None => self.document.parts[part_idx].state = gone(),
                    // It may never have been ours: the next one is looked at.
                    Some(since) => self.is_not_ours(part_idx, id, since),
                },
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

    /// Whether the upstream could be asked for what has to be known.
    async fn note_ended(
        &mut self,
        admitted: &Admitted,
        part_idx: usize,
        batch: UpstreamBatch,
        unsure_since: Option<i64>,
    ) -> Result<bool, Stop> {
        let ended = PartState::Ended {
            id: batch.id.clone(),
            is_cancelled: batch.is_being_cancelled(),
            n_expired: batch.request_counts.expired,
        };
        if let Some(since) = unsure_since {
            match Results::whose(self, admitted, &batch.id).await {
                Showing::Ours => {}
                Showing::NotOurs => {
                    self.is_not_ours(part_idx, batch.id, since);
                    return Ok(true);
                }
                Showing::NotNow => return Ok(false),
            }
        }
        self.document.parts[part_idx].state = ended;
        self.record_if_missing(admitted, batch.id).await?;
        Ok(true)
    }

    /// What was taken for a part is somebody else's. Whether the part arrived is as unknown as before.
    fn is_not_ours(&mut self, part_idx: usize, id: String, since: i64) {
        self.document.parts[part_idx].state = PartState::Sending { since };
        self.document.not_ours.push(id);
    }
}

fn provider_gone() -> PartState {
    PartState::Lost {
        status: 404,
        code: "provider_gone".to_owned(),
        message: "the batch's provider is gone or serves no batches any more, and its results cannot be read"
            .to_owned(),
    }
}

/// The results can be had no longer.
pub(super) fn results_gone() -> PartState {
    PartState::Lost {
        status: 404,
        code: "batch_results_unavailable".to_owned(),
        message: "the upstream has the batch's results no longer".to_owned(),
    }
}

fn gone() -> PartState {
    PartState::Lost {
        status: 404,
        code: "batch_deleted".to_owned(),
        message: "the upstream's batch was deleted before its results were read".to_owned(),
    }
}
