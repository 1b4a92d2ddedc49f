//! A gateway in front of the emulator, set up as a platform team would do it.

use std::path::Path;
use std::process::Command;

use portcullis_emulator::world;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Server, portcullis};
use crate::wire::{ask, get, post};

/// Both processes and their folder.
pub(crate) struct Stage {
    pub(crate) gateway: Server,
    pub(crate) emulator: Server,
    pub(crate) admin_key: String,
    pub(crate) key: String,
    pub(crate) folder: TempDir,
}

impl Stage {
    /// A gateway with these settings, a provider `@claude` and a developer's key.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let emulator = emulator(folder.path());
        let gateway = Server::start(&mut serve(folder.path(), &emulator, settings));
        Self::around(gateway, emulator, folder)
    }

    /// The same for processes that run.
    pub(crate) fn around(gateway: Server, emulator: Server, folder: TempDir) -> Self {
        let admin_key = gateway.ready["admin_key"].as_str().unwrap().to_owned();
        let mut stage = Self { gateway, emulator, admin_key, key: String::new(), folder };
        stage.set_up();
        stage
    }

    fn set_up(&mut self) {
        self.administer(
            "/v1/integrations",
            &json!({
                "name": "Claude", "slug": "claude", "ai_provider_id": "claude-platform-aws",
                "configurations": {
                    "aws_auth_type": "assumedRole", "aws_role_arn": world::ROLE_ARN, "aws_external_id": world::EXTERNAL_ID,
                    "aws_region": world::REGION, "anthropic_aws_workspace_id": world::WORKSPACE_ID,
                },
            }),
        );
        self.administer(
            "/v1/providers",
            &json!({"name": "Claude", "slug": "claude", "integration_id": "claude", "workspace_id": "ws-default"}),
        );
        let key = json!({"name": "laptop", "workspace_id": "ws-default", "scopes": ["completions.write"]});
        let made = self.administer("/v1/api-keys/workspace/service", &key);
        self.key = made["key"].as_str().unwrap().to_owned();
    }

    /// A call of the admin API that succeeds.
    pub(crate) fn administer(&self, path: &str, body: &Value) -> Value {
        let address = match &self.gateway.ready["admin_address"] {
            Value::Null => self.gateway.address,
            address => crate::process::address_in(address),
        };
        let answer = ask(address, post(path, &self.admin_key, body));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// A chat completion, as bytes to send.
    pub(crate) fn chat(&self, text: &str, stream: bool) -> String {
        post("/v1/chat/completions", &self.key, &question(text, stream))
    }

    /// A message in Anthropic's dialect, as bytes to send.
    pub(crate) fn message(&self, text: &str, stream: bool) -> String {
        post("/v1/messages", &self.key, &question(text, stream))
    }

    /// What the emulator has counted.
    pub(crate) fn counters(&self) -> Value {
        ask(self.emulator.address, get("/_emulator/requests")).json()["counters"].clone()
    }

    /// Answers that the gateway closed before their end.
    pub(crate) fn closed_early(&self) -> usize {
        self.counters()["closed_early"].as_array().unwrap().len()
    }

    /// Starts another gateway in the same folder.
    pub(crate) fn another(&self, settings: &[(&str, &str)]) -> Server {
        Server::start(&mut serve(self.folder.path(), &self.emulator, settings))
    }
}

/// A body of either dialect.
pub(crate) fn question(text: &str, stream: bool) -> Value {
    json!({
        "model": "@claude/claude-haiku-4-5", "max_tokens": 1000, "stream": stream,
        "messages": [{"role": "user", "content": text}],
    })
}

/// AWS, on this machine.
pub(crate) fn emulator(folder: &Path) -> Server {
    Server::start(&mut portcullis(folder, &["emulate", "--listen", "127.0.0.1:0"]))
}

/// The command for a gateway that takes the emulator for AWS.
pub(crate) fn serve(folder: &Path, emulator: &Server, settings: &[(&str, &str)]) -> Command {
    let mut command = portcullis(folder, &["serve"]);
    for (name, value) in emulator.ready["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    command.envs(settings.iter().copied());
    command
}
