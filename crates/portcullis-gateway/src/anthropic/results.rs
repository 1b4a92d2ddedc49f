//! Watches the results of a batch pass by, for the files and containers that its messages name.

use portcullis_provider::envelope::made::in_result;

use super::made::Keeper;

/// The longest line that is looked into, in bytes. A message is no longer.
const LONGEST_LINE: usize = 32 * 1024 * 1024;

/// Results on their way, line by line.
pub(super) struct Results {
    keeper: Keeper,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
}

impl Results {
    pub(super) fn new(keeper: Keeper) -> Self {
        Self { keeper, line: Vec::new() }
    }

    /// Takes the next bytes, however they are cut.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.line.is_empty() {
                self.look(&rest[..end]);
            } else {
                self.hold(&rest[..end]);
                self.end();
            }
            rest = &rest[end + 1..];
        }
        self.hold(rest);
    }

    /// There are no more: the last line may have no end of its own.
    pub(super) fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.look(&line);
    }

    fn look(&self, line: &[u8]) {
        drop(self.keeper.keep(in_result(line)));
    }

    fn hold(&mut self, piece: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}
