//! The settings of the credential engine, as they work in the real binary.

use serde_json::json;

use crate::process::Server;
use crate::stage::{Stage, serve};
use crate::wire::{ask, get, post};

#[test]
fn an_sts_that_is_away_has_a_fall_back() {
    let stage = Stage::new(&[]);
    let fallback = format!("us-east-1=http://{}", stage.emulator.address);
    let away = ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let start =
        |settings: &[(&str, &str)]| Server::start(&mut serve(stage.folder.path(), &stage.emulator, settings));
    let alone = start(&[away]);
    let refused = ask(alone.address, stage.chat("hello", false));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("aws_sts_unavailable")));
    let helped = start(&[away, ("PORTCULLIS_STS_FALLBACKS", &fallback)]);
    let answer = ask(helped.address, stage.chat("hello", false));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn the_health_of_an_integration_tells_its_sessions_and_its_last_error() {
    let stage = Stage::new(&[]);
    let with_key = |path: &str| {
        get(path).replacen("\r\n", &format!("\r\nx-portkey-api-key: {}\r\n", stage.admin_key), 1)
    };
    let health = || ask(stage.gateway.address, with_key("/v1/integrations/claude/health")).json();
    assert_eq!(ask(stage.gateway.address, stage.chat("hello", false)).status, 200);
    let good = health();
    assert_eq!((&good["sessions"], &good["granted_duration_seconds"]), (&json!(1), &json!(3600)));
    assert!(
        good["last_success"].is_string() && good["expires_at"].is_string() && good["last_error"].is_null()
    );

    let change = json!({"configurations": {"aws_role_arn": "arn:aws:iam::123456789012:role/unknown"}});
    let put = post("/v1/integrations/claude", &stage.admin_key, &change).replacen("POST", "PUT", 1);
    assert_eq!(ask(stage.gateway.address, put).status, 200);
    // The data plane hears of the change in a moment.
    crate::process::eventually("the new role is refused", || {
        (ask(stage.gateway.address, stage.chat("hello", false)).status != 200).then_some(())
    });
    let bad = health();
    let error = &bad["last_error"];
    assert_eq!(
        (&error["code"], &error["fault"]),
        (&json!("aws_assume_role_denied"), &json!("operator")),
        "{bad}"
    );
    assert!(
        error["message"].as_str().unwrap().contains("is not authorized to perform: sts:AssumeRole"),
        "{bad}"
    );
}
