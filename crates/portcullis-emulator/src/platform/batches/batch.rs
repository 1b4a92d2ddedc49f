//! One batch, from its creation to the end of its results.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::Pace;
use super::read::Line;
use crate::clock::rfc3339;
use crate::platform::call::Call;
use crate::platform::error::PlatformError;
use crate::platform::messages::{self, Setting};
use crate::platform::protocol::Protocol;
use crate::platform::query::Listed;
use crate::state::{BASE62, random_text};
use crate::world::Account;

/// What is not done by then expires.
const LIFE: Duration = Duration::from_secs(86_400);
/// How long results are kept, from the creation.
const RESULTS_KEPT: Duration = Duration::from_secs(29 * 86_400);
/// How long a cancellation takes at most.
const CANCELLATION: Duration = Duration::from_secs(1);
/// A host that nobody who signs for AWS may follow.
const RESULTS_HOST: &str = "https://api.anthropic.com";

/// What becomes of the lines that are not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform) enum Fate {
    Done,
    Canceled,
    Expired,
}

/// One batch.
#[derive(Debug)]
pub(in crate::platform) struct Batch {
    id: String,
    sequence: u64,
    created_at: SystemTime,
    pace: Pace,
    protocol: Protocol,
    account: Account,
    lines: Vec<(Line, Option<Value>)>,
    cancel_initiated_at: Option<SystemTime>,
    ended_at: Option<SystemTime>,
    /// The results are gone.
    archived_at: Option<SystemTime>,
}

impl Listed for Batch {
    fn id(&self) -> &str {
        &self.id
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn to_json(&self) -> Value {
        let status = match (self.ended_at, self.cancel_initiated_at) {
            (Some(_), _) => "ended",
            (None, Some(_)) => "canceling",
            (None, None) => "in_progress",
        };
        let results_url = (self.ended_at.is_some() && self.archived_at.is_none())
            .then(|| format!("{RESULTS_HOST}/v1/messages/batches/{}/results", self.id));
        json!({
            "id": self.id, "type": "message_batch", "processing_status": status, "request_counts": self.counts(),
            "created_at": rfc3339(self.created_at), "expires_at": rfc3339(self.created_at + LIFE),
            "ended_at": self.ended_at.map(rfc3339), "archived_at": self.archived_at.map(rfc3339),
            "cancel_initiated_at": self.cancel_initiated_at.map(rfc3339), "results_url": results_url,
        })
    }
}

impl Batch {
    pub(super) fn new(call: Call<'_>, sequence: u64, lines: Vec<Line>) -> Self {
        Self {
            id: format!("msgbatch_01{}", random_text(BASE62, 22)),
            sequence,
            created_at: call.now(),
            pace: call.state.resources.pace(),
            protocol: call.protocol.clone(),
            account: call.admitted.account.clone(),
            lines: lines.into_iter().map(|line| (line, None)).collect(),
            cancel_initiated_at: None,
            ended_at: None,
            archived_at: None,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// All is said to be under way until the end.
    fn counts(&self) -> Value {
        let count = |kind: &str| {
            let ended = self.ended_at.is_some();
            let of_kind =
                |result: &Option<Value>| result.as_ref().is_some_and(|result| result["type"] == kind);
            if ended { self.lines.iter().filter(|(_, result)| of_kind(result)).count() } else { 0 }
        };
        let processing = if self.ended_at.is_some() { 0 } else { self.lines.len() };
        json!({
            "processing": processing, "succeeded": count("succeeded"), "errored": count("errored"),
            "canceled": count("canceled"), "expired": count("expired"),
        })
    }

    /// When and how the batch ended, if it has by now and does not know yet.
    pub(super) fn due(&mut self, now: SystemTime) -> Option<(SystemTime, Fate)> {
        if self.archived_at.is_none() && self.created_at + RESULTS_KEPT <= now {
            self.archived_at = Some(self.created_at + RESULTS_KEPT);
        }
        let done = match self.pace {
            Pace::EndsAfter(after) => Some((self.created_at + after, Fate::Done)),
            Pace::UntilTold => None,
        };
        let canceled = self.cancel_initiated_at.map(|at| {
            let takes =
                if let Pace::EndsAfter(after) = self.pace { after.min(CANCELLATION) } else { CANCELLATION };
            (at + takes, Fate::Canceled)
        });
        let ends = [canceled.or(done), Some((self.created_at + LIFE, Fate::Expired))];
        let first = ends.into_iter().flatten().min_by_key(|(at, _)| *at);
        first.filter(|(at, _)| self.ended_at.is_none() && *at <= now)
    }

    /// Ends it: every line has a result from now on.
    pub(super) fn end(&mut self, at: SystemTime, fate: Fate, setting: Setting<'_>) {
        match fate {
            Fate::Done => self.process(usize::MAX, setting),
            Fate::Canceled => self.give_up("canceled"),
            Fate::Expired => self.give_up("expired"),
        }
        self.ended_at = Some(at);
    }

    /// Answers so many of the open lines.
    pub(super) fn process(&mut self, n_lines: usize, mut setting: Setting<'_>) {
        let Self { lines, protocol, account, .. } = self;
        for (line, result) in lines.iter_mut().filter(|(_, result)| result.is_none()).take(n_lines) {
            *result = Some(messages::batch_result(&line.params, protocol, account, &mut setting));
        }
    }

    fn give_up(&mut self, kind: &str) {
        for (_, result) in &mut self.lines {
            result.get_or_insert_with(|| json!({"type": kind}));
        }
    }

    pub(super) fn cancel(&mut self, now: SystemTime) -> Result<(), PlatformError> {
        if self.ended_at.is_some() {
            return Err(PlatformError::invalid(format!(
                "Message batch `{}` has already ended and cannot be canceled.",
                self.id
            )));
        }
        self.cancel_initiated_at.get_or_insert(now);
        Ok(())
    }

    pub(super) fn check_deletable(&self) -> Result<(), PlatformError> {
        if self.ended_at.is_some() {
            return Ok(());
        }
        Err(PlatformError::invalid(format!(
            "Message batch `{}` is still processing. Cancel it before it is deleted.",
            self.id
        )))
    }

    /// One JSON object a line, the last request first: no order may be relied upon.
    pub(super) fn results(&self) -> Result<String, PlatformError> {
        if self.ended_at.is_none() {
            return Err(PlatformError::not_found(format!(
                "Message batch `{}` has no results yet: it has not ended.",
                self.id
            )));
        }
        if self.archived_at.is_some() {
            return Err(PlatformError::not_found(format!(
                "The results of message batch `{}` are gone.",
                self.id
            )));
        }
        let lines =
            self.lines.iter().rev().map(|(line, result)| {
                format!("{}\n", json!({"custom_id": line.custom_id, "result": result}))
            });
        Ok(lines.collect())
    }
}
