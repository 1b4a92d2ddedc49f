//! Processes of the binary, with nothing of this process's environment, and with their output in files.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until there is an answer.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        pause(Duration::from_millis(5));
    }
}

/// Lets a moment pass between two looks, or between two pieces of a slow client.
pub(crate) fn pause(time: Duration) {
    std::thread::park_timeout(time);
}

/// The binary in a folder, listening on a free port, with an empty environment.
pub(crate) fn portcullis(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_clear().env("PORTCULLIS_LISTEN", "127.0.0.1:0");
    command
}

/// The same command under limits of a shell's `ulimit`, such as `-Sn 100`.
pub(crate) fn limited(command: &Command, limits: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {limits} && exec \"$0\" \"$@\"")).arg(command.get_program());
    shell.args(command.get_args()).current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// What a command that ends by itself said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A server that has said that it is ready. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    output: PathBuf,
    /// What it wrote into its ready file.
    pub(crate) ready: Value,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it and waits for its ready file.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::launch(command).when_ready()
    }

    /// Waits for its ready file.
    pub(crate) fn when_ready(mut self) -> Self {
        let path = self.ready_path();
        self.ready = eventually("the server is ready", || {
            assert!(!self.has_ended(), "it ended at its start");
            serde_json::from_slice(&fs::read(&path).ok()?).ok()
        });
        self.address = address_in(&self.ready["address"]);
        self
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(command: &mut Command) -> Self {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let folder = command.get_current_dir().unwrap();
        let output = folder.join(format!("output-{}", COUNTER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&output).unwrap();
        let file = |name: &str| File::create(output.join(name)).unwrap();
        command.arg("--ready-file").arg(output.join("ready"));
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        Self { child, output, ready: Value::Null, address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    pub(crate) fn ready_path(&self) -> PathBuf {
        self.output.join("ready")
    }

    /// Everything it has said on both outputs so far.
    pub(crate) fn log(&self) -> String {
        ["stdout", "stderr"].map(|name| fs::read_to_string(self.output.join(name)).unwrap()).concat()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The soft limit on open files, as the kernel has it.
    pub(crate) fn open_files_limit(&self) -> usize {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap();
        let row = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        row.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(sent.unwrap().success());
    }

    /// Sends SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the process ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

/// The socket address in `http://host:port`.
pub(crate) fn address_in(url: &Value) -> SocketAddr {
    url.as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
}
