//! `portcullis setup`: what an AWS account needs for an integration, made by the gateway, shown or written to files.

mod artefacts;
mod questions;

use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::cli::{SetupOptions, TargetOption, Usage};
use crate::client::AdminClient;
use artefacts::Artefacts;

/// Has the gateway make it, and shows it.
///
/// # Errors
/// [`Usage`] when something is missing and there is nobody to ask.
pub(crate) async fn run(mut options: SetupOptions) -> Result<()> {
    let client = AdminClient::new(&options.gateway)?;
    // Before external IDs are reserved for nothing.
    if let Some(folder) = &options.out {
        artefacts::refuse_to_overwrite(folder)?;
    }
    let answer = match &options.integration {
        Some(slug) => client.get(&["v1", "integrations", slug, "setup"]).await?,
        None => {
            complete(&mut options)?;
            client.post(&["v1", "integrations", "setup"], &body(&options)).await?
        }
    };
    let text = match (&options.out, options.json) {
        (None, true) => format!("{answer:#}\n"),
        (None, false) => Artefacts::read(answer)?.text(),
        (Some(folder), as_json) => {
            let artefacts = Artefacts::read(answer.clone())?;
            artefacts.write_to(folder)?;
            if as_json { format!("{answer:#}\n") } else { artefacts.summary(folder) }
        }
    };
    stdout().write_all(text.as_bytes()).context("failed to write to standard output")
}

/// Asks for what must be known, where there is somebody to ask.
fn complete(options: &mut SetupOptions) -> Result<()> {
    let missing = missing(options);
    if missing.is_empty() {
        return Ok(());
    }
    if stdin().is_terminal() && stderr().is_terminal() {
        return questions::ask(options);
    }
    let message = format!("missing: {}; on a terminal these are asked for", missing.join(", "));
    Err(Usage(message).into())
}

/// The flags that must be there and are not.
fn missing(options: &SetupOptions) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if options.targets.is_empty() && options.region.is_none() {
        missing.push("--region and --workspace (or --target)");
    }
    if options.role_name.is_none() {
        missing.push("--role-name");
    }
    missing
}

/// The body of `POST /v1/integrations/setup`. What is not given is left out: the gateway has the defaults.
fn body(options: &SetupOptions) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| value.map(|value| body.insert(name.to_owned(), value));
    put("name", options.name.as_ref().map(|name| json!(name)));
    put("region", options.region.as_ref().map(|region| json!(region)));
    put("workspace_id", options.workspace.as_ref().map(|workspace| json!(workspace)));
    let targets: Vec<_> = options.targets.iter().map(target).collect();
    put("targets", (!targets.is_empty()).then(|| json!(targets)));
    put("features", options.features.as_deref().map(features));
    put("role_name", options.role_name.as_ref().map(|name| json!(name)));
    put("role_path", options.role_path.as_ref().map(|path| json!(path)));
    put("account_id", options.account_id.as_ref().map(|id| json!(id)));
    put("gateway_principal", options.gateway_principal.as_ref().map(|arn| json!(arn.as_str())));
    put("restrict_to_workspaces", options.all_workspaces.then(|| json!(false)));
    put("session_tags", options.session_tags.then(|| json!(true)));
    put("source_identity", options.source_identity.then(|| json!(true)));
    put("duration_seconds", options.duration_seconds.map(|seconds| json!(seconds)));
    Value::Object(body)
}

fn target(target: &TargetOption) -> Value {
    let mut body = json!({ "region": target.region, "workspace_id": target.workspace_id });
    if let Some(name) = &target.name {
        body["name"] = json!(name);
    }
    body
}

/// A preset by its name, or a list.
fn features(raw: &str) -> Value {
    match raw.trim() {
        preset @ ("inference_only" | "full") => json!(preset),
        list => json!(list.split(',').map(str::trim).collect::<Vec<_>>()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn options(arguments: &[&str]) -> Box<SetupOptions> {
        let cli = Cli::try_parse_from(["portcullis", "setup"].iter().chain(arguments)).unwrap();
        let Command::Setup(options) = cli.command() else { panic!("it is the command setup") };
        options
    }

    #[test]
    fn only_what_is_given_is_sent() {
        let given =
            options(&["--region", "us-west-2", "--workspace", "wrkspc_01AbC", "--role-name", "claude"]);
        let expected = json!({"region": "us-west-2", "workspace_id": "wrkspc_01AbC", "role_name": "claude"});
        assert_eq!(body(&given), expected);
    }

    #[test]
    fn everything_that_can_be_given_is_sent() {
        let given = options(&[
            "--name",
            "Claude",
            "--target",
            "us-west-2=wrkspc_01AbC=prod",
            "--target",
            "eu-west-1=wrkspc_02DeF",
            "--features",
            "inference, files",
            "--role-name",
            "claude",
            "--role-path",
            "/gateways/",
            "--account-id",
            "123456789012",
            "--gateway-principal",
            "arn:aws:iam::210987654321:role/gateway",
            "--all-workspaces",
            "--session-tags",
            "--source-identity",
            "--duration-seconds",
            "7200",
        ]);
        let expected = json!({
            "name": "Claude",
            "targets": [
                {"region": "us-west-2", "workspace_id": "wrkspc_01AbC", "name": "prod"},
                {"region": "eu-west-1", "workspace_id": "wrkspc_02DeF"},
            ],
            "features": ["inference", "files"],
            "role_name": "claude",
            "role_path": "/gateways/",
            "account_id": "123456789012",
            "gateway_principal": "arn:aws:iam::210987654321:role/gateway",
            "restrict_to_workspaces": false,
            "session_tags": true,
            "source_identity": true,
            "duration_seconds": 7200,
        });
        assert_eq!(body(&given), expected);
        assert_eq!(features("full"), json!("full"));
    }

    #[test]
    fn what_must_be_there_is_named() {
        assert_eq!(missing(&options(&[])), ["--region and --workspace (or --target)", "--role-name"]);
        assert_eq!(missing(&options(&["--target", "us-west-2=wrkspc_01AbC"])), ["--role-name"]);
    }
}
