//! Files: spooled on the way up, streamed on the way down.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::Notify;

use super::scene::{FORM, Scene, aws, everything, form, read};
use crate::stage::text;
use crate::upstream::{Ending, Upstream, http, open_ended};

#[tokio::test]
async fn an_upload_arrives_byte_for_byte_from_memory_and_from_a_file() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let scene = Scene::with(&aws.base_url(), everything(), |settings| {
        settings.spool_memory_bytes = 64 * 1024;
        settings.spool_folder = Some(place);
    })
    .await;
    let tenant = scene.tenant().await;
    for n_bytes in [0, 1_000, 3_000_000] {
        let content: Vec<u8> =
            (0..n_bytes).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let parts = [("file", Some("a.bin"), content.as_slice())];
        let (status, file) = tenant.upload("/v1/files", &parts).await;
        assert_eq!((status, file["size_bytes"].as_u64()), (200, Some(u64::from(n_bytes))), "{file}");
        let seen = aws.requests().pop().unwrap();
        assert!(seen.verified && aws.request_body(&seen.request_id).unwrap() == form(&parts), "{n_bytes}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_file_is_described_listed_and_deleted() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let (_, file) = tenant.upload("/v1/files?beta=true", &[("file", Some("a.txt"), b"text")]).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(tenant.get(&path).await, (200, file.clone()));
    let (_, page) = tenant.get("/v1/files?limit=10").await;
    assert_eq!(page["data"][0], file);
    let content = tenant.send(tenant.request("GET", &format!("{path}/content")).body(Body::empty())).await;
    assert_eq!(content.status(), 400);
    let refusal = text(content).await;
    assert!(refusal.contains("file_not_downloadable"), "the upstream's own words: {refusal}");
    assert_eq!(tenant.delete(&path).await.0, 200);
    assert_eq!(tenant.get(&path).await.0, 404);
}

#[tokio::test]
async fn what_a_tool_made_is_downloaded_as_it_is() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let ask = r#"{"model":"@claude/claude-opus-4-8","max_tokens":1024,"messages":[{"role":"user","content":"[[emulator:code_execution]]"}]}"#;
    let (status, message) = tenant.post("/v1/messages", ask).await;
    assert_eq!(status, 200, "{message}");
    let id = message["content"][2]["content"]["content"][0]["file_id"].as_str().unwrap();
    let path = format!("/v1/files/{id}/content");
    let content = tenant.send(tenant.request("GET", &path).body(Body::empty())).await;
    assert_eq!(
        (content.status().as_u16(), &content.headers()["content-type"]),
        (200, &"text/csv".parse().unwrap())
    );
    assert!(text(content).await.starts_with("n,square\n"));
}

#[tokio::test]
async fn a_download_that_breaks_off_is_no_whole_file() {
    let length = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 100\r\n\r\nhalf";
    let upstream = Upstream::start(vec![length.as_bytes().to_vec()], Ending::Close).await;
    let scene = Scene::before(&format!("http://{}", upstream.address), everything()).await;
    let tenant = scene.tenant().await;
    let request = tenant.request("GET", "/v1/files/file_1/content").body(Body::empty());
    let response = tenant.send(request).await;
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(100));
    assert!(axum::body::to_bytes(response.into_body(), 1000).await.is_err());

    let upstream = Upstream::start(vec![open_ended("text/csv", b"half")], Ending::Silence).await;
    let scene = Scene::with(&format!("http://{}", upstream.address), everything(), |settings| {
        settings.stream_idle_timeout = std::time::Duration::from_millis(50);
    })
    .await;
    let tenant = scene.tenant().await;
    let request = tenant.request("GET", "/v1/files/file_1/content").body(Body::empty());
    let response = tenant.send(request).await;
    assert!(axum::body::to_bytes(response.into_body(), 1000).await.is_err());
}

#[tokio::test]
async fn an_upload_that_cannot_be_kept_or_is_too_large_never_leaves() {
    let upstream = Upstream::start(vec![http(200, "application/json", "", "{}")], Ending::Close).await;
    let base = format!("http://{}", upstream.address);
    let scene = Scene::with(&base, everything(), |settings| {
        settings.spool_memory_bytes = 1_000;
        settings.spool_folder = Some("/nonexistent/folder".into());
        settings.max_upload_bytes = 10_000;
    })
    .await;
    let tenant = scene.tenant().await;
    let upload = async |n: usize| tenant.upload("/v1/files", &[("file", Some("a"), &vec![b'a'; n])]).await;
    assert_eq!(upload(100).await.0, 200);
    let (status, answer) = upload(5_000).await;
    assert_eq!((status, answer["error"]["type"].as_str()), (507, Some("api_error")), "{answer}");
    let (status, answer) = upload(20_000).await;
    assert_eq!((status, answer["error"]["type"].as_str()), (413, Some("request_too_large")), "{answer}");
    assert_eq!(upstream.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_its_upload_leaves_nothing() {
    let upstream = Upstream::start(vec![http(200, "application/json", "", "{}")], Ending::Close).await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let scene = Scene::with(&format!("http://{}", upstream.address), everything(), |settings| {
        settings.spool_memory_bytes = 10;
        settings.spool_folder = Some(place);
    })
    .await;
    let tenant = scene.tenant().await;
    let pieces = [Ok(Bytes::from(vec![b'a'; 100_000])), Err(std::io::Error::other("gone"))];
    let request = tenant.request("POST", "/v1/files").header("content-type", FORM);
    let (status, _) = read(tenant.send(request.body(Body::from_stream(stream::iter(pieces)))).await).await;
    assert_eq!(status, 408);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn two_uploads_at_once_do_not_mix() {
    let aws = aws().await;
    let scene = Scene::with(&aws.base_url(), everything(), |settings| settings.spool_memory_bytes = 10).await;
    let tenant = scene.tenant().await;
    let (one, two) = (vec![b'1'; 400_000], vec![b'2'; 700_000]);
    let (first, second) = ([("file", Some("1"), one.as_slice())], [("file", Some("2"), two.as_slice())]);
    let ((a, _), (b, _)) =
        tokio::join!(tenant.upload("/v1/files", &first), tenant.upload("/v1/files", &second));
    assert_eq!((a, b), (200, 200));
    let mut arrived: Vec<Bytes> =
        aws.requests().iter().filter_map(|seen| aws.request_body(&seen.request_id)).collect();
    arrived.sort_unstable_by_key(Bytes::len);
    assert!(arrived == [form(&first), form(&second)]);
}

#[tokio::test]
async fn an_upload_that_arrived_is_recorded_though_its_client_went_away() {
    let (arrived, answered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&answered));
    let upstream = Upstream::judging(move |_| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.notify_one();
            wait.notified().await;
            http(200, "application/json", "", r#"{"id":"file_left","type":"file"}"#)
        }
    })
    .await;
    let scene = Scene::before(&format!("http://{}", upstream.address), everything()).await;
    let tenant = scene.tenant().await;
    tokio::select! {
        answer = tenant.upload("/v1/files", &[("file", Some("a"), b"text")]) => panic!("{answer:?}"),
        () = arrived.notified() => {}
    }
    answered.notify_one();
    let recorded = async {
        let (workspace, kind) = (scene.workspace(), portcullis_catalog::UpstreamObjectKind::File);
        while scene.catalog.upstream_object(workspace, kind, "file_left").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), recorded).await.expect("it is recorded");
}
