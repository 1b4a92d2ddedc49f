//! Who asks for errors instead of reports gets them: the provider, the key, the request.

use portcullis_catalog::ProviderPatch;
use portcullis_types::{OnUnsupported, TranslationSettings};
use serde_json::{Value, json};

use crate::native::scene::{Scene, Tenant, aws, everything};
use crate::stage::json as read;

/// A request with something that can only be ignored, and something that can only be emulated.
fn lossy() -> String {
    json!({
        "model": "@claude/claude-haiku-4-5", "max_tokens": 64, "seed": 7,
        "response_format": {"type": "json_object"},
        "messages": [{"role": "user", "content": "Hi"}],
    })
    .to_string()
}

async fn post(tenant: &Tenant<'_>, asked: Option<&str>) -> (u16, Option<String>, Value) {
    let mut request = tenant.openai("POST", "/v1/chat/completions");
    if let Some(asked) = asked {
        request = request.header("x-portcullis-on-unsupported", asked);
    }
    let response = tenant.send(request.body(lossy().into())).await;
    let warnings = response.headers().get("x-portcullis-warnings");
    let warnings = warnings.map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), warnings, read(response).await)
}

#[tokio::test]
async fn what_is_lost_is_told_or_refused_as_the_request_wishes() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let (status, warnings, _) = post(&tenant, None).await;
    assert_eq!(status, 200);
    assert_eq!(warnings.as_deref(), Some("ignored:seed,emulated:response_format.json_object"));
    let (status, _, refusal) = post(&tenant, Some("error")).await;
    assert_eq!((status, &refusal["error"]["param"]), (400, &json!("seed")), "{refusal}");
    let (status, _, refusal) = post(&tenant, Some("perhaps")).await;
    assert_eq!((status, &refusal["error"]["param"]), (400, &json!("x-portcullis-on-unsupported")));
}

#[tokio::test]
async fn a_key_and_a_provider_can_ask_for_errors_and_no_request_takes_that_back() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let strict = scene.strict_tenant(OnUnsupported::Error).await;
    assert_eq!(post(&strict, Some("report")).await.0, 400, "the key's wish");
    let tenant = scene.tenant().await;
    assert_eq!(post(&tenant, None).await.0, 200);
    let translation =
        TranslationSettings { on_unsupported: Some(OnUnsupported::Error), ..TranslationSettings::default() };
    scene.change_provider(ProviderPatch { translation: Some(translation), ..ProviderPatch::default() }).await;
    assert_eq!(post(&tenant, Some("report")).await.0, 400, "the provider's wish");
}
