//! One admitted request on its way to a resource.

use std::time::SystemTime;

use serde_json::Value;

use super::admission::Admitted;
use super::error::PlatformError;
use super::protocol::Protocol;
use super::resources::Shelf;
use crate::answer::Answer;
use crate::server::Arrival;
use crate::state::State;

/// What every resource needs to know of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) state: &'a State,
    pub(super) arrival: &'a Arrival,
    pub(super) admitted: &'a Admitted,
    pub(super) protocol: &'a Protocol,
}

impl<'a> Call<'a> {
    pub(super) fn now(&self) -> SystemTime {
        self.state.now()
    }

    /// The method, and the segments of the path after `/v1/` and the resource's own name.
    pub(super) fn below(&self, resource: &str) -> (&'a str, Vec<&'a str>) {
        let rest = self.arrival.path.strip_prefix(resource).unwrap_or_default();
        (&self.arrival.method, rest.split('/').filter(|segment| !segment.is_empty()).collect())
    }

    /// What the request's workspace holds.
    pub(super) fn shelf<T>(&self, work: impl FnOnce(&mut Shelf) -> T) -> T {
        self.state.resources.with(&self.admitted.workspace, work)
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.state.resources.next_sequence()
    }
}

/// An answer of JSON.
pub(super) fn json_answer(value: &Value) -> Answer {
    Answer::whole(200, "application/json", value.to_string())
}

/// The route table let through what no handler takes: a mistake in the emulator.
pub(super) fn no_handler() -> PlatformError {
    PlatformError::new(501, "api_error", "The emulator authorises this route but does not serve it.")
}
