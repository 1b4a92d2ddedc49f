//! `curl` lines that are printed and run exactly as they are printed: through the shell, with the secrets in variables.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::environment::without_settings;
use crate::process;

/// The variables that the user has been told.
pub(super) struct Shell {
    exports: Vec<(&'static str, String)>,
}

impl Shell {
    pub(super) fn new() -> Self {
        Self { exports: Vec::new() }
    }

    /// Sets a variable for the lines to come, and shows it.
    pub(super) fn export(&mut self, name: &'static str, value: &str) {
        println!("    export {name}='{value}'");
        self.exports.push((name, value.to_owned()));
    }

    pub(super) fn title(&self, title: &str) {
        println!("\n── {title} ──\n");
    }

    /// Posts JSON, shows line and answer, and gives the answer. `header` says who asks.
    pub(super) fn post(&self, path: &str, header: &str, body: &str) -> Result<Value> {
        let answer = self.run_shown(&post_line("curl -sS", path, header, body))?;
        println!("{}", pretty(&answer));
        Ok(answer)
    }

    /// Posts JSON whose answer has a secret: shown is the answer without it.
    pub(super) fn post_for_secret(
        &self,
        path: &str,
        header: &str,
        body: &str,
        field: &str,
    ) -> Result<String> {
        let mut answer = self.run_shown(&post_line("curl -sS", path, header, body))?;
        let secret = answer[field]
            .as_str()
            .with_context(|| format!("the answer has no `{field}`: {}", pretty(&answer)))?
            .to_owned();
        answer[field] = "pcs_…".into();
        println!("{}\n", pretty(&answer));
        Ok(secret)
    }

    /// Posts JSON and shows the events of the answer as they come.
    pub(super) fn stream(&self, path: &str, header: &str, body: &str) -> Result<String> {
        let line = post_line("curl -sSN", path, header, body);
        println!("$ {line}\n");
        let (output, success) = process::lines_of(&mut self.command(&line), |line| println!("{line}"))?;
        ensure!(success, "curl failed");
        Ok(output)
    }

    /// Runs a command of ours and shows its lines as they come.
    pub(super) fn run_live(&self, line: &str) -> Result<()> {
        println!("\n$ {line}\n");
        let (_, success) = process::lines_of(&mut self.command(line), |line| println!("{line}"))?;
        ensure!(success, "`{line}` failed");
        Ok(())
    }

    /// Deletes without showing anything.
    pub(super) fn delete(&self, url: &str) -> Result<()> {
        let line = format!("curl -sS --fail-with-body -X DELETE {url}");
        let said = process::listen_to(&mut self.command(&line))?;
        ensure!(said.success, "curl failed: {}{}", said.stdout, said.stderr);
        Ok(())
    }

    /// Gets JSON without showing anything.
    pub(super) fn get(&self, url: &str) -> Result<Value> {
        let said = process::listen_to(&mut self.command(&format!("curl -sS --fail-with-body {url}")))?;
        ensure!(said.success, "curl failed: {}{}", said.stdout, said.stderr);
        serde_json::from_str(&said.stdout).with_context(|| format!("the answer is no JSON: {}", said.stdout))
    }

    /// Puts JSON without showing anything.
    pub(super) fn put(&self, url: &str, body: &Value) -> Result<()> {
        let body = body.to_string().replace('\'', "'\\''");
        let line = format!("curl -sS --fail-with-body -X PUT -d '{body}' {url}");
        let said = process::listen_to(&mut self.command(&line))?;
        ensure!(said.success, "curl failed: {}{}", said.stdout, said.stderr);
        Ok(())
    }

    fn run_shown(&self, line: &str) -> Result<Value> {
        println!("$ {line}\n");
        let said = process::listen_to(&mut self.command(line))?;
        ensure!(said.success, "curl failed: {}", said.stderr);
        serde_json::from_str(&said.stdout).with_context(|| format!("the answer is no JSON: {}", said.stdout))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        without_settings(&mut command).args(["-c", line]);
        command.envs(self.exports.iter().map(|(name, value)| (*name, value)));
        command
    }
}

fn post_line(curl: &str, path: &str, header: &str, body: &str) -> String {
    format!(
        "{curl} $PORTCULLIS{path} \\\n    -H \"{header}\" \\\n    -H 'content-type: application/json' \\\n    -d '{body}'"
    )
}

pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_runs_as_it_is_printed_with_its_variables() {
        let mut shell = Shell::new();
        shell.exports.push(("PORTCULLIS", "http://127.0.0.1:1".into()));
        shell.exports.push(("MODEL", "@claude/model".into()));
        let line = post_line("printf %s\\\\n", "/v1/x", "k", r#"{"model": "'$MODEL'"}"#);
        let (output, success) = process::lines_of(&mut shell.command(&line), |_| ()).unwrap();
        assert!(success);
        assert!(output.contains("http://127.0.0.1:1/v1/x\n"), "{output}");
        assert!(output.contains("{\"model\": \"@claude/model\"}"), "{output}");
    }
}
