//! The Security Token Service: the query protocol at `POST /`, with `AssumeRole` and `GetCallerIdentity`.
//!
//! Source: STS API reference, "AssumeRole", "GetCallerIdentity" and "Common errors".

mod assume_role;
mod form;
mod mode;
mod parameters;
mod result;
mod web_identity;

use std::sync::Arc;
use std::time::Duration;

use quick_xml::escape::escape;

use crate::answer::Answer;
use crate::journal::LoggedRequest;
use crate::server::{Arrival, ConnectionControl};
use crate::sigv4::{self, ExpectedScope, WorkspaceHeader};
use crate::state::{State, aws_request_id};
use form::Form;
pub(crate) use mode::StsBehaviour;
pub use mode::StsMode;
use result::{failure, success};

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

    fn invalid_value(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValue", message)
    }

    fn not_authorised(arn: &str, action: &str, resource: &str) -> Self {
        let message = format!("User: {arn} is not authorized to perform: {action} on resource: {resource}");
        Self::new(403, "AccessDenied", message)
    }

    fn region_disabled(account: &str) -> Self {
        let message = format!(
            "STS is not activated in this region for account:{account}. Your account administrator can activate STS in this region using the IAM Console."
        );
        Self::new(403, "RegionDisabledException", message)
    }

    fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }
}

/// Answers one request to `/`.
pub(crate) async fn answer(state: &Arc<State>, arrival: &Arrival, connection: &ConnectionControl) -> Answer {
    let headers = arrival.header_pairs();
    let region = sigv4::claimed_region(&arrival.as_received(&headers));
    let mode = state.next_sts_mode(region.as_deref(), arrival.connection);
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
        Some("AssumeRoleWithWebIdentity") => counters.web_identity_calls += 1,
        Some("GetCallerIdentity") => counters.get_caller_identity_calls += 1,
        _ => {}
    });
    let outcome = mode.failure().map_or_else(|| serve(state, arrival, &form, mode, &mut entry), Err);
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

/// Verifies, then dispatches. The result is the inside of the `…Result` element.
fn serve(
    state: &State,
    arrival: &Arrival,
    form: &Form,
    mode: StsMode,
    entry: &mut LoggedRequest,
) -> Result<(&'static str, String), StsError> {
    if form.get("Action") == Some("AssumeRoleWithWebIdentity") {
        entry.role_arn = form.get("RoleArn").map(str::to_owned);
        entry.session_name = form.get("RoleSessionName").map(str::to_owned);
        let result = web_identity::assume_role_with_web_identity(state, form)?;
        return Ok(("AssumeRoleWithWebIdentity", result));
    }
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
    entry.session_tags.clone_from(&caller.tags);
    entry.source_identity.clone_from(&caller.source_identity);
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
            entry.assume_role = Some(assume_role::as_sent(form));
            if matches!(mode, StsMode::AccessDenied | StsMode::StaleConnections) {
                let role_arn = form.get("RoleArn").unwrap_or_default();
                return Err(StsError::not_authorised(&caller.arn, "sts:AssumeRole", role_arn));
            }
            Ok(("AssumeRole", assume_role::assume_role(state, &caller, form, &region)?))
        }
        Some(other) => Err(StsError::new(
            400,
            "InvalidAction",
            format!("Could not find operation {other} for version 2011-06-15"),
        )),
        None => Err(StsError::new(400, "MissingAction", "Action is required")),
    }
}
