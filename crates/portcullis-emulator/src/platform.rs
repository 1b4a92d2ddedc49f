//! Claude Platform on AWS: the Claude API behind AWS's signature and IAM checks.
//!
//! Order of the checks: signature, expiry, federation, `anthropic-version`, workspace, permissions, the session's
//! remaining life, and only then the body. Source: Claude docs, "Claude Platform on AWS"; AWS service authorization reference.

mod admission;
mod authentication;
mod error;
mod models;
mod routes;
mod validation;
mod workspaces;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answer::{Answer, AnswerGuard};
use crate::journal::LoggedRequest;
use crate::script;
use crate::server::{Arrival, ConnectionControl};
use crate::state::{BASE62, State, aws_request_id, random_text};
use error::PlatformError;

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

fn serve(
    state: &State,
    arrival: &Arrival,
    admitted: &admission::Admitted,
    entry: &mut LoggedRequest,
) -> Result<Answer, PlatformError> {
    let json = |value: &Value| Ok(Answer::whole(200, "application/json", value.to_string()));
    let account = &admitted.account;
    match admitted.action {
        "ListModels" => json(&models::list(account)),
        "GetModel" => json(&models::get(account, arrival.path.trim_start_matches("/v1/models/"))?),
        "ListWorkspaces" => json(&workspaces::list(&state.world(), admitted)),
        "GetWorkspace" => json(&workspaces::get(&arrival.path)?),
        "CountTokens" => {
            let body = parse_body(arrival, entry)?;
            validation::validate(&body, validation::Endpoint::CountTokens, arrival)?;
            models::check_access(account, &body)?;
            json(&json!({"input_tokens": script::estimate_tokens(&body)}))
        }
        "CreateInference" => {
            let body = parse_body(arrival, entry)?;
            validation::validate(&body, validation::Endpoint::Messages, arrival)?;
            models::check_access(account, &body)?;
            script::check_thinking(&body).map_err(PlatformError::invalid)?;
            let queued = state.next_directive();
            let play = script::Play::new(&body, queued.as_deref()).map_err(PlatformError::invalid)?;
            Ok(play.into_answer(&entry.request_id))
        }
        _ => Err(PlatformError::new(
            501,
            "api_error",
            "The emulator authorises this route but does not serve it.",
        )),
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
    let reset = OffsetDateTime::from(state.now())
        .replace_nanosecond(0)
        .ok()
        .and_then(|now| now.format(&Rfc3339).ok())
        .unwrap_or_default();
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
