//! Between those who log and where lines go: a bounded queue, and one thread that writes.
//!
//! Start at [`start`]. Whoever logs appends to a buffer and goes on; the thread swaps that buffer for an empty one and
//! writes it out. A reader that stops reading, as a stuck log collector does with its end of a pipe, so holds up this
//! one thread and no request: once the buffer is full, lines are counted instead of kept, and a line in their place says
//! how many, as soon as lines get out again.
//!
//! `tracing-appender` was looked at and not taken. Its guard prints to standard output when the thread is stuck, which is
//! often the same pipe, so the end of the process would hang on what the queue is there to avoid. It also bounds lines
//! and not bytes, and cannot say where lines are missing.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// What waits at most, in bytes: about a second of the busiest gateway. As much again may be on its way out.
pub(crate) const CAPACITY: usize = 4 * 1024 * 1024;

/// How long the thread lets lines gather once there is one. Waking it for each line costs a busy gateway two switches of
/// context a request; this costs fifty a second, and a line is late by no more than a person can see.
const GATHER: Duration = Duration::from_millis(20);

/// How long the end of the process waits for the last lines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// A buffer that grew beyond this in a burst is given back, in bytes.
const KEPT_BUFFER: usize = 64 * 1024;

/// Starts the thread that writes to `writer`. Ends when the [`Flush`] is dropped.
///
/// - `say_lost`: the line, with its line break, that tells of so many lost ones.
///
/// # Errors
/// When the operating system has no thread to give.
pub(crate) fn start<W, S>(
    writer: W,
    capacity: usize,
    patience: Duration,
    say_lost: S,
) -> io::Result<(QueuedLines, Flush)>
where
    W: Write + Send + 'static,
    S: Fn(usize) -> String + Send + 'static,
{
    let queue = Arc::new(Queue { capacity, ..Queue::default() });
    let outlet = Outlet { writer, say_lost, lost: 0 };
    let ours = Arc::clone(&queue);
    thread::Builder::new().name("portcullis-logs".into()).spawn(move || {
        let _finished = Finished(&ours);
        outlet.write_all_of(&ours);
    })?;
    Ok((QueuedLines(Arc::clone(&queue)), Flush { queue, patience }))
}

/// Takes lines and never waits. One call of `write` is one line.
#[derive(Clone, Debug)]
pub(crate) struct QueuedLines(Arc<Queue>);

impl<'writer> MakeWriter<'writer> for QueuedLines {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

impl Write for QueuedLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes out what waits, when dropped; gives up on a writer that is stuck.
#[derive(Debug)]
pub(crate) struct Flush {
    queue: Arc<Queue>,
    patience: Duration,
}

impl Drop for Flush {
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.is_closed = true;
        self.queue.changed.notify_all();
        // A thread that is still stuck then ends with the process.
        let _ = self.queue.changed.wait_timeout_while(waiting, self.patience, |waiting| !waiting.is_finished);
    }
}

#[derive(Debug, Default)]
struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whole lines.
    lines: Vec<u8>,
    /// Lines that came after those and found no room.
    lost: usize,
    is_closed: bool,
    is_finished: bool,
}

impl Waiting {
    fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }
}

impl Queue {
    /// Nothing under the lock leaves it half done, so a panic of one who held it spoils nothing.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        let was_idle = waiting.is_idle();
        // Once a line is lost so is every further one until the buffer is swapped, even if it would fit: all lost lines
        // are then missing in one place, and that place is said.
        if waiting.lost > 0 || waiting.lines.len() + line.len() > self.capacity {
            waiting.lost += 1;
        } else {
            waiting.lines.extend_from_slice(line);
        }
        drop(waiting);
        if was_idle {
            self.changed.notify_all();
        }
    }

    /// Waits for lines, swaps them into `batch`, which is empty, and says how many are missing after them. `None` at the
    /// end, when all are taken.
    fn take(&self, batch: &mut Vec<u8>) -> Option<usize> {
        let has_to_wait = |waiting: &mut Waiting| waiting.is_idle() && !waiting.is_closed;
        let waiting =
            self.changed.wait_while(self.lock(), has_to_wait).unwrap_or_else(PoisonError::into_inner);
        if waiting.is_idle() {
            return None;
        }
        // Whoever logs meanwhile finds the buffer in use and wakes nobody; the end of the process does.
        let gathered = self.changed.wait_timeout_while(waiting, GATHER, |waiting| !waiting.is_closed);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.lines, batch);
        Some(mem::take(&mut waiting.lost))
    }
}

/// Says that the thread is through, also when the writer panicked.
struct Finished<'a>(&'a Queue);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.lock().is_finished = true;
        self.0.changed.notify_all();
    }
}

/// The thread's side.
struct Outlet<W, S> {
    writer: W,
    say_lost: S,
    /// Lines that are missing after the last one written.
    lost: usize,
}

impl<W: Write, S: Fn(usize) -> String> Outlet<W, S> {
    fn write_all_of(mut self, queue: &Queue) {
        let mut batch = Vec::new();
        while let Some(lost_after) = queue.take(&mut batch) {
            self.tell_of_lost_lines();
            if self.write(&batch).is_err() {
                self.lost += batch.iter().filter(|byte| **byte == b'\n').count();
            }
            self.lost += lost_after;
            self.tell_of_lost_lines();
            batch.clear();
            batch.shrink_to(KEPT_BUFFER);
        }
    }

    fn tell_of_lost_lines(&mut self) {
        if self.lost > 0 {
            let line = (self.say_lost)(self.lost);
            if self.write(line.as_bytes()).is_ok() {
                self.lost = 0;
            }
        }
    }

    /// A failure has nowhere to be told, but for the count.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.writer.write_all(lines)?;
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests;
