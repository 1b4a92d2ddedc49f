//! Child processes: run to their end, or kept as a [`Service`] until dropped. None outlives xtask.
//!
//! Each child leads a process group of its own, so that a signal reaches what it started as well (cargo's compilers,
//! a shell's curl), and so that Ctrl-C in a terminal reaches the servers through us, in our order, and not behind our
//! back.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::interrupt;

/// The process groups that are alive.
static GROUPS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Sends a signal (`TERM`, `KILL`) to every child there is.
pub(crate) fn signal_all(signal: &str) {
    let groups: Vec<u32> = GROUPS.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
    for group in groups {
        signal_group(group, signal);
    }
}

/// Through the shell's own `kill`: the standard library knows only `SIGKILL`, and only for one process.
fn signal_group(group: u32, signal: &str) {
    let script = format!("kill -s {signal} -- -{group}");
    // It fails when the group has just gone, which is what was wanted.
    let _ = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).stderr(Stdio::null()).status();
}

/// A child that is registered for as long as it is not reaped.
struct Running {
    child: Child,
}

impl Running {
    fn spawn(command: &mut Command) -> Result<Self> {
        interrupt::check()?;
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run `{}`", program(command)))?;
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).insert(child.id());
        // A signal that came between the check and the registration has missed this child.
        if interrupt::happened() {
            signal_group(child.id(), "TERM");
        }
        Ok(Self { child })
    }

    /// Waits for the end, at most `limit`.
    fn wait_at_most(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            // The standard library cannot wait for a child with a limit, so we look every few milliseconds.
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            signal_group(self.child.id(), "KILL");
            let _ = self.child.wait();
        }
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.child.id());
    }
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Runs a command to its end, with our own output, and says whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let mut running = Running::spawn(command)?;
    let status = running.child.wait()?;
    interrupt::check()?;
    Ok(status.success())
}

/// Runs a command to its end, with our own output.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if succeeds(command)? { Ok(()) } else { bail!("`{}` failed", line(command)) }
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end and keeps what it says on both outputs.
pub(crate) fn listen_to(command: &mut Command) -> Result<Said> {
    let mut running = Running::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let stderr = running.child.stderr.take().context("stderr is a pipe")?;
    let stderr = std::thread::spawn(move || std::io::read_to_string(stderr));
    let stdout = running.child.stdout.take().context("stdout is a pipe")?;
    let stdout = std::io::read_to_string(stdout)?;
    let stderr = stderr.join().ok().context("the reader of stderr panicked")??;
    let success = running.child.wait()?.success();
    interrupt::check()?;
    Ok(Said { success, stdout, stderr })
}

/// Runs a command whose standard output is wanted; its standard error is shown as it comes.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let (output, success) = lines_of(command, |_| ())?;
    if success { Ok(output) } else { bail!("`{}` failed", line(command)) }
}

/// Runs a command and hands each line of its standard output over as it comes. Returns all of it, and whether the
/// command succeeded.
pub(crate) fn lines_of(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<(String, bool)> {
    use std::io::BufRead;
    let mut running = Running::spawn(command.stdout(Stdio::piped()))?;
    let stdout = running.child.stdout.take().context("stdout is a pipe")?;
    let mut reader = std::io::BufReader::new(stdout);
    let mut all = String::new();
    let mut raw = Vec::new();
    while reader.read_until(b'\n', &mut raw)? > 0 {
        let text = String::from_utf8_lossy(&raw);
        on_line(text.trim_end_matches('\n'));
        all.push_str(&text);
        raw.clear();
    }
    let success = running.child.wait()?.success();
    interrupt::check()?;
    Ok((all, success))
}

/// A command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// How a service is asked to stop, and how long it may take.
#[derive(Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) signal: &'static str,
    pub(crate) grace: Duration,
}

impl Stop {
    /// What most servers take as "finish what you are doing".
    pub(crate) const TERMINATE: Self = Self { signal: "TERM", grace: Duration::from_secs(10) };
}

/// A server that runs until it is dropped.
pub(crate) struct Service {
    running: Running,
    stop: Stop,
}

impl Service {
    /// Starts a server.
    pub(crate) fn start(command: &mut Command, stop: Stop) -> Result<Self> {
        Ok(Self { running: Running::spawn(command)?, stop })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.running.child.id()
    }

    /// Waits until `ready` has an answer.
    ///
    /// # Errors
    /// When the server ends before, when Ctrl-C is pressed, or when it takes longer than `limit`.
    pub(crate) fn wait_until<T>(&mut self, limit: Duration, ready: impl Fn() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(answer) = ready() {
                return Ok(answer);
            }
            if let Some(status) = self.running.child.try_wait()? {
                bail!("it ended before it was ready ({status})");
            }
            if Instant::now() >= deadline {
                bail!("it was not ready after {} s", limit.as_secs());
            }
            if interrupt::wait(Duration::from_millis(10)) {
                bail!("interrupted");
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Once it is reaped, its number may belong to somebody else.
        if let Ok(None) = self.running.child.try_wait() {
            signal_group(self.running.child.id(), self.stop.signal);
            self.running.wait_at_most(self.stop.grace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_and_its_children_are_gone_when_it_is_dropped() {
        let folder = crate::scratch::Scratch::new("service").unwrap();
        let started = folder.path().join("started");
        let script = format!("sleep 600 & echo $! > {0}.tmp; mv {0}.tmp {0}; wait", started.display());
        let mut service = Service::start(Command::new("sh").args(["-c", &script]), Stop::TERMINATE).unwrap();
        let grandchild =
            service.wait_until(Duration::from_secs(10), || std::fs::read_to_string(&started).ok()).unwrap();
        drop(service);
        let alive = Command::new("sh")
            .args(["-c", &format!("kill -s CONT {}", grandchild.trim())])
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!alive.success() || is_zombie(grandchild.trim()), "the grandchild still runs");
    }

    /// A killed orphan stays visible until whoever adopted it reaps it.
    fn is_zombie(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    }

    #[test]
    fn a_service_that_ends_early_is_told_from_one_that_is_slow() {
        let mut service = Service::start(Command::new("sh").args(["-c", "exit 3"]), Stop::TERMINATE).unwrap();
        let error = service.wait_until::<()>(Duration::from_secs(10), || None).unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        let mut service = Service::start(Command::new("sleep").arg("600"), Stop::TERMINATE).unwrap();
        let error = service.wait_until::<()>(Duration::ZERO, || None).unwrap_err().to_string();
        assert!(error.contains("not ready after 0 s"), "{error}");
    }

    #[test]
    fn both_outputs_are_kept_and_a_failure_names_the_command() {
        let said = listen_to(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 1"])).unwrap();
        assert_eq!((said.success, said.stdout.as_str(), said.stderr.as_str()), (false, "out\n", "err\n"));
        let error = run(Command::new("sh").args(["-c", "exit 1"])).unwrap_err().to_string();
        assert_eq!(error, "`sh -c exit 1` failed");
    }
}
