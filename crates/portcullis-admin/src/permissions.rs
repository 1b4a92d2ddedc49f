//! Who may do what: the one table of operations and scopes, and the rules that look at a row.
//!
//! Everything is denied that is not written here. [`access`] is checked before a request's body is read; the other
//! rules need a row or the body, and are asked by the handlers.

mod platform;

use portcullis_catalog::{KeyKind, Scope};
use portcullis_types::TenantWorkspaceId;
use time::OffsetDateTime;

use crate::authentication::Caller;
use crate::error::AdminError;
use crate::timestamp;

pub(crate) use platform::{ExternalIdChoice, may_change_platform, may_use_auth};

/// What can be asked of the control plane. Each route is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is a verb and a noun of the API")]
pub enum Operation {
    ShowCaller,
    ListWorkspaces,
    CreateIntegration,
    ListIntegrations,
    ShowIntegration,
    UpdateIntegration,
    DeleteIntegration,
    SetUpIntegration,
    ShowIntegrationSetup,
    VerifyIntegration,
    ShowVerification,
    ShowIntegrationHealth,
    ShowIntegrationPolicy,
    ShowAwsIdentity,
    ShowMetrics,
    CreateProvider,
    ListProviders,
    ShowProvider,
    UpdateProvider,
    DeleteProvider,
    CreateOrganisationServiceKey,
    CreateWorkspaceServiceKey,
    CreateWorkspaceUserKey,
    ListApiKeys,
    ShowApiKey,
    RevokeApiKey,
}

/// What a key must hold for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any live key: the answer is about the key itself.
    AnyKey,
    /// One of these scopes.
    AnyOf(&'static [Scope]),
}

/// Why a known caller may not do what it asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It holds none of the scopes that allow the operation.
    #[error("this key needs the scope {}", alternatives(.0))]
    MissingScope(&'static [Scope]),
    /// Something only an organisation's key may do.
    #[error("only an organisation's key may {0}")]
    OrganisationOnly(&'static str),
    /// It would give away more than it holds.
    #[error("this key cannot grant `{0}`, which it does not hold itself")]
    GrantsMoreThanItHolds(Scope),
    /// A person's key may be made by that person's own keys, or by keys that are nobody's.
    #[error("a person's key can make keys for the same person only")]
    AnotherPerson,
    /// Its end would mean nothing if what it makes went on.
    #[error(
        "this key expires at {}, and so must the keys that it makes: give an `expires_at` that is no later",
        timestamp::format(*.0)
    )]
    OutlivesItsMaker(OffsetDateTime),
}

fn alternatives(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" or ")
}

/// What is done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Read,
    Update,
    Delete,
    List,
}

macro_rules! scopes {
    ($($name:literal),+) => { const { &[$(Scope::known($name)),+] } };
}

/// The scopes that open an operation.
#[must_use]
pub const fn access(operation: Operation) -> Access {
    use Operation as O;
    Access::AnyOf(match operation {
        O::ShowCaller => return Access::AnyKey,
        O::ListWorkspaces => scopes!["workspaces.list"],
        O::CreateIntegration | O::SetUpIntegration => {
            scopes!["organisation_integrations.create", "workspace_integrations.create"]
        }
        O::ListIntegrations => scopes!["organisation_integrations.list", "workspace_integrations.list"],
        O::ShowIntegration
        | O::ShowIntegrationSetup
        | O::ShowVerification
        | O::ShowIntegrationHealth
        | O::ShowIntegrationPolicy => {
            scopes!["organisation_integrations.read", "workspace_integrations.read"]
        }
        // A verification calls AWS in the integration's name, and its verdict stands beside it for all to see.
        O::UpdateIntegration | O::VerifyIntegration => {
            scopes!["organisation_integrations.update", "workspace_integrations.update"]
        }
        O::DeleteIntegration => scopes!["organisation_integrations.delete", "workspace_integrations.delete"],
        O::ShowAwsIdentity => scopes!["organisation_integrations.read"],
        O::ShowMetrics => scopes!["analytics.view"],
        O::CreateProvider => scopes!["providers.create"],
        O::ListProviders => scopes!["providers.list"],
        O::ShowProvider => scopes!["providers.read"],
        O::UpdateProvider => scopes!["providers.update"],
        O::DeleteProvider => scopes!["providers.delete"],
        O::CreateOrganisationServiceKey => scopes!["organisation_service_api_keys.create"],
        O::CreateWorkspaceServiceKey => scopes!["workspace_service_api_keys.create"],
        O::CreateWorkspaceUserKey => scopes!["workspace_user_api_keys.create"],
        O::ListApiKeys => scopes![
            "organisation_service_api_keys.list",
            "workspace_service_api_keys.list",
            "workspace_user_api_keys.list"
        ],
        O::ShowApiKey => scopes![
            "organisation_service_api_keys.read",
            "workspace_service_api_keys.read",
            "workspace_user_api_keys.read"
        ],
        O::RevokeApiKey => scopes![
            "organisation_service_api_keys.delete",
            "workspace_service_api_keys.delete",
            "workspace_user_api_keys.delete"
        ],
    })
}

/// Whether an operation changes something, and so leaves a line in the log.
pub(crate) const fn changes_something(operation: Operation) -> bool {
    use Operation as O;
    match operation {
        O::ShowCaller
        | O::ListWorkspaces
        | O::ListIntegrations
        | O::ShowIntegration
        | O::ShowIntegrationSetup
        | O::ShowVerification
        | O::ShowIntegrationHealth
        | O::ShowIntegrationPolicy
        | O::ShowAwsIdentity
        | O::ShowMetrics
        | O::ListProviders
        | O::ShowProvider
        | O::ListApiKeys
        | O::ShowApiKey => false,
        O::CreateIntegration
        | O::UpdateIntegration
        | O::DeleteIntegration
        | O::SetUpIntegration
        | O::VerifyIntegration
        | O::CreateProvider
        | O::UpdateProvider
        | O::DeleteProvider
        | O::CreateOrganisationServiceKey
        | O::CreateWorkspaceServiceKey
        | O::CreateWorkspaceUserKey
        | O::RevokeApiKey => true,
    }
}

/// The scope for an integration, which depends on where it was made.
///
/// - `workspace_id`: the workspace it serves; `None` for one of the organisation.
pub(crate) const fn integration_scope(
    workspace_id: Option<TenantWorkspaceId>,
    action: Action,
) -> &'static [Scope] {
    use Action as A;
    match (workspace_id, action) {
        (None, A::Create) => scopes!["organisation_integrations.create"],
        (None, A::Read) => scopes!["organisation_integrations.read"],
        (None, A::Update) => scopes!["organisation_integrations.update"],
        (None, A::Delete) => scopes!["organisation_integrations.delete"],
        (None, A::List) => scopes!["organisation_integrations.list"],
        (Some(_), A::Create) => scopes!["workspace_integrations.create"],
        (Some(_), A::Read) => scopes!["workspace_integrations.read"],
        (Some(_), A::Update) => scopes!["workspace_integrations.update"],
        (Some(_), A::Delete) => scopes!["workspace_integrations.delete"],
        (Some(_), A::List) => WORKSPACE_INTEGRATIONS_LIST,
    }
}

/// The scope that shows the integrations of workspaces.
pub(crate) const WORKSPACE_INTEGRATIONS_LIST: &[Scope] = scopes!["workspace_integrations.list"];

/// The scope for a key, which depends on its kind.
pub(crate) const fn api_key_scope(kind: KeyKind, action: Action) -> &'static [Scope] {
    use Action as A;
    use KeyKind as K;
    match (kind, action) {
        (K::OrganisationService, A::Create) => scopes!["organisation_service_api_keys.create"],
        (K::OrganisationService, A::Read) => scopes!["organisation_service_api_keys.read"],
        (K::OrganisationService, A::Update) => scopes!["organisation_service_api_keys.update"],
        (K::OrganisationService, A::Delete) => scopes!["organisation_service_api_keys.delete"],
        (K::OrganisationService, A::List) => scopes!["organisation_service_api_keys.list"],
        (K::WorkspaceService, A::Create) => scopes!["workspace_service_api_keys.create"],
        (K::WorkspaceService, A::Read) => scopes!["workspace_service_api_keys.read"],
        (K::WorkspaceService, A::Update) => scopes!["workspace_service_api_keys.update"],
        (K::WorkspaceService, A::Delete) => scopes!["workspace_service_api_keys.delete"],
        (K::WorkspaceService, A::List) => scopes!["workspace_service_api_keys.list"],
        (K::WorkspaceUser, A::Create) => scopes!["workspace_user_api_keys.create"],
        (K::WorkspaceUser, A::Read) => scopes!["workspace_user_api_keys.read"],
        (K::WorkspaceUser, A::Update) => scopes!["workspace_user_api_keys.update"],
        (K::WorkspaceUser, A::Delete) => scopes!["workspace_user_api_keys.delete"],
        (K::WorkspaceUser, A::List) => scopes!["workspace_user_api_keys.list"],
    }
}

/// What a workspace's key does with models. An organisation's key, which can call none, may still hand it out.
const DATA_PLANE: &[Scope] = scopes![
    "completions.write",
    "models.list",
    "prompts.render",
    "guardrails.invoke",
    "logs.write",
    "mcp.invoke",
    "agents.invoke"
];

/// Whether `caller` may start `operation`.
///
/// # Errors
/// The denial, as 403.
pub(crate) fn check(caller: &Caller, operation: Operation) -> Result<(), AdminError> {
    match access(operation) {
        Access::AnyKey => Ok(()),
        Access::AnyOf(scopes) => require(caller, scopes),
    }
}

/// Whether `caller` holds one of `scopes`.
///
/// # Errors
/// The denial, as 403.
pub(crate) fn require(caller: &Caller, scopes: &'static [Scope]) -> Result<(), AdminError> {
    if holds_any(caller, scopes) { Ok(()) } else { Err(Denial::MissingScope(scopes).into()) }
}

/// Whether `caller` holds one of `scopes`.
pub(crate) fn holds_any(caller: &Caller, scopes: &[Scope]) -> bool {
    scopes.iter().any(|scope| caller.scopes.contains(scope))
}

/// Whether a row of the caller's organisation exists for this caller.
///
/// - `workspace_id`: where the row belongs; `None` for the organisation.
pub(crate) fn sees(caller: &Caller, workspace_id: Option<TenantWorkspaceId>) -> bool {
    caller.workspace_id.is_none_or(|own| workspace_id == Some(own))
}

/// Whether `caller` is an organisation's key, where `what` is not for a workspace's.
///
/// # Errors
/// The denial, as 403.
pub(crate) fn require_organisation(caller: &Caller, what: &'static str) -> Result<(), AdminError> {
    if caller.workspace_id.is_none() { Ok(()) } else { may_not(what) }
}

fn may_not(what: &'static str) -> Result<(), AdminError> {
    Err(Denial::OrganisationOnly(what).into())
}

/// A key as far as it matters for who may make it.
pub(crate) struct KeyToMake<'a> {
    pub(crate) kind: KeyKind,
    pub(crate) scopes: &'a [Scope],
    pub(crate) user_id: Option<&'a str>,
    /// `None`: never.
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// Whether `caller` may make this key.
///
/// No key makes one that may do more than itself, or for longer. (An organisation's key also hands out [`DATA_PLANE`]
/// scopes.)
///
/// # Errors
/// The denial, as 403.
pub(crate) fn may_make_key(caller: &Caller, key: &KeyToMake<'_>) -> Result<(), AdminError> {
    let &KeyToMake { kind, scopes, user_id, expires_at } = key;
    if kind == KeyKind::OrganisationService && caller.workspace_id.is_some() {
        return may_not("make an organisation's key");
    }
    if caller.user_id.is_some() && caller.user_id.as_deref() != user_id {
        return Err(Denial::AnotherPerson.into());
    }
    let own_end = caller.expires_at.map(OffsetDateTime::from);
    if let Some(own_end) = own_end.filter(|own| expires_at.is_none_or(|end| end > *own)) {
        return Err(Denial::OutlivesItsMaker(own_end).into());
    }
    let may_grant = |scope: &Scope| {
        caller.scopes.contains(scope) || (caller.workspace_id.is_none() && DATA_PLANE.contains(scope))
    };
    match scopes.iter().find(|scope| !may_grant(scope)) {
        Some(scope) => Err(Denial::GrantsMoreThanItHolds(*scope).into()),
        None => Ok(()),
    }
}

/// Whether a key of this kind can hold `scope` at all: what is the organisation's is not for a workspace's key.
pub(crate) fn fits_kind(kind: KeyKind, scope: Scope) -> bool {
    kind == KeyKind::OrganisationService || !scope.as_str().starts_with("organisation_")
}
