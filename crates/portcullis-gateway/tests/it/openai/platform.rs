//! A platform of the test's own that takes batches and may keep the answer to itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What it does with a new batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Answers,
    /// It takes the batch on, and its answer never comes.
    TakesAndIsSilent,
    /// It does not take the batch on, and says nothing.
    IsSilent,
    /// It answers with this status, and does not take the batch on.
    Refuses(u16),
}

#[derive(Default)]
struct Kept {
    batches: Vec<(String, Value)>,
    deleted: BTreeSet<String>,
    without_results: BTreeSet<String>,
    /// The heads of the batches that were sent.
    posts: Vec<HeaderMap>,
    is_busy: bool,
}

#[derive(Clone)]
pub(super) struct Platform {
    kept: Arc<Mutex<Kept>>,
    manner: Arc<Mutex<Manner>>,
    /// Told of every batch that arrived.
    pub(super) arrived: Arc<Notify>,
    /// What the answer to a new file waits for.
    pub(super) may_answer: Arc<Notify>,
    pub(super) base: String,
}

impl Platform {
    pub(super) async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let manner = Arc::new(Mutex::new(manner));
        let platform =
            Self { kept: Arc::default(), manner, arrived: Arc::default(), may_answer: Arc::default(), base };
        let router = Router::new()
            .route("/v1/messages/batches", post(create).get(list))
            .route("/v1/messages/batches/{id}", get(show))
            .route("/v1/messages/batches/{id}/results", get(results))
            .route("/v1/files", post(create_file))
            .with_state(platform.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        platform
    }

    pub(super) fn now(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(super) fn n_posts(&self) -> usize {
        self.kept.lock().unwrap().posts.len()
    }

    /// From now on its batches are in progress, all of them.
    pub(super) fn is_busy(&self) {
        self.kept.lock().unwrap().is_busy = true;
    }

    /// They have ended.
    pub(super) fn is_done(&self) {
        self.kept.lock().unwrap().is_busy = false;
    }

    /// What a header said with each batch.
    pub(super) fn sent(&self, header: &str) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        let text = |head: &HeaderMap| Some(head.get(header)?.to_str().unwrap().to_owned());
        kept.posts.iter().map(|head| text(head).unwrap_or_default()).collect()
    }

    /// A batch has no results any more; `n` counts those there ever were, from 0.
    pub(super) fn lose_results(&self, n: usize) {
        let mut kept = self.kept.lock().unwrap();
        let id = kept.batches[n].0.clone();
        kept.without_results.insert(id);
    }

    /// Deletes a batch; `n` counts those there ever were, from 0.
    pub(super) fn delete(&self, n: usize) {
        let mut kept = self.kept.lock().unwrap();
        let id = kept.batches[n].0.clone();
        kept.deleted.insert(id);
    }

    /// Somebody else's batch, of as many requests.
    pub(super) fn add_somebody_elses(&self, n_requests: usize) -> usize {
        let requests: Vec<Value> =
            (0..n_requests).map(|n| json!({"custom_id": format!("theirs-{n}")})).collect();
        self.keep(json!({ "requests": requests }));
        self.kept.lock().unwrap().batches.len() - 1
    }

    fn keep(&self, body: Value) -> String {
        let mut kept = self.kept.lock().unwrap();
        let id = format!("msgbatch_{:02}", kept.batches.len());
        kept.batches.push((id.clone(), body));
        id
    }

    fn object(&self, id: &str) -> Value {
        let kept = self.kept.lock().unwrap();
        let (_, body) = kept.batches.iter().find(|(known, _)| known == id).unwrap();
        let now = OffsetDateTime::from(std::time::SystemTime::UNIX_EPOCH + since_epoch());
        let at = |seconds| (now + time::Duration::seconds(seconds)).format(&Rfc3339).unwrap();
        let n = body["requests"].as_array().unwrap().len();
        json!({
            "id": id, "type": "message_batch",
            "processing_status": if kept.is_busy { "in_progress" } else { "ended" },
            "request_counts": {"processing": 0, "succeeded": n, "errored": 0, "canceled": 0, "expired": 0},
            "created_at": at(0), "expires_at": at(86_400), "ended_at": at(0), "cancel_initiated_at": null,
            "results_url": "https://elsewhere.example/results",
        })
    }
}

fn since_epoch() -> std::time::Duration {
    use portcullis_types::{Clock, SystemClock};
    SystemClock.now().duration_since(std::time::UNIX_EPOCH).unwrap()
}

async fn create(State(platform): State<Platform>, head: HeaderMap, body: axum::body::Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    platform.kept.lock().unwrap().posts.push(head);
    let manner = *platform.manner.lock().unwrap();
    let taken = matches!(manner, Manner::Answers | Manner::TakesAndIsSilent).then(|| platform.keep(body));
    platform.arrived.notify_one();
    match (manner, taken) {
        (Manner::Answers, Some(id)) => axum::Json(platform.object(&id)).into_response(),
        (Manner::Refuses(status), _) => {
            let error = json!({"type": "error", "error": {"type": "api_error", "message": "not now"}});
            (StatusCode::from_u16(status).unwrap(), axum::Json(error)).into_response()
        }
        _ => std::future::pending().await,
    }
}

async fn list(State(platform): State<Platform>) -> Response {
    let ids: Vec<String> =
        platform.kept.lock().unwrap().batches.iter().rev().map(|(id, _)| id.clone()).collect();
    let data: Vec<Value> = ids.iter().map(|id| platform.object(id)).collect();
    axum::Json(json!({"data": data, "has_more": false, "first_id": ids.first(), "last_id": ids.last()}))
        .into_response()
}

async fn show(State(platform): State<Platform>, Path(id): Path<String>) -> Response {
    if platform.kept.lock().unwrap().deleted.contains(&id) {
        return no_such_batch();
    }
    axum::Json(platform.object(&id)).into_response()
}

fn no_such_batch() -> Response {
    let error = json!({"type": "error", "error": {"type": "not_found_error", "message": "no such batch"}});
    (StatusCode::NOT_FOUND, axum::Json(error)).into_response()
}

/// Takes a file on. Its answer comes when it is told so.
async fn create_file(State(platform): State<Platform>, body: axum::body::Bytes) -> Response {
    drop(body);
    platform.arrived.notify_one();
    platform.may_answer.notified().await;
    let at = "2026-11-25T10:00:00Z";
    let file = json!({"id": "file_011", "type": "file", "filename": "a.txt", "mime_type": "text/plain",
                      "size_bytes": 4, "created_at": at, "downloadable": false});
    axum::Json(file).into_response()
}

async fn results(State(platform): State<Platform>, Path(id): Path<String>) -> Response {
    let kept = platform.kept.lock().unwrap();
    if kept.without_results.contains(&id) {
        return no_such_batch();
    }
    let (_, body) = kept.batches.iter().find(|(known, _)| *known == id).unwrap();
    // The last one first: no order is promised.
    let lines = body["requests"].as_array().unwrap().iter().rev().map(|request| {
        let text = request["params"]["messages"][0]["content"][0]["text"].as_str().unwrap_or("theirs");
        let text = if text == "long" { "long".repeat(50_000) } else { text.to_owned() };
        let message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
            "content": [{"type": "text", "text": format!("answer to {text}")}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        });
        let result = json!({"type": "succeeded", "message": message});
        format!("{}\n", json!({"custom_id": request["custom_id"], "result": result}))
    });
    lines.collect::<String>().into_response()
}
