//! What becomes of a batch whose worker is killed, or whose upstream fails: it goes on, and no part of it runs twice.

use std::time::Duration;

use portcullis_gateway::Gateway;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::platform::{Manner, Platform};
use super::scene::{Scene, Tenant, line};

const MODEL: &str = "@claude/claude-haiku-4-5";
/// Longer than a lease.
const LEASE: Duration = Duration::from_secs(301);

/// A batch whose gateway is killed as soon as the upstream has the request in hand.
async fn killed_while_sending(platform: &Platform, scene: &Scene, tenant: &Tenant) -> Value {
    let arrived = platform.arrived.notified();
    let made = tenant.batch_of(&[line("first", MODEL, "1"), line("second", MODEL, "2")]).await;
    arrived.await;
    scene.kill();
    // Its lease ends by itself.
    scene.clock.advance(LEASE);
    made["id"].clone()
}

async fn work(gateway: &Gateway, scene: &Scene) {
    for _ in 0..20 {
        gateway.work_on_batches().await.unwrap();
        scene.clock.advance(Duration::from_secs(300));
    }
}

async fn output(tenant: &Tenant, batch: &Value) -> Vec<(String, String)> {
    let path = format!("/v1/files/{}/content", batch["output_file_id"].as_str().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = tenant.lines(&path).await;
    let content = |line: &Value| text(&line["response"]["body"]["choices"][0]["message"]["content"]);
    lines.iter().map(|line| (text(&line["custom_id"]), content(line))).collect()
}

fn answered() -> Vec<(String, String)> {
    [("first", "answer to 1"), ("second", "answer to 2")].map(|(id, text)| (id.into(), text.into())).into()
}

#[tokio::test]
async fn a_part_that_arrived_before_its_worker_was_killed_is_found_and_not_sent_again() {
    let platform = Platform::new(Manner::TakesAndIsSilent).await;
    let scene = Scene::before(&platform.base).await;
    let tenant = scene.tenant().await;
    let id = killed_while_sending(&platform, &scene, &tenant).await;
    // Others have batches of as many requests there.
    platform.add_somebody_elses(2);
    platform.add_somebody_elses(2);
    platform.now(Manner::Answers);
    let (another, _) = scene.another_gateway(|_| ()).await;
    work(&another, &scene).await;
    let tenant = tenant.at(&another);
    let batch = tenant.batch(&id).await;
    assert_eq!((&batch["status"], platform.n_posts()), (&json!("completed"), 1), "{batch}");
    assert_eq!(output(&tenant, &batch).await, answered());
}

#[tokio::test]
async fn a_part_that_never_arrived_is_sent_again() {
    let platform = Platform::new(Manner::IsSilent).await;
    let scene = Scene::before(&platform.base).await;
    let tenant = scene.tenant().await;
    let id = killed_while_sending(&platform, &scene, &tenant).await;
    platform.add_somebody_elses(2);
    platform.now(Manner::Answers);
    let (another, _) = scene.another_gateway(|_| ()).await;
    work(&another, &scene).await;
    let tenant = tenant.at(&another);
    let batch = tenant.batch(&id).await;
    assert_eq!((&batch["status"], platform.n_posts()), (&json!("completed"), 2), "{batch}");
    assert_eq!(output(&tenant, &batch).await, answered());
}

#[tokio::test]
async fn an_upstream_that_has_no_time_is_asked_again_and_one_that_refuses_is_believed() {
    let platform = Platform::new(Manner::Refuses(529)).await;
    let scene = Scene::before(&platform.base).await;
    let tenant = scene.tenant().await;
    let made = tenant.batch_of(&[line("first", MODEL, "1"), line("second", MODEL, "2")]).await;
    work(&scene.gateway, &scene).await;
    let n_refused = platform.n_posts();
    assert!(n_refused > 1, "{n_refused}");
    platform.now(Manner::Answers);
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!((&batch["status"], platform.n_posts()), (&json!("completed"), n_refused + 1), "{batch}");

    platform.now(Manner::Refuses(413));
    let made = tenant.batch_of(&[line("first", MODEL, "1")]).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(
        (&batch["status"], &batch["errors"]["data"][0]["code"]),
        (&json!("failed"), &json!("request_too_large")),
        "{batch}"
    );
    assert_eq!(platform.n_posts(), n_refused + 2);
}

#[tokio::test]
async fn two_gateways_at_once_send_a_batch_once() {
    let platform = Platform::new(Manner::Answers).await;
    let scene = Scene::before(&platform.base).await;
    let tenant = scene.tenant().await;
    let (another, _): (Gateway, CancellationToken) = scene.another_gateway(|_| ()).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(tenant.batch_of(&[line(&format!("{n}"), MODEL, "1")]).await["id"].clone());
    }
    for _ in 0..10 {
        let (one, other) = tokio::join!(scene.gateway.work_on_batches(), another.work_on_batches());
        one.unwrap();
        other.unwrap();
        scene.clock.advance(Duration::from_secs(2));
    }
    for id in &ids {
        assert_eq!(tenant.batch_when_over(id).await["status"], "completed");
    }
    assert_eq!(platform.n_posts(), 3);
}
