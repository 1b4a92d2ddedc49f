//! Ctrl-C and `kill`: the children are told at once, the task comes to its end by itself, and all guards are dropped.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::process;

static HAPPENED: Mutex<bool> = Mutex::new(false);
static HAPPENING: Condvar = Condvar::new();

/// Starts to listen. The first signal asks every child to stop; a second one kills them and us.
pub(crate) fn listen() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        for (count, _) in signals.forever().enumerate() {
            if count > 0 {
                process::signal_all("KILL");
                std::process::exit(130);
            }
            *HAPPENED.lock().unwrap_or_else(PoisonError::into_inner) = true;
            HAPPENING.notify_all();
            process::signal_all("TERM");
        }
    });
    Ok(())
}

/// Whether a signal has come.
pub(crate) fn happened() -> bool {
    *HAPPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops the task if a signal has come.
///
/// # Errors
/// When one has.
pub(crate) fn check() -> Result<()> {
    if happened() {
        bail!("interrupted");
    }
    Ok(())
}

/// Waits for a signal, at most `limit`. True when one has come.
pub(crate) fn wait(limit: Duration) -> bool {
    let guard = HAPPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let (guard, _) = HAPPENING
        .wait_timeout_while(guard, limit, |happened| !*happened)
        .unwrap_or_else(PoisonError::into_inner);
    *guard
}

/// Waits for a signal, however long it takes.
pub(crate) fn wait_forever() {
    while !wait(Duration::from_secs(3600)) {}
}
