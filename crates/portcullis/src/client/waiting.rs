//! What a person sees while nothing happens: after two seconds, that something is still being waited for.

use std::future::Future;
use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, interval_at};

/// Nobody wonders before.
const SILENCE: Duration = Duration::from_secs(2);
/// On a terminal the line is rewritten; a log gets few of them.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// A wait, and what was said of it. What it says goes to standard error and leaves nothing behind on a terminal.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// For whom or what.
    whom: String,
    since: Instant,
    line: Line,
}

/// Where the last notice stands.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Clean,
    Notice,
}

impl Waiting {
    pub(crate) fn for_an_answer(whom: &str) -> Self {
        Self { whom: whom.to_owned(), since: Instant::now(), line: Line::Clean }
    }

    /// `future`'s output; meanwhile says that it is being waited for.
    pub(crate) async fn until<T>(&mut self, future: impl Future<Output = T>) -> T {
        let on_terminal = stderr().is_terminal();
        let period = if on_terminal { Duration::from_secs(1) } else { LOG_PERIOD };
        let mut future = pin!(future);
        let mut notices = interval_at((self.since + SILENCE).max(Instant::now()), period);
        loop {
            tokio::select! {
                biased;
                output = &mut future => { self.clear(); return output }
                _ = notices.tick() => self.notice(on_terminal),
            }
        }
    }

    /// Something has come: the next wait begins now.
    ///
    /// - `whom`: for whom or what.
    pub(crate) fn answered(&mut self, whom: &str) {
        whom.clone_into(&mut self.whom);
        self.since = Instant::now();
    }

    fn notice(&mut self, on_terminal: bool) {
        let seconds = self.since.elapsed().as_secs();
        let (start, end) = if on_terminal { ("\r\x1b[2K", "") } else { ("", "\n") };
        let _ = write!(stderr(), "{start}waiting for {} ({seconds} s){end}", self.whom);
        if on_terminal {
            self.line = Line::Notice;
        }
    }

    fn clear(&mut self) {
        if std::mem::replace(&mut self.line, Line::Clean) == Line::Notice {
            let _ = write!(stderr(), "\r\x1b[2K");
        }
    }
}
