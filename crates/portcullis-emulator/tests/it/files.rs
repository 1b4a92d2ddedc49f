//! Files: uploads, what tools make, and their use in messages.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

const INVALID: &str = "invalid_request_error";

async fn upload(lab: &Lab, keys: &Keys, name: &str) -> String {
    let file = lab.json(&Call::multipart("/v1/files", &[("file", Some(name), "text")]), keys).await;
    file["id"].as_str().unwrap().to_owned()
}

fn delete(id: &str) -> Call {
    Call::platform("DELETE", &format!("/v1/files/{id}"), String::new())
}

#[tokio::test]
async fn an_upload_is_described_used_and_deleted_but_not_downloaded() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let file = lab.json(&Call::multipart("/v1/files", &[("file", Some("naïve.txt"), "text")]), &keys).await;
    let id = file["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "type": "file", "filename": "naïve.txt", "mime_type": "text/plain", "size_bytes": 4,
        "created_at": "2026-11-22T12:00:00Z", "expires_at": null, "downloadable": false,
    });
    assert_eq!(file, expected);
    assert_eq!(lab.json(&Call::get(&format!("/v1/files/{id}")), &keys).await, expected);
    let content = Call::get(&format!("/v1/files/{id}/content"));
    lab.refused(&content, &keys, 400, INVALID, "not downloadable").await;
    let (_, body) = lab.send(&content, &keys).await;
    assert!(body.contains(r#""error_code":"file_not_downloadable""#), "{body}");
    let using = |kind: &str, id: &str| {
        let mut body = ask("x");
        body["messages"][0]["content"] = json!([{"type": kind, "source": {"type": "file", "file_id": id}}]);
        Call::messages(&body)
    };
    assert_eq!(lab.send(&using("document", id), &keys).await.0, 200);
    lab.refused(&using("image", id), &keys, 400, INVALID, "text/plain").await;
    lab.refused(&using("document", "file_unknown"), &keys, 404, "not_found_error", "file_unknown").await;
    assert_eq!(lab.json(&delete(id), &keys).await, json!({"id": id, "type": "file_deleted"}));
    lab.refused(&using("document", id), &keys, 404, "not_found_error", id).await;
    lab.refused(&delete(id), &keys, 404, "not_found_error", id).await;
}

#[tokio::test]
async fn uploads_are_checked() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let file = ("file", Some("a.txt"), "x");
    for (parts, part) in [
        (vec![], "file: Field required"),
        (vec![("file", None, "x")], "file: Input should be a file"),
        (vec![("file", Some("a/b"), "x")], "forbidden character"),
        (vec![file, file], "file: Input should be given once"),
        (vec![file, ("purpose", None, "batch")], "purpose: Extra inputs are not permitted"),
        (vec![file, ("expires_in_seconds", None, "3599")], "greater than or equal to 3600"),
        (vec![file, ("expires_in_seconds", None, "7776001")], "less than or equal to 7776000"),
        (vec![file, ("expires_in_seconds", None, "soon")], "valid integer"),
    ] {
        lab.refused(&Call::multipart("/v1/files", &parts), &keys, 400, INVALID, part).await;
    }
    let json = Call::platform("POST", "/v1/files", "{}".into());
    lab.refused(&json, &keys, 400, INVALID, "multipart/form-data").await;
    let cut = Call { body: "--limit\r\n".into(), ..Call::multipart("/v1/files", &[file]) };
    lab.refused(&cut, &keys, 400, INVALID, "not valid multipart").await;
    // The signature covers every byte of the body.
    let signed = lab.signed(&Call::multipart("/v1/files", &[file]), &keys);
    let changed =
        signed.body(Call::multipart("/v1/files", &[("file", Some("a.txt"), "y")]).body).send().await;
    assert_eq!(changed.unwrap().status(), 401);
}

#[tokio::test]
async fn lists_have_two_shapes() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let ids =
        [upload(&lab, &keys, "a").await, upload(&lab, &keys, "b").await, upload(&lab, &keys, "c").await];
    let page = lab.json(&Call::get("/v1/files?limit=2&beta=true"), &keys).await;
    assert_eq!((&page["data"][0]["id"], page.get("has_more")), (&json!(ids[2]), None));
    let token = page["next_page"].as_str().unwrap();
    let page = lab.json(&Call::get(&format!("/v1/files?page={token}")), &keys).await;
    assert_eq!((&page["data"][0]["id"], &page["next_page"]), (&json!(ids[0]), &Value::Null));
    let chosen = format!("/v1/files?ids%5B%5D={}&ids%5B%5D=file_unknown", ids[1]);
    let page = lab.json(&Call::get(&chosen), &keys).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["data"][0]["id"]), (1, &json!(ids[1])));
    let both = Call::get(&format!("{chosen}&limit=5"));
    lab.refused(&both, &keys, 400, INVALID, "ids: Input should not").await;
    let older =
        |query: &str| Call::get(&format!("/v1/files?{query}")).with("anthropic-beta", "files-api-2025-04-14");
    let page = lab.json(&older(&format!("limit=1&after_id={}", ids[2])), &keys).await;
    assert_eq!(
        (&page["last_id"], &page["has_more"], page.get("next_page")),
        (&json!(ids[1]), &json!(true), None)
    );
    assert_eq!(page["data"][0].get("expires_at"), None);
    lab.refused(&older("page=x"), &keys, 400, INVALID, "page: Extra inputs").await;
}

#[tokio::test]
async fn files_expire_and_keep_their_description_for_a_while() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let parts = [("expires_in_seconds", None, "3600"), ("file", Some("a.txt"), "x")];
    let file = lab.json(&Call::multipart("/v1/files", &parts), &keys).await;
    assert_eq!(file["expires_at"], "2026-11-22T13:00:00Z");
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    lab.clock.advance(Duration::from_secs(3600));
    let keys = lab.able_session().await;
    let content = Call::get(&format!("{path}/content"));
    lab.refused(&content, &keys, 404, "not_found_error", "has expired").await;
    assert_eq!(lab.send(&Call::get(&path), &keys).await.0, 200);
    lab.clock.advance(Duration::from_secs(30 * 86_400));
    let keys = lab.able_session().await;
    lab.refused(&Call::get(&path), &keys, 404, "not_found_error", "not found").await;
}

#[tokio::test]
async fn what_a_tool_made_can_be_downloaded() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let message = lab.json(&Call::messages(&ask("[[emulator:code_execution]]")), &keys).await;
    let result = &message["content"][2]["content"];
    assert_eq!(result["type"], "bash_code_execution_result");
    assert!(message["container"]["id"].as_str().unwrap().starts_with("container_"));
    let id = result["content"][0]["file_id"].as_str().unwrap();
    let file = lab.json(&Call::get(&format!("/v1/files/{id}")), &keys).await;
    assert_eq!((&file["filename"], &file["downloadable"]), (&json!("squares.csv"), &json!(true)));
    let response = lab.signed(&Call::get(&format!("/v1/files/{id}/content")), &keys).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv");
    assert!(response.text().await.unwrap().starts_with("n,square\n"));
}
