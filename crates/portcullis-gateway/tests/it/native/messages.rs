//! Messages that are not what they should be.

use axum::body::Body;

use super::scene::{Scene, everything};
use crate::stage::text;
use crate::upstream::{Ending, Upstream, http};

#[tokio::test]
async fn an_answer_of_another_shape_passes_as_it_is_and_a_part_of_one_does_not() {
    let ask =
        r#"{"model":"@claude/claude-opus-4-8","max_tokens":16,"messages":[{"role":"user","content":"Hi"}]}"#;
    for (answer, status) in [
        (r#"{"type":"parcel","usage":7}"#, 200),
        ("[]", 200),
        ("<html>", 502),
        (r#"{"type":"mess"#, 502),
        ("", 502),
    ] {
        let upstream = Upstream::start(vec![http(200, "application/json", "", answer)], Ending::Close).await;
        let scene = Scene::before(&format!("http://{}", upstream.address), everything()).await;
        let tenant = scene.tenant().await;
        let request = tenant.request("POST", "/v1/messages").header("content-type", "application/json");
        let response = tenant.send(request.body(Body::from(ask))).await;
        assert_eq!(response.status().as_u16(), status, "{answer}");
        let body = text(response).await;
        assert_eq!(body == answer, status == 200, "{body}");
    }
}
