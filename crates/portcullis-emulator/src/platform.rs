//! Claude Platform on AWS: the Claude API behind AWS's signature and IAM checks.
//!
//! Order of the checks: signature, expiry, federation, `anthropic-version`, workspace, permissions, the session's
//! remaining life, and only then the body. Source: Claude docs, "Claude Platform on AWS"; AWS service authorization reference.

mod admission;
mod authentication;
mod batches;
mod cache;
mod call;
mod error;
mod files;
mod messages;
mod models;
mod multipart;
mod protocol;
mod query;
mod resources;
mod routes;
mod skills;
mod user_profiles;
mod validation;
mod workspaces;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::answer::{Answer, AnswerGuard};
use crate::clock::rfc3339;
use crate::journal::LoggedRequest;
use crate::server::{Arrival, ConnectionControl};
use crate::state::{BASE62, State, aws_request_id, random_text};
pub(crate) use batches::{Pace, Push};
use call::{Call, json_answer};
use error::PlatformError;
use protocol::Protocol;
pub(crate) use resources::Resources;

/// The signing name of the service.
pub const SERVICE: &str = "aws-external-anthropic";

/// Answers one request to `/v1/…`.
pub(crate) async fn answer(
    state: &Arc<State>,
    arrival: &Arrival,
    connection: &ConnectionControl,
) -> (Answer, AnswerGuard) {
    let request_id = format!("req_011{}", random_text(BASE62, 21));
    let guard = AnswerGuard::open(state, &request_id);
    let mut entry = arrival.log_entry(state.now(), &request_id);
    let outcome = admission::admit(state, arrival, &mut entry);
    let is_admitted = outcome.is_ok();
    let outcome = outcome.and_then(|admitted| serve(state, arrival, &admitted, &mut entry));
    let mut answer = match outcome {
        Ok(answer) => answer,
        Err(error) => {
            entry.refusal = Some(format!("{}: {}", error.kind, error.message));
            error.into_answer(&request_id)
        }
    };
    entry.status = answer.status;
    let workspace = entry.workspace.clone();
    // Recorded before the first byte leaves, so that a test that saw an answer also sees its entry.
    state.journal.keep_body(&request_id, &arrival.body);
    state.journal.record(entry);
    answer = answer.with_header("x-amzn-requestid", &aws_request_id());
    if is_admitted {
        answer = with_service_headers(answer, state, &request_id, workspace.as_deref());
    }
    if answer.silent {
        std::future::pending::<()>().await;
    }
    if let Some(bytes) = answer.reset_after {
        connection.reset_after(bytes);
    }
    (answer, guard)
}

/// The answer to a body over the limit, which is not read to its end.
pub(crate) fn too_large() -> Answer {
    PlatformError::new(413, "request_too_large", "Request exceeds the maximum size")
        .into_answer("req_011TooLarge")
}

/// The longest body that a path takes, in bytes. Source: Claude docs, "Errors" (request size limits).
pub(crate) fn max_body_bytes(path: &str) -> usize {
    const MIB: usize = 1024 * 1024;
    match path {
        "/v1/messages/batches" => 256 * MIB,
        // With room for what is around the file.
        "/v1/files" => files::MAX_FILE_BYTES + MIB,
        _ => 32 * MIB,
    }
}

fn serve(
    state: &State,
    arrival: &Arrival,
    admitted: &admission::Admitted,
    entry: &mut LoggedRequest,
) -> Result<Answer, PlatformError> {
    let account = &admitted.account;
    let protocol = Protocol::of(arrival, admitted.version)?;
    let call = Call { state, arrival, admitted, protocol: &protocol };
    match admitted.action {
        "ListModels" => Ok(json_answer(&models::list(account, arrival)?)),
        "GetModel" => {
            let id = arrival.path.trim_start_matches("/v1/models/");
            Ok(json_answer(&models::get(account, id)?))
        }
        "ListWorkspaces" => Ok(json_answer(&workspaces::list(&state.world(), admitted))),
        "GetWorkspace" => Ok(json_answer(&workspaces::get(&arrival.path)?)),
        "CountTokens" => Ok(json_answer(&messages::count_tokens(call, &parse_body(arrival, entry)?)?)),
        "CreateInference" => {
            let body = parse_body(arrival, entry)?;
            Ok(messages::play(call, &body)?.into_answer(&entry.request_id))
        }
        "CreateBatchInference"
        | "ListBatchInferences"
        | "GetBatchInference"
        | "CancelBatchInference"
        | "DeleteBatchInference" => batches::serve(call, || parse_body(arrival, entry)),
        "CreateUserProfile" | "ListUserProfiles" | "GetUserProfile" | "UpdateUserProfile" => {
            user_profiles::serve(call, || parse_body(arrival, entry))
        }
        "CreateFile" | "ListFiles" | "GetFile" | "DeleteFile" => files::serve(call),
        "CreateSkill" | "ListSkills" | "GetSkill" | "UpdateSkill" | "DeleteSkill" => skills::serve(call),
        _ => Err(call::no_handler()),
    }
}

fn parse_body(arrival: &Arrival, entry: &mut LoggedRequest) -> Result<Value, PlatformError> {
    let media_type = arrival.only("content-type")?.and_then(|value| value.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Err(PlatformError::invalid("content-type: Input should be 'application/json'"));
    }
    // A map would silently keep the last of two equal keys, as the real parser does.
    let body: BTreeMap<String, Value> = serde_json::from_slice(&arrival.body)
        .map_err(|error| PlatformError::invalid(format!("The request body is not valid JSON: {error}")))?;
    entry.model = body.get("model").and_then(Value::as_str).map(str::to_owned);
    entry.stream = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    Ok(Value::Object(body.into_iter().collect()))
}

fn with_service_headers(answer: Answer, state: &State, request_id: &str, workspace: Option<&str>) -> Answer {
    let reset = rfc3339(state.now());
    let organization = state.world().organization_id.clone();
    let mut answer =
        answer.with_header("request-id", request_id).with_header("anthropic-organization-id", &organization);
    if let Some(workspace) = workspace {
        answer = answer.with_header("anthropic-workspace-id", workspace);
    }
    for (name, value) in [
        ("anthropic-ratelimit-requests-limit", "1000"),
        ("anthropic-ratelimit-requests-remaining", "999"),
        ("anthropic-ratelimit-requests-reset", reset.as_str()),
        ("anthropic-ratelimit-input-tokens-limit", "2000000"),
        ("anthropic-ratelimit-input-tokens-remaining", "2000000"),
        ("anthropic-ratelimit-input-tokens-reset", reset.as_str()),
        ("anthropic-ratelimit-output-tokens-limit", "400000"),
        ("anthropic-ratelimit-output-tokens-remaining", "400000"),
        ("anthropic-ratelimit-output-tokens-reset", reset.as_str()),
    ] {
        answer = answer.with_header(name, value);
    }
    answer
}
