//! Calls of the admin API and of the stand-in's control API, by curl.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::process;

/// A gateway's admin API.
pub(super) struct Admin<'a> {
    /// `http://127.0.0.1:port`.
    pub(super) address: &'a str,
    pub(super) key: &'a str,
}

impl Admin<'_> {
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        call("POST", self.address, path, Some(self.key), body)
    }

    /// A key for developers of the default workspace.
    pub(super) fn make_key(&self) -> Result<String> {
        let key = json!({ "name": "bench", "workspace_id": "ws-default", "scopes": ["completions.write"] });
        let made = self.post("/v1/api-keys/workspace/service", &key)?;
        Ok(made["key"].as_str().context("no key came back")?.to_owned())
    }
}

/// One call. Without a body when `body` is null.
pub(super) fn call(
    method: &str,
    address: &str,
    path: &str,
    key: Option<&str>,
    body: &Value,
) -> Result<Value> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail-with-body", "-X", method]);
    if let Some(key) = key {
        curl.arg("-H").arg(format!("x-portkey-api-key: {key}"));
    }
    if !body.is_null() {
        curl.args(["-H", "content-type: application/json", "-d"]).arg(body.to_string());
    }
    let said = process::listen_to(curl.arg(format!("{address}{path}")))?;
    ensure!(said.success, "{method} {path}: {} {}", said.stdout, said.stderr);
    serde_json::from_str(&said.stdout).with_context(|| format!("{method} {path} answered no JSON"))
}
