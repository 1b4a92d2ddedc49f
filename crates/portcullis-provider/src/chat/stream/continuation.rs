//! A turn that the upstream pauses may go on in a second stream, which belongs to the same answer.

use super::ChatStream;
use crate::anthropic::paused::PausedTurn;

impl ChatStream {
    /// The same for an answer whose turn may be continued so many times when the upstream pauses it. After that, or
    /// without it, a pause ends the answer with `finish_reason: "length"`.
    ///
    /// Whoever allows continuations does one of two things at [`Flow::Paused`](super::Flow::Paused): sends
    /// [`PausedTurn::next_body`] of [`ChatStream::paused`], says [`ChatStream::resume`] and pushes the events of what
    /// comes, read by a decoder of its own; or ends the answer with [`ChatStream::give_up`].
    #[must_use]
    pub fn with_continuations(mut self, continuations: u8) -> Self {
        self.assembly.allow(continuations);
        self
    }

    /// The turn so far, after [`Flow::Paused`](super::Flow::Paused).
    pub fn paused(&self) -> Option<PausedTurn> {
        self.assembly.paused().filter(|_| !self.failed)
    }

    /// What is pushed from here on goes on with the paused turn: same id, model and time, blocks and calls counted on,
    /// and the usage at the end is the sum. Without a paused turn this changes nothing.
    pub fn resume(&mut self) {
        if !self.failed {
            self.assembly.resume();
        }
    }

    /// Ends the answer where the upstream paused it, with what there is. Without a paused turn this changes nothing.
    pub fn give_up(&mut self, out: &mut Vec<u8>) {
        if self.may_go_on() {
            self.assembly.allow(0);
            self.stop(out);
        }
    }

    pub(super) fn may_go_on(&self) -> bool {
        !self.failed && self.assembly.may_go_on()
    }
}
