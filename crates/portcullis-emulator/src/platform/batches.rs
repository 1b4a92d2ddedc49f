//! Message batches. Each line is answered as a message would be, once the batch has ended.
//!
//! A batch ends by the emulator's clock: nothing runs in between, it is brought up to date when somebody looks.
//! Source: Claude API reference, "Message Batches".

mod batch;
mod read;

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, json_answer, no_handler};
use super::error::PlatformError;
use super::messages::Setting;
use super::query::{Listed as _, Query};
use super::resources::{Resources, Shelf};
use crate::answer::Answer;
use crate::state::State;
pub(super) use batch::{Batch, Fate};

/// How long a batch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    EndsAfter(Duration),
    /// Until somebody ends it, or for a day.
    UntilTold,
}

/// The batches of a workspace, oldest first.
#[derive(Debug, Default)]
pub(super) struct Batches(Vec<Batch>);

impl Batches {
    fn get(&mut self, id: &str) -> Result<&mut Batch, PlatformError> {
        let found = self.0.iter_mut().find(|batch| batch.id() == id);
        found.ok_or_else(|| PlatformError::not_found(format!("Message batch `{id}` not found.")))
    }
}

/// Answers `/v1/messages/batches…`.
pub(super) fn serve(
    call: Call<'_>,
    body: impl FnOnce() -> Result<Value, PlatformError>,
) -> Result<Answer, PlatformError> {
    let (method, path) = call.below("/v1/messages/batches");
    if (method, path.as_slice()) != ("GET", &[]) {
        Query::of(call.arrival, &[])?;
    }
    settle_all(call.state, &call.admitted.workspace);
    let now = call.now();
    match (method, path.as_slice()) {
        ("POST", []) => {
            let lines = read::lines(&body()?)?;
            let sequence = call.next_sequence();
            let batch = Batch::new(call, sequence, lines);
            let shown = batch.to_json();
            call.shelf(|shelf| shelf.batches.0.push(batch));
            // A pace of nothing has it ended for the next who asks, not in this answer.
            Ok(json_answer(&shown))
        }
        ("GET", []) => {
            let query = Query::of(call.arrival, &["after_id", "before_id", "limit"])?;
            let page =
                call.shelf(|shelf| query.cursor_page(&shelf.batches.0.iter().rev().collect::<Vec<_>>()))?;
            Ok(json_answer(&page))
        }
        ("GET", [id]) => call.shelf(|shelf| Ok(json_answer(&shelf.batches.get(id)?.to_json()))),
        ("GET", [id, "results"]) => call.shelf(|shelf| {
            let results = shelf.batches.get(id)?.results()?;
            Ok(Answer::whole(200, "application/x-jsonl", results))
        }),
        ("POST", [id, "cancel"]) => call.shelf(|shelf| {
            let batch = shelf.batches.get(id)?;
            batch.cancel(now)?;
            Ok(json_answer(&batch.to_json()))
        }),
        ("DELETE", [id]) => call.shelf(|shelf| {
            shelf.batches.get(id)?.check_deletable()?;
            shelf.batches.0.retain(|batch| batch.id() != *id);
            Ok(json_answer(&json!({"id": id, "type": "message_batch_deleted"})))
        }),
        _ => Err(no_handler()),
    }
}

/// Ends the batches of a workspace whose time has come.
fn settle_all(state: &State, workspace: &str) {
    let now = state.now();
    state.resources.with(workspace, |shelf| {
        let Shelf { batches, files, cache, .. } = shelf;
        for batch in &mut batches.0 {
            if let Some((at, fate)) = batch.due(now) {
                let setting = Setting { files, cache, resources: &state.resources, now: at };
                batch.end(at, fate, setting);
            }
        }
    });
}

/// What tests and the control API do to a batch of which they know the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    /// It ends now, all lines done.
    End,
    /// It ends now, what is not done expired.
    Expire,
    /// So many lines more are done; the batch goes on.
    Process(usize),
}

impl Resources {
    /// Whether there is such a batch, and it has not ended.
    pub(crate) fn push_batch(&self, state: &State, id: &str, push: Push) -> bool {
        let now = state.now();
        let pushed = self.find(|shelf| {
            let Shelf { batches, files, cache, .. } = shelf;
            let batch = batches.get(id).ok()?;
            let setting = Setting { files, cache, resources: self, now };
            Some(match push {
                _ if batch.has_ended() => false,
                Push::End => {
                    batch.end(now, Fate::Done, setting);
                    true
                }
                Push::Expire => {
                    batch.end(now, Fate::Expired, setting);
                    true
                }
                Push::Process(n_lines) => {
                    batch.process(n_lines, setting);
                    true
                }
            })
        });
        pushed.unwrap_or(false)
    }
}
