//! The control API under `/_emulator/`: change the world, break things, read what was seen.
//!
//! Unauthenticated, because the emulator is a tool for one machine: bind it to loopback.
//!
//! | call | body | effect |
//! |---|---|---|
//! | `GET /_emulator/world` | – | the world, without secrets |
//! | `PUT /_emulator/roles/{name}` | [`Role`](crate::world::Role) | adds or replaces a role |
//! | `PUT /_emulator/workspaces/{id}` | [`Workspace`](crate::world::Workspace) | adds or replaces a workspace |
//! | `PUT /_emulator/accounts/{id}` | [`Account`](crate::world::Account) | federation, subscription, service control policy, models, regions without STS |
//! | `PUT /_emulator/api-keys` | `[`[`ApiKey`](crate::world::ApiKey)`]` | the API keys of the platform, all of them |
//! | `PUT /_emulator/principals/{access key id}/policy` | [`Policy`](crate::iam::Policy) | what an IAM user may do |
//! | `PUT /_emulator/endpoints` | `{"regional":false,"workspace_header_must_be_signed":true}` | see [`World`](crate::World) |
//! | `GET /_emulator/sessions/{access key id}` | – | whose temporary credentials these are, and what was said to get them |
//! | `PUT /_emulator/sts` | [`StsMode`](crate::StsMode), `{"mode":"throttling"}` | how STS behaves; with `"regions":["us-west-2"]` only to requests signed for these, with `"times":n` only to the next n |
//! | `PUT /_emulator/announced-seconds` | `{"seconds":n}` or `{"seconds":null}` | new sessions are said to last so long; they last as asked |
//! | `PUT /_emulator/clock` | `{"offset_seconds":n}` | the emulator's clock against the machine's |
//! | `POST /_emulator/directives` | `{"directive":"529","times":n}` | scripts the next n messages requests |
//! | `POST /_emulator/expire-sessions` | – | all sessions end now |
//! | `PUT /_emulator/batches` | `{"ends_after_ms":n}` or `{"ends_after_ms":null}` | how long new batches take; until told |
//! | `POST /_emulator/batches/{id}/end`, `…/expire` | – | the batch ends now, all lines done; or what is not done expires |
//! | `POST /_emulator/batches/{id}/process` | `{"lines":n}` | so many lines more are done; the batch goes on |
//! | `GET`, `DELETE /_emulator/requests` | – | what was seen, with counters; empties it |
//! | `GET /_emulator/requests/{request id}/body` | – | the body of a platform request, byte for byte |

mod behaviour;
mod world;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::server::Arrival;
use crate::state::State;

/// The status and the reason of a refusal.
type Refusal = (u16, String);

/// Answers one call of the control API.
pub(crate) fn answer(state: &Arc<State>, arrival: &Arrival) -> Answer {
    let wanted =
        arrival.path.strip_prefix("/_emulator/requests/").and_then(|rest| rest.strip_suffix("/body"));
    if let Some(body) = wanted.and_then(|request_id| state.journal.body(request_id)) {
        return Answer::whole(200, "application/octet-stream", body);
    }
    let (status, body) = match route(state, arrival) {
        Ok(body) => (200, body),
        Err((status, message)) => (status, json!({"error": message})),
    };
    Answer::whole(status, "application/json", body.to_string())
}

fn route(state: &State, arrival: &Arrival) -> Result<Value, Refusal> {
    let path: Vec<&str> = arrival.path.split('/').skip(2).collect();
    let done = |()| json!({"ok": true});
    match (arrival.method.as_str(), path.as_slice()) {
        ("GET", path) => show(state, path).unwrap_or_else(|| Err(no_such_call(arrival))),
        ("PUT", ["sts" | "clock" | "announced-seconds" | "batches"]) => {
            behaviour::set(state, arrival, path[0]).map(done)
        }
        ("PUT", path) => world::change(state, arrival, path).map(done),
        ("POST", ["batches", id, how]) => behaviour::push_batch(state, arrival, id, how).map(done),
        ("POST", ["directives"]) => behaviour::queue(state, arrival).map(done),
        ("POST", ["expire-sessions"]) => Ok(json!({"expired": state.expire_sessions()})),
        ("POST", ["rotate-source"]) => Ok(json!({"expired": state.rotate_sources()})),
        ("DELETE", ["requests"]) => {
            state.journal.clear();
            Ok(done(()))
        }
        _ => Err(no_such_call(arrival)),
    }
}

fn show(state: &State, path: &[&str]) -> Option<Result<Value, Refusal>> {
    match path {
        ["world"] => Some(world::without_secrets(state)),
        ["sessions", access_key_id] => Some(session(state, access_key_id)),
        ["requests"] => {
            let counters = state.journal.counters();
            Some(Ok(json!({"requests": state.journal.requests(), "counters": counters})))
        }
        _ => None,
    }
}

fn session(state: &State, access_key_id: &str) -> Result<Value, Refusal> {
    let origin = state.session_origin(access_key_id);
    let origin = origin.ok_or_else(|| (404, format!("no session has the access key id {access_key_id}")))?;
    serde_json::to_value(origin).map_err(|error| (500, error.to_string()))
}

fn no_such_call(arrival: &Arrival) -> Refusal {
    (404, format!("no such call: {} {}", arrival.method, arrival.path))
}

fn read<T: DeserializeOwned>(arrival: &Arrival) -> Result<T, Refusal> {
    serde_json::from_slice(&arrival.body).map_err(|error| (400, error.to_string()))
}
