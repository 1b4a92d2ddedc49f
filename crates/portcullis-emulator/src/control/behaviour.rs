//! The calls that set how things go: STS, the clock, scripted answers, batches.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{Refusal, no_such_call, read};
use crate::platform::{Pace, Push};
use crate::server::Arrival;
use crate::state::State;
use crate::sts::{StsBehaviour, StsMode};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOffset {
    offset_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnouncedSeconds {
    seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueuedDirective {
    directive: String,
    #[serde(default = "once")]
    times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchPace {
    ends_after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinesToProcess {
    lines: usize,
}

fn once() -> u32 {
    1
}

pub(super) fn set(state: &State, arrival: &Arrival, what: &str) -> Result<(), Refusal> {
    match what {
        "sts" => state.set_sts(read_sts(arrival)?),
        "clock" => state.set_clock_offset(read::<ClockOffset>(arrival)?.offset_seconds),
        "announced-seconds" => state.announce_seconds(read::<AnnouncedSeconds>(arrival)?.seconds),
        "batches" => {
            let ends_after_ms = read::<BatchPace>(arrival)?.ends_after_ms;
            let pace = ends_after_ms.map(|ms| Pace::EndsAfter(Duration::from_millis(ms)));
            state.resources.set_pace(pace.unwrap_or(Pace::UntilTold));
        }
        _ => return Err(no_such_call(arrival)),
    }
    Ok(())
}

pub(super) fn push_batch(state: &State, arrival: &Arrival, id: &str, how: &str) -> Result<(), Refusal> {
    let push = match how {
        "end" => Push::End,
        "expire" => Push::Expire,
        "process" => Push::Process(read::<LinesToProcess>(arrival)?.lines),
        _ => return Err(no_such_call(arrival)),
    };
    let found = state.resources.push_batch(state, id, push);
    found.then_some(()).ok_or_else(|| (404, format!("no batch {id} that has not ended")))
}

pub(super) fn queue(state: &State, arrival: &Arrival) -> Result<(), Refusal> {
    let queued = read::<QueuedDirective>(arrival)?;
    state.queue_directive(&queued.directive, queued.times.min(1000));
    Ok(())
}

/// A mode, which may say `regions` and `times` beside its own fields.
fn read_sts(arrival: &Arrival) -> Result<StsBehaviour, Refusal> {
    let wrong = |error: serde_json::Error| (400, error.to_string());
    let mut body = read::<serde_json::Map<String, Value>>(arrival)?;
    let regions = body.remove("regions").map(serde_json::from_value).transpose().map_err(wrong)?;
    let times = body.remove("times").map(serde_json::from_value).transpose().map_err(wrong)?;
    let mode: StsMode = serde_json::from_value(Value::Object(body)).map_err(wrong)?;
    Ok(StsBehaviour { regions, times, ..mode.into() })
}
