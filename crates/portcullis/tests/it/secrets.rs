//! Nothing secret in what the processes say, at their most talkative.

use crate::process::eventually;
use crate::stage::{Stage, question};
use crate::wire::{Connection, ask, post};
use serde_json::json;

#[test]
fn no_secret_and_no_text_is_in_the_log() {
    let encryption_key = "Zqm56dG1UzNhW8MkxcK7QQ5tdDvpnLZjkPEtwqDUCz0=";
    let mut stage = Stage::new(&[("RUST_LOG", "trace"), ("PORTCULLIS_ENCRYPTION_KEY", encryption_key)]);
    let stored = "canary-secret-access-key-000000000000000";
    stage.administer(
        "/v1/integrations",
        &json!({
            "name": "Keys", "slug": "keys", "ai_provider_id": "claude-platform-aws",
            "configurations": {
                "aws_auth_type": "accessKey", "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
                "aws_secret_access_key": stored, "aws_region": "us-west-2",
                "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
            },
        }),
    );
    let mut answers = String::new();
    for script in [
        "",
        "[[emulator:529]]",
        "[[emulator:error_mid_stream]]",
        "[[emulator:garbage]]",
        "[[emulator:cut_mid_stream]]",
    ] {
        for stream in [false, true] {
            let text = format!("canary-prompt {script}");
            let mut requests = vec![stage.chat(&text, stream), stage.message(&text, stream)];
            if script.is_empty() {
                requests.push(stage.chat("[[emulator:tool_use]] canary-prompt", stream));
            }
            for request in requests {
                let mut connection = Connection::open(stage.gateway.address);
                connection.send(request.replace("\r\nhost", "\r\nconnection: close\r\nhost"));
                answers += &connection.read_to_end();
            }
        }
    }
    let unknown = "pcs_canary-unknown-key";
    assert_eq!(ask(stage.gateway.address, post("/v1/messages", unknown, &json!({}))).status, 401);
    assert_eq!(
        ask(stage.gateway.address, post("/v1/messages", &stage.key, &json!("canary-prompt"))).status,
        400
    );
    crate::http2::ask_once(&stage, "canary-prompt");
    stage.gateway.terminate();
    stage.gateway.ended();

    let completion = "Hello from the emulator";
    let log = stage.gateway.log();
    let shown = log.matches(&stage.admin_key).count();
    let log = log
        .lines()
        .filter(|line| line.starts_with('{') || !line.contains(&stage.admin_key))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        log.contains("\"TRACE\"") && log.contains("request settled"),
        "nothing was logged, so nothing is proven"
    );
    assert_eq!(shown, 2, "to whoever started it, once by itself and once in an example");
    let env = &stage.emulator.ready["env"];
    for (what, secret) in [
        ("admin key", stage.admin_key.as_str()),
        ("developer's key", &stage.key),
        ("unknown key", unknown),
        ("encryption key", encryption_key),
        ("the gateway's AWS secret", env["AWS_SECRET_ACCESS_KEY"].as_str().unwrap()),
        ("a stored AWS secret", stored),
        ("session token", "IQoJ"),
        ("signature", "Signature="),
        ("prompt", "canary-prompt"),
        ("completion", completion),
    ] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{what}");
    }
    assert!(answers.contains("200 OK"));
}

#[test]
fn whoever_tries_keys_is_seen_without_them_and_cannot_fill_the_log() {
    let stage = Stage::new(&[]);
    let mut connection = Connection::open(stage.gateway.address);
    let mut refused = Vec::new();
    for number in 0..200 {
        let key = format!("pcs_canary-{number}");
        let answer = connection.ask(post("/v1/messages", &key, &json!({})));
        assert_eq!(answer.status, 401, "{answer:?}");
        refused.push(answer.header("x-request-id").unwrap().to_owned());
    }
    let admins = post("/v1/chat/completions", &stage.admin_key, &question("Hello", false));
    eventually("the next line comes, with the count of those that did not", || {
        ask(stage.gateway.address, &admins);
        let log = stage.gateway.log();
        let last = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).find(
            |line| {
                line["fields"]["error.code"] == "workspace_key_required"
                    && line["fields"]["lines.left_out"].as_u64().is_some_and(|left_out| left_out > 0)
            },
        )?;
        assert_eq!(
            (&last["level"], &last["fields"]["url.path"]),
            (&json!("INFO"), &json!("/v1/chat/completions"))
        );
        Some(())
    });
    let log = stage.gateway.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("\"invalid_api_key\"")).collect();
    assert!(
        lines[0].contains(&refused[0]) && lines[0].contains("\"client.address\":\"127.0.0.1:"),
        "{}",
        lines[0]
    );
    assert!(lines.len() < 100, "{} lines", lines.len());
    assert!(!log.contains("canary"), "no key is told");
}
