//! The control API under `/_emulator/`: change the world, break things, read what was seen.
//!
//! Unauthenticated, because the emulator is a tool for one machine: bind it to loopback.
//!
//! | call | body | effect |
//! |---|---|---|
//! | `GET /_emulator/world` | – | the world, without secrets |
//! | `PUT /_emulator/roles/{name}` | [`Role`] | adds or replaces a role |
//! | `PUT /_emulator/workspaces/{id}` | [`Workspace`] | adds or replaces a workspace |
//! | `PUT /_emulator/accounts/{id}` | [`Account`] | federation, subscription, service control policy, models, regions without STS |
//! | `PUT /_emulator/api-keys` | `[`[`ApiKey`]`]` | the API keys of the platform, all of them |
//! | `PUT /_emulator/principals/{access key id}/policy` | [`Policy`] | what an IAM user may do |
//! | `PUT /_emulator/endpoints` | `{"regional":false,"workspace_header_must_be_signed":true}` | see [`World`](crate::World) |
//! | `GET /_emulator/sessions/{access key id}` | – | whose temporary credentials these are, and what was said to get them |
//! | `PUT /_emulator/sts` | [`StsMode`], `{"mode":"throttling"}` | how STS behaves; with `"regions":["us-west-2"]` only to requests signed for these, with `"times":n` only to the next n |
//! | `PUT /_emulator/announced-seconds` | `{"seconds":n}` or `{"seconds":null}` | new sessions are said to last so long; they last as asked |
//! | `PUT /_emulator/clock` | `{"offset_seconds":n}` | the emulator's clock against the machine's |
//! | `POST /_emulator/directives` | `{"directive":"529","times":n}` | scripts the next n messages requests |
//! | `POST /_emulator/expire-sessions` | – | all sessions end now |
//! | `GET`, `DELETE /_emulator/requests` | – | what was seen, with counters; empties it |

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::iam::Policy;
use crate::server::Arrival;
use crate::state::State;
use crate::sts::{StsBehaviour, StsMode};
use crate::world::{Account, ApiKey, Role, SourceIdentities, Workspace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOffset {
    offset_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoints {
    #[serde(default)]
    regional: bool,
    #[serde(default = "yes")]
    workspace_header_must_be_signed: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnouncedSeconds {
    seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueuedDirective {
    directive: String,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// Answers one call of the control API.
pub(crate) fn answer(state: &Arc<State>, arrival: &Arrival) -> Answer {
    let (status, body) = match route(state, arrival) {
        Ok(body) => (200, body),
        Err((status, message)) => (status, json!({"error": message})),
    };
    Answer::whole(status, "application/json", body.to_string())
}

fn route(state: &State, arrival: &Arrival) -> Result<Value, (u16, String)> {
    let path: Vec<&str> = arrival.path.split('/').skip(2).collect();
    let done = json!({"ok": true});
    match (arrival.method.as_str(), path.as_slice()) {
        ("GET", ["world"]) => world_without_secrets(state),
        ("PUT", ["roles", name]) => {
            let role = read::<Role>(arrival)?;
            state.world().roles.insert((*name).to_owned(), role);
            Ok(done)
        }
        ("PUT", ["workspaces", id]) => {
            let workspace = read::<Workspace>(arrival)?;
            state.world().workspaces.insert((*id).to_owned(), workspace);
            Ok(done)
        }
        ("PUT", ["accounts", id]) => {
            let account = read::<Account>(arrival)?;
            state.world().accounts.insert((*id).to_owned(), account);
            Ok(done)
        }
        ("PUT", ["api-keys"]) => {
            let keys = read::<Vec<ApiKey>>(arrival)?;
            state.world().api_keys = keys;
            Ok(done)
        }
        ("PUT", ["principals", access_key_id, "policy"]) => {
            let policy = read::<Policy>(arrival)?;
            let mut world = state.world();
            let holder = world.principals.iter_mut().find(|holder| holder.access_key_id == *access_key_id);
            holder.ok_or_else(|| (404, format!("nobody has the access key id {access_key_id}")))?.policy =
                policy;
            Ok(done)
        }
        ("PUT", ["endpoints"]) => {
            let endpoints = read::<Endpoints>(arrival)?;
            let mut world = state.world();
            world.regional_endpoints = endpoints.regional;
            world.workspace_header_must_be_signed = endpoints.workspace_header_must_be_signed;
            Ok(done)
        }
        ("GET", ["sessions", access_key_id]) => {
            let origin = state.session_origin(access_key_id);
            let origin =
                origin.ok_or_else(|| (404, format!("no session has the access key id {access_key_id}")))?;
            serde_json::to_value(origin).map_err(|error| (500, error.to_string()))
        }
        ("PUT", ["sts"]) => {
            state.set_sts(read_behaviour(arrival)?);
            Ok(done)
        }
        ("PUT", ["announced-seconds"]) => {
            state.announce_seconds(read::<AnnouncedSeconds>(arrival)?.seconds);
            Ok(done)
        }
        ("PUT", ["clock"]) => {
            state.set_clock_offset(read::<ClockOffset>(arrival)?.offset_seconds);
            Ok(done)
        }
        ("POST", ["directives"]) => {
            let queued = read::<QueuedDirective>(arrival)?;
            state.queue_directive(&queued.directive, queued.times.min(1000));
            Ok(done)
        }
        ("POST", ["expire-sessions"]) => Ok(json!({"expired": state.expire_sessions()})),
        ("PUT", ["sources"]) => {
            let sources = read::<SourceIdentities>(arrival)?;
            state.world().sources = sources;
            state.sources.forget();
            Ok(done)
        }
        ("POST", ["rotate-source"]) => Ok(json!({"expired": state.rotate_sources()})),
        ("GET", ["requests"]) => {
            Ok(json!({"requests": state.journal.requests(), "counters": state.journal.counters()}))
        }
        ("DELETE", ["requests"]) => {
            state.journal.clear();
            Ok(done)
        }
        (method, _) => Err((404, format!("no such call: {method} {}", arrival.path))),
    }
}

fn read<T: DeserializeOwned>(arrival: &Arrival) -> Result<T, (u16, String)> {
    serde_json::from_slice(&arrival.body).map_err(|error| (400, error.to_string()))
}

/// A mode, which may say `regions` and `times` beside its own fields.
fn read_behaviour(arrival: &Arrival) -> Result<StsBehaviour, (u16, String)> {
    let wrong = |error: serde_json::Error| (400, error.to_string());
    let mut body = read::<serde_json::Map<String, Value>>(arrival)?;
    let regions = body.remove("regions").map(serde_json::from_value).transpose().map_err(wrong)?;
    let times = body.remove("times").map(serde_json::from_value).transpose().map_err(wrong)?;
    let mode: StsMode = serde_json::from_value(Value::Object(body)).map_err(wrong)?;
    Ok(StsBehaviour { regions, times, ..mode.into() })
}

fn world_without_secrets(state: &State) -> Result<Value, (u16, String)> {
    let mut world = state.world().clone();
    world.principals.iter_mut().for_each(|principal| principal.secret_access_key.clear());
    world.sources.clear_secrets();
    world.api_keys.iter_mut().for_each(|key| key.key.clear());
    serde_json::to_value(world).map_err(|error| (500, error.to_string()))
}
