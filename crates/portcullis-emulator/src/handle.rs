//! A serving emulator in the hands of a test: change what exists, break things, read what was seen.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::journal::{Counters, LoggedRequest};
use crate::platform::{Pace, Push};
use crate::session::SessionOrigin;
use crate::state::State;
use crate::sts::{StsBehaviour, StsMode};
use crate::world::World;

/// A serving emulator. Dropping it stops the emulator.
#[derive(Debug)]
pub struct EmulatorHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<io::Result<()>>,
}

impl EmulatorHandle {
    pub(crate) fn new(addr: SocketAddr, state: Arc<State>, task: JoinHandle<io::Result<()>>) -> Self {
        Self { addr, state, task }
    }

    /// `http://<addr>`, for both STS and the platform.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The world as it is now.
    #[must_use]
    pub fn world(&self) -> World {
        self.state.world().clone()
    }

    /// Changes the world.
    pub fn change_world(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.state.world());
    }

    /// Every request since the start or the last clearing.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state.journal.requests()
    }

    /// The body of a platform request, byte for byte; `request_id` is that of its answer. `None` for one that is not
    /// known, or that later ones have displaced: 64 MiB are kept.
    #[must_use]
    pub fn request_body(&self, request_id: &str) -> Option<Bytes> {
        self.state.journal.body(request_id)
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state.journal.counters()
    }

    /// Empties log and counters.
    pub fn clear_requests(&self) {
        self.state.journal.clear();
    }

    /// Every request since the start or the last time they were taken. The counters stay.
    #[must_use]
    pub fn take_requests(&self) -> Vec<LoggedRequest> {
        self.state.journal.take_requests()
    }

    /// Sets how STS behaves, everywhere.
    pub fn set_sts_mode(&self, mode: StsMode) {
        self.state.set_sts(mode.into());
    }

    /// Sets how STS behaves to requests that are signed for one of these regions; elsewhere all is well.
    pub fn set_sts_mode_in(&self, regions: &[&str], mode: StsMode) {
        let regions = Some(regions.iter().map(|region| (*region).to_owned()).collect());
        self.state.set_sts(StsBehaviour { regions, ..mode.into() });
    }

    /// Sets how STS behaves to the next `times` requests; then all is well.
    pub fn set_sts_mode_times(&self, mode: StsMode, times: u32) {
        self.state.set_sts(StsBehaviour { times: Some(times), ..mode.into() });
    }

    /// Whose the temporary credentials of this access key id are, and what was said to get them. `None` for an id
    /// that STS never gave out. Ended sessions stay known.
    #[must_use]
    pub fn session_origin(&self, access_key_id: &str) -> Option<SessionOrigin> {
        self.state.session_origin(access_key_id)
    }

    /// Sets the emulator's clock against the one it was built with.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.state.set_clock_offset(seconds);
    }

    /// Ends all sessions now.
    pub fn expire_sessions(&self) {
        self.state.expire_sessions();
    }

    /// Ends the session of this access key id now.
    pub fn expire_session(&self, access_key_id: &str) {
        self.state.expire_sessions_where(|session| session.access_key_id == access_key_id);
    }

    /// Has new sessions said to last so many seconds, however long they do; `None` for the truth.
    pub fn announce_seconds(&self, seconds: Option<u32>) {
        self.state.announce_seconds(seconds);
    }

    /// Ends the credentials that the sources handed out; the next one who asks them gets new ones.
    pub fn rotate_sources(&self) {
        self.state.rotate_sources();
    }

    /// Applies a script directive, such as `529`, to the next `times` messages requests.
    pub fn queue_directive(&self, directive: &str, times: u32) {
        self.state.queue_directive(directive, times);
    }

    /// Has batches that are made from now on end so long after their creation; `None` leaves them processing until
    /// they are told. It is one second at first.
    pub fn set_batch_pace(&self, ends_after: Option<Duration>) {
        self.state.resources.set_pace(ends_after.map_or(Pace::UntilTold, Pace::EndsAfter));
    }

    /// Ends a batch now, with all its lines done. False if there is none that has not ended.
    #[must_use]
    pub fn end_batch(&self, id: &str) -> bool {
        self.state.resources.push_batch(&self.state, id, Push::End)
    }

    /// Has what is not done of a batch expire now. False if there is none that has not ended.
    #[must_use]
    pub fn expire_batch(&self, id: &str) -> bool {
        self.state.resources.push_batch(&self.state, id, Push::Expire)
    }

    /// Does so many lines more of a batch, which goes on. False if there is none that has not ended.
    #[must_use]
    pub fn process_batch(&self, id: &str, n_lines: usize) -> bool {
        self.state.resources.push_batch(&self.state, id, Push::Process(n_lines))
    }
}

impl Drop for EmulatorHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
