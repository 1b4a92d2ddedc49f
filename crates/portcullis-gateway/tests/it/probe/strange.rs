//! Something else than the service answers, with 200 and some JSON.

use std::sync::Arc;

use portcullis_credentials::verification::{PlatformCredentials, ProbeFailure, ProbesPlatform};
use portcullis_emulator::world::WORKSPACE_ID;
use portcullis_gateway::{GatewaySettings, PlatformProbe};
use portcullis_types::{ApiKeyHeader, ClaudePlatformAws, ClockSkew, SystemClock};
use serde_json::{Value, json};

use super::scene::{api_key, subject};
use crate::upstream::{Ending, Upstream};

/// A probe of an upstream that answers everything with `body`.
async fn probe_of(body: Value) -> PlatformProbe {
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
    let answer = format!("{head}: {}\r\n\r\n{body}", body.len());
    let upstream = Upstream::start(vec![answer.into_bytes()], Ending::Close).await;
    let upstream_base = format!("http://{}", upstream.address).parse().unwrap();
    let settings = GatewaySettings { upstream_base, ..GatewaySettings::default() };
    PlatformProbe::new(&settings, Arc::new(SystemClock), Arc::new(ClockSkew::default())).unwrap()
}

fn platform() -> ClaudePlatformAws {
    subject(api_key("key", ApiKeyHeader::default())).platform
}

async fn workspace(body: Value) -> Result<String, ProbeFailure> {
    let key = "key".into();
    let credentials = PlatformCredentials::ApiKey { key: &key, header: ApiKeyHeader::default() };
    let answer = probe_of(body).await.get_workspace(&platform(), credentials).await;
    answer.map(|answer| answer.evidence)
}

async fn models(body: Value) -> Result<Vec<String>, ProbeFailure> {
    let key = "key".into();
    let credentials = PlatformCredentials::ApiKey { key: &key, header: ApiKeyHeader::default() };
    let answer = probe_of(body).await.list_models(&platform(), credentials).await;
    answer.map(|listed| listed.ids)
}

#[tokio::test]
async fn an_entry_of_another_workspace_is_no_workspace() {
    let named = workspace(json!({"id": WORKSPACE_ID, "name": "Team"})).await.unwrap();
    assert!(named.ends_with(": Team"), "{named}");
    for strange in
        [json!({}), json!([]), json!({"status": "ok"}), json!({"id": "wrkspc_other", "name": "Team"})]
    {
        let failure = workspace(strange.clone()).await.unwrap_err();
        assert_eq!(failure.explained.code, "bad_upstream_response", "{strange}");
        assert!(failure.evidence.contains("`/id`"), "{}", failure.evidence);
    }
}

#[tokio::test]
async fn a_list_of_something_else_is_no_list_of_models() {
    assert_eq!(models(json!({"data": [{"id": "claude-opus-5"}]})).await.unwrap(), ["claude-opus-5"]);
    assert_eq!(models(json!({"data": []})).await.unwrap(), Vec::<String>::new());
    for strange in
        [json!({}), json!({"data": {}}), json!({"data": [{"name": "x"}]}), json!({"data": ["claude"]})]
    {
        let failure = models(strange.clone()).await.unwrap_err();
        assert_eq!(failure.explained.code, "bad_upstream_response", "{strange}");
    }
}
