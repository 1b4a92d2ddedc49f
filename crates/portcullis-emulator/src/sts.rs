//! The Security Token Service: the query protocol at `POST /`, with `AssumeRole` and `GetCallerIdentity`.
//!
//! Source: STS API reference, "AssumeRole", "GetCallerIdentity" and "Common errors".

mod assume_role;
mod form;

use std::sync::Arc;
use std::time::Duration;

use quick_xml::escape::escape;

use crate::answer::Answer;
use crate::journal::LoggedRequest;
use crate::server::{Arrival, ConnectionControl};
use crate::sigv4::{self, ExpectedScope, WorkspaceHeader};
use crate::state::{State, StsMode, aws_request_id};
use form::Form;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An error in STS's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StsError {
    status: u16,
    code: &'static str,
    message: String,
}

impl StsError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }
}

/// Answers one request to `/`.
pub(crate) async fn answer(state: &Arc<State>, arrival: &Arrival, connection: &ConnectionControl) -> Answer {
    let mode = state.sts_mode();
    match mode {
        StsMode::Slow { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
        StsMode::Stall => std::future::pending().await,
        StsMode::Unreachable => connection.reset_now(),
        _ => {}
    }
    let request_id = aws_request_id();
    let mut entry = arrival.log_entry(state.now(), &request_id);
    let form = Form::parse(&arrival.body);
    entry.operation = format!("sts:{}", form.get("Action").unwrap_or("?"));
    state.journal.count(|counters| match form.get("Action") {
        Some("AssumeRole") => counters.assume_role_calls += 1,
        Some("GetCallerIdentity") => counters.get_caller_identity_calls += 1,
        _ => {}
    });
    let outcome = scripted_failure(mode).map_or_else(|| serve(state, arrival, &form, &mut entry), Err);
    let (status, body) = match outcome {
        Ok((action, result)) => (200, success(action, &result, &request_id)),
        Err(error) => {
            entry.refusal = Some(format!("{}: {}", error.code, error.message));
            (error.status, failure(&error, &request_id))
        }
    };
    entry.status = status;
    state.journal.record(entry);
    let body = match (mode, status) {
        (StsMode::Garbage, 200) => "\u{0}garbage, not XML <<<".to_owned(),
        (StsMode::Truncated, 200) => body.chars().take(body.chars().count() / 2).collect(),
        (StsMode::Incomplete, 200) => success("AssumeRole", "", &request_id),
        _ => body,
    };
    Answer::whole(status, "text/xml", body).with_header("x-amzn-requestid", &request_id)
}

fn scripted_failure(mode: StsMode) -> Option<StsError> {
    match mode {
        StsMode::Throttling => Some(StsError::new(400, "Throttling", "Rate exceeded")),
        StsMode::Unavailable => {
            Some(StsError::new(503, "ServiceUnavailable", "Service is currently unavailable."))
        }
        StsMode::InternalFailure => {
            Some(StsError::new(500, "InternalFailure", "An internal error occurred."))
        }
        StsMode::RegionDisabled => Some(StsError::new(
            403,
            "RegionDisabledException",
            "STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console.",
        )),
        StsMode::Ok
        | StsMode::Slow { .. }
        | StsMode::Garbage
        | StsMode::Truncated
        | StsMode::Incomplete
        | StsMode::Unreachable
        | StsMode::Stall => None,
    }
}

/// Verifies, then dispatches. The result is the inside of the `…Result` element.
fn serve(
    state: &State,
    arrival: &Arrival,
    form: &Form,
    entry: &mut LoggedRequest,
) -> Result<(&'static str, String), StsError> {
    let headers = arrival.header_pairs();
    let request = arrival.as_received(&headers);
    // One listener stands for every regional endpoint, so any region's signature is at the right door.
    let region = sigv4::claimed_region(&request).unwrap_or_default();
    let expected = ExpectedScope { region: &region, service: "sts" };
    let verified = sigv4::verify_with(
        &request,
        |id| state.known_key(id),
        expected,
        state.now(),
        WorkspaceHeader::MayBeUnsigned,
    )
    .map_err(|fault| {
        let status = if matches!(fault.code(), "IncompleteSignature" | "ExpiredToken") { 400 } else { 403 };
        StsError::new(status, fault.code(), fault.message())
    })?;
    entry.note_verified(&verified);
    let caller = state.caller(&verified.access_key_id).ok_or_else(|| {
        StsError::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    })?;
    entry.principal_arn = Some(caller.arn.clone());
    if arrival.method != "POST" || form.get("Version") != Some("2011-06-15") {
        return Err(StsError::new(
            400,
            "InvalidAction",
            "Could not find operation for this method and version",
        ));
    }
    match form.get("Action") {
        Some("GetCallerIdentity") => Ok((
            "GetCallerIdentity",
            format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                escape(&caller.arn),
                escape(&caller.user_id),
                caller.account
            ),
        )),
        Some("AssumeRole") => {
            entry.external_id = form.get("ExternalId").map(str::to_owned);
            entry.role_arn = form.get("RoleArn").map(str::to_owned);
            entry.session_name = form.get("RoleSessionName").map(str::to_owned);
            entry.session_policy = form.get("Policy").is_some();
            Ok(("AssumeRole", assume_role::assume_role(state, &caller, form)?))
        }
        Some(other) => Err(StsError::new(
            400,
            "InvalidAction",
            format!("Could not find operation {other} for version 2011-06-15"),
        )),
        None => Err(StsError::new(400, "MissingAction", "Action is required")),
    }
}

fn success(action: &str, result: &str, request_id: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
}

fn failure(error: &StsError, request_id: &str) -> String {
    let kind = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code,
        escape(&error.message)
    )
}
