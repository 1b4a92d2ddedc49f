//! What the stand-in for AWS saw and verified, from its control API.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::shell::{Shell, pretty};
use crate::stack::Emulator;

/// The requests whose verification is worth showing, by their IAM action.
const ASSUME_ROLE: &str = "sts:AssumeRole";
const CREATE_INFERENCE: &str = "aws-external-anthropic:CreateInference";
/// The role of the emulator's example world.
const ROLE: &str = "portcullis-claude";
/// The demo asks Claude three times.
const QUESTIONS: usize = 3;

/// Puts an external ID into the trust policy of the role, and shows the policy.
pub(super) fn trust(shell: &Shell, emulator: &Emulator, external_id: &str) -> Result<()> {
    let world = shell.get(&format!("{}/_emulator/world", emulator.address))?;
    let mut role = world["roles"][ROLE].clone();
    let statement = role.pointer_mut("/trust_policy/Statement/0");
    let statement = statement.context("the emulator's role has no trust policy")?;
    statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": external_id}});
    println!("{}", pretty(&role["trust_policy"]));
    shell.put(&format!("{}/_emulator/roles/{ROLE}", emulator.address), &role)
}

/// Shows what was verified.
///
/// # Errors
/// When a request is missing or was refused.
pub(super) fn show(shell: &Shell, emulator: &Emulator) -> Result<()> {
    shell.title("What the stand-in for AWS verified");
    let seen = shell.get(&format!("{}/_emulator/requests", emulator.address))?;
    let requests = seen["requests"].as_array().context("the emulator's log has no `requests`")?;
    let of = |operation: &str| -> Vec<&Value> {
        requests.iter().filter(|request| request["operation"] == operation).collect()
    };
    let (assumed, asked) = (of(ASSUME_ROLE), of(CREATE_INFERENCE));
    ensure!(!assumed.is_empty(), "no role was assumed");
    ensure!(asked.len() == QUESTIONS, "Claude was asked {} times instead of {QUESTIONS}", asked.len());
    for request in assumed.iter().chain(&asked) {
        ensure!(request["verified"] == true && request["status"] == 200, "a request was refused: {request}");
    }
    println!("{}", text(&assumed, &asked).trim_end());
    Ok(())
}

/// Two blocks: how the role was assumed, and how each question was signed.
fn text(assumed: &[&Value], asked: &[&Value]) -> String {
    let mut text = format!("AssumeRole, {} time(s) for {} questions:\n", assumed.len(), asked.len());
    for request in assumed {
        text.push_str(&lines(
            request,
            &[
                ("by", "principal_arn"),
                ("role", "role_arn"),
                ("external ID", "external_id"),
                ("session", "session_name"),
            ],
        ));
    }
    text.push_str("\nEach question's signature, byte for byte:\n");
    for request in asked {
        let fields = [
            ("by", "principal_arn"),
            ("scope", "region"),
            ("service", "service"),
            ("workspace", "workspace"),
            ("model", "model"),
            ("signed headers", "signed_headers"),
            ("body SHA-256", "body_sha256"),
        ];
        text.push_str(&lines(request, &fields));
        text.push('\n');
    }
    text
}

fn lines(request: &Value, fields: &[(&str, &str)]) -> String {
    let lines = fields.iter().map(|(name, field)| format!("  ✓ {name:<15} {}\n", words(&request[*field])));
    lines.collect()
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(" "),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_verified_reads_as_a_list() {
        let assumed =
            json!({"principal_arn": "arn:aws:iam::111122223333:user/gateway", "external_id": "pcs-1"});
        let asked = json!({"region": "us-west-2", "signed_headers": ["host", "x-amz-date"]});
        let text = text(&[&assumed], &[&asked]);
        assert!(text.contains("✓ external ID     pcs-1\n"), "{text}");
        assert!(text.contains("✓ signed headers  host x-amz-date\n"), "{text}");
        assert!(text.contains("✓ workspace       none\n"), "{text}");
    }
}
