//! Everything between the first byte and the body: who signed, for which workspace, and whether policies allow it.

use std::time::Duration;

use super::SERVICE;
use super::authentication::{Authenticated, authenticate};
use super::error::PlatformError;
use super::protocol::Version;
use super::routes::{ActionScope, action_of};
use crate::caller::{Caller, Context};
use crate::journal::LoggedRequest;
use crate::server::Arrival;
use crate::state::State;
use crate::world::{Account, ApiKeyKind, Workspace};

/// The life of the token that the service mints in the caller's name; STS refuses one that outlives the session.
const MINTED_TOKEN_LIFE: Duration = Duration::from_secs(300);
const SERVICE_PRINCIPAL: &str = "aws-external-anthropic.amazonaws.com";

/// A request that may reach its route.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) action: &'static str,
    pub(super) account_id: String,
    pub(super) account: Account,
    /// Whose endpoint it came to, if anything tells.
    pub(super) region: Option<String>,
    /// The workspace that the request acts in; empty on routes of the account.
    pub(super) workspace: String,
    pub(super) version: Version,
}

pub(super) fn admit(
    state: &State,
    arrival: &Arrival,
    entry: &mut LoggedRequest,
) -> Result<Admitted, PlatformError> {
    let authenticated = authenticate(state, arrival, entry)?;
    let caller = &authenticated.caller;
    let account = account_of(state, caller)?;
    let route = action_of(&arrival.method, &arrival.path);
    let (action, scope) = route.ok_or_else(|| {
        PlatformError::forbidden(format!(
            "{} {} is not available on Claude Platform on AWS",
            arrival.method, arrival.path
        ))
    })?;
    entry.operation = format!("{SERVICE}:{action}");
    let version = Version::of(arrival)?;
    let (workspace, resource) = match scope {
        ActionScope::Account => ("", "*".to_owned()),
        ActionScope::Workspace => {
            let id = workspace_id(arrival, action)?;
            (id, workspace(state, id, &authenticated)?.arn(id))
        }
    };
    check_permissions(&authenticated, action, &resource)?;
    if caller.session_ends_at.is_some_and(|end| end < state.now() + MINTED_TOKEN_LIFE) {
        return Err(PlatformError::forbidden(
            "SessionDurationEscalationException: The requested token duration exceeds the remaining duration of the calling session.",
        ));
    }
    Ok(Admitted {
        action,
        account_id: caller.account.clone(),
        account,
        region: authenticated.region,
        workspace: workspace.to_owned(),
        version,
    })
}

/// The caller's account, if the platform may serve it.
fn account_of(state: &State, caller: &Caller) -> Result<Account, PlatformError> {
    let account = state.world().accounts.get(&caller.account).cloned();
    match account {
        Some(account) if !account.subscribed => {
            Err(PlatformError::forbidden("Your account has not subscribed to this service yet"))
        }
        Some(account) if account.federation => Ok(account),
        _ => Err(PlatformError::forbidden("Outbound web identity federation is disabled for your account")),
    }
}

/// The workspace that a request acts on: routes about a workspace have it in their path, the others in the header.
fn workspace_id<'a>(arrival: &'a Arrival, action: &str) -> Result<&'a str, PlatformError> {
    let header = arrival.only("anthropic-workspace-id")?;
    if header.is_some_and(|id| !is_workspace_id(id)) {
        return Err(PlatformError::invalid("anthropic-workspace-id header must be a valid workspace ID."));
    }
    if matches!(action, "GetWorkspace" | "UpdateWorkspace" | "ArchiveWorkspace") {
        return Ok(arrival.path.split('/').nth(4).unwrap_or_default());
    }
    header.ok_or_else(|| {
        PlatformError::invalid(
            "anthropic-workspace-id is required; send the id of the workspace this request acts in.",
        )
    })
}

fn is_workspace_id(text: &str) -> bool {
    text.strip_prefix("wrkspc_")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Unknown, foreign and elsewhere get the same answer, so that nobody learns which ids exist.
fn workspace(state: &State, id: &str, authenticated: &Authenticated) -> Result<Workspace, PlatformError> {
    let is_here = |workspace: &&Workspace| {
        workspace.account == authenticated.caller.account
            && authenticated.region.as_ref().is_none_or(|region| *region == workspace.region)
    };
    let found = state.world().workspaces.get(id).filter(is_here).cloned();
    found.ok_or_else(|| PlatformError::not_found(format!("Workspace `{id}` not found.")))
}

fn check_permissions(
    authenticated: &Authenticated,
    action: &str,
    resource: &str,
) -> Result<(), PlatformError> {
    let caller = &authenticated.caller;
    let check = |action: &str, resource: &str, context: &Context| {
        caller
            .authorise(action, resource, context)
            .map_err(|denial| PlatformError::forbidden(denial.message(&caller.arn, action, resource)))
    };
    let mut context = caller.context();
    context
        .extend(authenticated.region.iter().map(|region| ("aws:RequestedRegion".to_owned(), region.clone())));
    if let Some(kind) = authenticated.bearer {
        context.push((format!("{SERVICE}:BearerTokenType"), token_type(kind).to_owned()));
        check(&format!("{SERVICE}:CallWithBearerToken"), "*", &context)?;
    }
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

fn token_type(kind: ApiKeyKind) -> &'static str {
    match kind {
        ApiKeyKind::LongTerm => "LONG_TERM",
        ApiKeyKind::ShortTerm => "SHORT_TERM",
    }
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
