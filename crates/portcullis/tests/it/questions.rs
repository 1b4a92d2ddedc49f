//! `portcullis setup` on a terminal: it asks for what it is not told.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::stage::Stage;

/// A terminal with a command in it, whose output goes elsewhere.
struct Terminal {
    screen: std::fs::File,
    /// What it has shown so far.
    shown: String,
}

impl Terminal {
    /// Starts the command: its questions and their answers go over the terminal.
    fn of(command: &mut Command) -> (Self, std::process::Child) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let end = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let child =
            command.stdin(end.try_clone().unwrap()).stderr(end).stdout(Stdio::piped()).spawn().unwrap();
        (Self { screen: master.into(), shown: String::new() }, child)
    }

    /// Types `reply` once `question` is on the screen.
    fn answer(&mut self, question: &str, reply: &str) {
        while !self.shown.contains(question) {
            let mut bytes = [0; 4096];
            let n = self.screen.read(&mut bytes).unwrap_or(0);
            assert!(n > 0, "it ended before it asked `{question}`: {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
        self.shown.clear();
        self.screen.write_all(reply.as_bytes()).unwrap();
    }
}

#[test]
fn setup_asks_on_a_terminal_for_what_it_is_not_told() {
    let stage = Stage::new(&[]);
    let mut command = crate::process::portcullis(stage.folder.path(), &["setup", "--json"]);
    command.env("PORTCULLIS_URL", format!("http://{}", stage.gateway.address));
    command.env("PORTCULLIS_API_KEY", &stage.admin_key).env("TERM", "xterm");
    let (mut terminal, child) = Terminal::of(&mut command);
    // Its own end must go, or the screen never ends.
    drop(command);
    terminal.answer("AWS region", "us-west-2\r");
    terminal.answer("workspace's id", "wrkspc_01AbC\r");
    terminal.answer("Another region", "n");
    terminal.answer("used for?", "\r");
    terminal.answer("Name of the IAM role", "\r");
    terminal.answer("AWS account", "123456789012\r");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", terminal.shown);
    let setup: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(setup["role_arn"], "arn:aws:iam::123456789012:role/portcullis-claude");
    assert_eq!(setup["targets"][0]["workspace_id"], "wrkspc_01AbC");
}
