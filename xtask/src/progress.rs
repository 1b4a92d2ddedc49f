//! Says what is going on, and for how long, on standard error.

use std::fmt::Display;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long work may be silent before a sign of life.
const FIRST_SIGN: Duration = Duration::from_secs(2);
const NEXT_SIGN: Duration = Duration::from_secs(5);

/// Does work that prints nothing itself: it is announced, shows the time every few seconds, and says how it ended.
pub(crate) fn quiet<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (done, ticker) = mpsc::channel::<()>();
    let name = what.to_owned();
    let started = Instant::now();
    eprintln!("▸ {what} …");
    let signs = std::thread::spawn(move || {
        let mut pause = FIRST_SIGN;
        while ticker.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("  … {name}: {:.0} s", started.elapsed().as_secs_f64());
            pause = NEXT_SIGN;
        }
    });
    let result = work();
    drop(done);
    let _ = signs.join();
    finish(what, started, &result);
    result
}

/// Does work that shows its own progress: only its beginning and its end are announced.
pub(crate) fn loud<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    eprintln!("▸ {what}");
    let result = work();
    finish(what, started, &result);
    result
}

fn finish<T>(what: &str, started: Instant, result: &Result<T>) {
    let mark = if result.is_ok() { "✓" } else { "✗" };
    eprintln!("{mark} {what} ({})", seconds(started.elapsed()));
}

/// Something that happened, without a duration.
pub(crate) fn note(what: impl Display) {
    eprintln!("· {what}");
}

/// A duration as people say it.
pub(crate) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [
            (40, "0.0 s"),
            (2_340, "2.3 s"),
            (59_900, "59.9 s"),
            (60_000, "1 min 00 s"),
            (754_000, "12 min 34 s"),
        ];
        for (milliseconds, expected) in cases {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), expected);
        }
    }
}
