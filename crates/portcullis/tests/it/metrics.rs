//! Metrics of the real binary: where they answer, to whom, and what they say.

use serde_json::json;

use crate::process::{address_in, eventually};
use crate::stage::Stage;
use crate::wire::{Answer, ask, get, post};

fn with_key(path: &str, key: &str) -> String {
    get(path).replacen("\r\n", &format!("\r\nx-portkey-api-key: {key}\r\n"), 1)
}

/// The line of a sample, by its name and labels.
fn value(page: &Answer, sample: &str) -> f64 {
    let line = page.body.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{sample}` in\n{}", page.body)).parse().unwrap()
}

#[test]
fn metrics_answer_an_organisations_key_on_the_admin_listener() {
    let stage = Stage::new(&[]);
    assert_eq!(ask(stage.gateway.address, get("/metrics")).status, 401);
    assert_eq!(ask(stage.gateway.address, with_key("/metrics", &stage.key)).status, 403);
    let page = ask(stage.gateway.address, with_key("/metrics", &stage.admin_key));
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(page.body.ends_with("# EOF\n"), "{}", page.body);
}

#[test]
fn metrics_have_a_listener_of_their_own_and_follow_what_happens() {
    let stage = Stage::new(&[("PORTCULLIS_METRICS_LISTEN", "127.0.0.1:0")]);
    let address = address_in(&stage.gateway.ready["metrics_address"]);
    let page = || ask(address, get("/metrics"));
    let elsewhere = ask(stage.gateway.address, with_key("/metrics", &stage.admin_key));
    assert_eq!(elsewhere.status, 404, "{elsewhere:?}");
    assert_eq!(ask(address, get("/v1/whoami")).status, 404, "nothing else answers there");

    let labels = r#"{organisation="default",integration="claude""#;
    let before = page();
    assert_eq!(
        value(&before, &format!("portcullis_integration_verification{labels},status=\"unverified\"}}")),
        1.0
    );
    assert_eq!(value(&before, "portcullis_integrations_left_out"), 0.0);
    assert!(before.body.contains("portcullis_build_info{version="), "{}", before.body);

    assert_eq!(ask(stage.gateway.address, stage.chat("hello", false)).status, 200);
    let verified =
        ask(stage.gateway.address, post("/v1/integrations/claude/verify", &stage.admin_key, &json!({})));
    assert_eq!(verified.json()["status"], "verified", "{verified:?}");
    let after = page();
    assert_eq!(
        value(&after, &format!("portcullis_integration_verification{labels},status=\"verified\"}}")),
        1.0
    );
    assert!(value(&after, "portcullis_assume_role_total{outcome=\"ok\"}") >= 1.0);
    assert_eq!(value(&after, "portcullis_sessions"), 1.0);
    let left = value(&after, &format!("portcullis_session_expiry_seconds{labels}}}"));
    assert!((3000.0..=3600.0).contains(&left), "{left}");
}

#[test]
fn sessions_are_made_at_the_start_before_anybody_asks() {
    let stage = Stage::new(&[]);
    let workspace = json!({
        "name": "Claude", "slug": "other", "ai_provider_id": "claude-platform-aws", "workspace_id": "ws-default",
        "configurations": {
            "aws_auth_type": "assumedRole", "aws_role_arn": "arn:aws:iam::123456789012:role/unknown",
            "aws_region": "us-west-2", "anthropic_aws_workspace_id": "wrkspc_01",
        },
    });
    stage.administer("/v1/integrations", &workspace);
    let listen = [("PORTCULLIS_METRICS_LISTEN", "127.0.0.1:0")];
    let warm = stage.another(&listen);
    let page = |gateway: &crate::process::Server| {
        ask(address_in(&gateway.ready["metrics_address"]), get("/metrics"))
    };
    eventually("a session is made and another one refused", || {
        let page = page(&warm);
        let calls = |outcome: &str| {
            page.body.contains(&format!("portcullis_assume_role_total{{outcome=\"{outcome}\"}} "))
        };
        (calls("ok") && calls("aws_assume_role_denied")).then_some(())
    });
    assert_eq!(value(&page(&warm), "portcullis_sessions"), 1.0);
    let cold = stage.another(&[listen[0], ("PORTCULLIS_WARM_UP", "false")]);
    assert_eq!(value(&page(&cold), "portcullis_sessions"), 0.0);
}
