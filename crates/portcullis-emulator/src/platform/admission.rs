//! Everything between the first byte and the body: who signed, for which workspace, and whether policies allow it.

use std::time::Duration;

use super::SERVICE;
use super::error::PlatformError;
use super::routes::{ActionScope, action_of};
use crate::caller::{Caller, Context};
use crate::journal::LoggedRequest;
use crate::server::Arrival;
use crate::sigv4::{self, ExpectedScope, WorkspaceHeader};
use crate::state::State;
use crate::world::Workspace;

/// The life of the token that the service mints in the caller's name; STS refuses one that outlives the session.
const MINTED_TOKEN_LIFE: Duration = Duration::from_secs(300);
const SERVICE_PRINCIPAL: &str = "aws-external-anthropic.amazonaws.com";

/// A request that may reach its route.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) action: &'static str,
}

pub(super) fn admit(
    state: &State,
    arrival: &Arrival,
    entry: &mut LoggedRequest,
) -> Result<Admitted, PlatformError> {
    refuse_api_keys(arrival)?;
    let caller = verified_caller(state, arrival, entry)?;
    check_account(state, &caller)?;
    let route = action_of(&arrival.method, &arrival.path);
    let (action, scope) = route.ok_or_else(|| {
        PlatformError::forbidden(format!(
            "{} {} is not available on Claude Platform on AWS",
            arrival.method, arrival.path
        ))
    })?;
    entry.operation = format!("{SERVICE}:{action}");
    check_version(arrival)?;
    let resource = match scope {
        ActionScope::Account => "*".to_owned(),
        ActionScope::Workspace => {
            let (id, workspace) = workspace(state, arrival, &caller)?;
            workspace.arn(&id)
        }
    };
    check_permissions(&caller, action, &resource)?;
    if caller.session_ends_at.is_some_and(|end| end < state.now() + MINTED_TOKEN_LIFE) {
        return Err(PlatformError::forbidden(
            "SessionDurationEscalationException: The requested token duration exceeds the remaining duration of the calling session.",
        ));
    }
    Ok(Admitted { action })
}

/// Nobody in the emulated world has an API key.
fn refuse_api_keys(arrival: &Arrival) -> Result<(), PlatformError> {
    let bearer = arrival
        .header("authorization")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("bearer "));
    if bearer || arrival.header("x-api-key").is_some() {
        Err(PlatformError::new(401, "authentication_error", "Invalid bearer token"))
    } else {
        Ok(())
    }
}

fn verified_caller(
    state: &State,
    arrival: &Arrival,
    entry: &mut LoggedRequest,
) -> Result<Caller, PlatformError> {
    let unauthenticated = |message: String| PlatformError::new(401, "authentication_error", message);
    let headers = arrival.header_pairs();
    let request = arrival.as_received(&headers);
    let (region, rule) = {
        let world = state.world();
        let named = arrival.header("anthropic-workspace-id").and_then(|id| world.workspaces.get(id));
        // One listener stands for every region: the workspace says which. Without one, any region is the right one.
        let region =
            named.map(|workspace| workspace.region.clone()).or_else(|| sigv4::claimed_region(&request));
        let rule = if world.workspace_header_must_be_signed {
            WorkspaceHeader::MustBeSigned
        } else {
            WorkspaceHeader::MayBeUnsigned
        };
        (region.unwrap_or_default(), rule)
    };
    let expected = ExpectedScope { region: &region, service: SERVICE };
    let verified = sigv4::verify_with(&request, |id| state.known_key(id), expected, state.now(), rule)
        .map_err(|fault| unauthenticated(fault.message()))?;
    entry.note_verified(&verified);
    let caller = state
        .caller(&verified.access_key_id)
        .ok_or_else(|| unauthenticated("The security token included in the request is invalid.".into()))?;
    entry.principal_arn = Some(caller.arn.clone());
    entry.session_tags.clone_from(&caller.tags);
    entry.source_identity.clone_from(&caller.source_identity);
    Ok(caller)
}

fn check_account(state: &State, caller: &Caller) -> Result<(), PlatformError> {
    let account = state.world().accounts.get(&caller.account).cloned();
    match account {
        Some(account) if !account.subscribed => {
            Err(PlatformError::forbidden("Your account has not subscribed to this service yet"))
        }
        Some(account) if account.federation => Ok(()),
        _ => Err(PlatformError::forbidden("Outbound web identity federation is disabled for your account")),
    }
}

fn check_version(arrival: &Arrival) -> Result<(), PlatformError> {
    match arrival.only("anthropic-version")? {
        None => Err(PlatformError::invalid("anthropic-version: header is required")),
        Some("2023-06-01" | "2026-10-21") => Ok(()),
        Some(other) => {
            Err(PlatformError::invalid(format!("anthropic-version: \"{other}\" is not a valid version")))
        }
    }
}

fn workspace(
    state: &State,
    arrival: &Arrival,
    caller: &Caller,
) -> Result<(String, Workspace), PlatformError> {
    let id = arrival.only("anthropic-workspace-id")?.ok_or_else(|| {
        PlatformError::invalid(
            "anthropic-workspace-id is required; send the id of the workspace this request acts in.",
        )
    })?;
    let is_well_formed = id
        .strip_prefix("wrkspc_")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !is_well_formed {
        return Err(PlatformError::invalid("anthropic-workspace-id header must be a valid workspace ID."));
    }
    // Unknown and foreign get the same answer, so that nobody learns which ids exist.
    match state.world().workspaces.get(id) {
        Some(workspace) if workspace.account == caller.account => Ok((id.to_owned(), workspace.clone())),
        _ => Err(PlatformError::not_found(format!("Workspace `{id}` not found."))),
    }
}

fn check_permissions(caller: &Caller, action: &str, resource: &str) -> Result<(), PlatformError> {
    let check = |action: &str, resource: &str, context: &Context| {
        caller
            .authorise(action, resource, context)
            .map_err(|denial| PlatformError::forbidden(denial.message(&caller.arn, action, resource)))
    };
    let mut context = caller.context();
    check(&format!("{SERVICE}:{action}"), resource, &context)?;
    let forwarded = [
        ("aws:CalledVia", SERVICE_PRINCIPAL),
        ("aws:CalledViaFirst", SERVICE_PRINCIPAL),
        ("aws:CalledViaLast", SERVICE_PRINCIPAL),
        ("sts:IdentityTokenAudience", "https://api.anthropic.com"),
    ];
    context.extend(forwarded.map(|(key, value)| (key.to_owned(), value.to_owned())));
    check("sts:GetWebIdentityToken", "*", &context)?;
    check("sts:TagGetWebIdentityToken", "*", &context)
}

impl Arrival {
    /// The value of a header that may come once: two values are an ambiguity that two readers resolve differently.
    pub(super) fn only(&self, name: &str) -> Result<Option<&str>, PlatformError> {
        let mut values = self.headers.iter().filter(|(candidate, _)| candidate == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(PlatformError::invalid(format!("{name}: header must not be repeated"))),
            (value, None) => Ok(value.map(|(_, value)| value.as_str())),
        }
    }
}
