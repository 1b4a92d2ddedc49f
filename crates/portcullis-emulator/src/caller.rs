//! Who calls, and whether its policies allow what it asks for.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::iam::{AccessRequest, Decision, Policy};
use crate::session::Session;
use crate::world::{ApiKey, Principal, World};

/// Condition keys with their values, as policies see one call.
pub(crate) type Context = Vec<(String, String)>;

/// A verified caller: an IAM user, a role session or an API key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) user_id: String,
    pub(crate) identities: Vec<String>,
    pub(crate) policy: Option<Policy>,
    pub(crate) limits: Limits,
    /// `None` for long-term keys.
    pub(crate) session_ends_at: Option<SystemTime>,
    /// Tags of the session.
    pub(crate) tags: BTreeMap<String, String>,
    /// Those of the tags that the next session of a chain inherits.
    pub(crate) transitive_tags: BTreeMap<String, String>,
    pub(crate) source_identity: Option<String>,
}

/// Policies that never grant. Each that is there must allow what the identity's policy allows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) session: Option<Policy>,
    pub(crate) boundary: Option<Policy>,
    pub(crate) service_control: Option<Policy>,
}

/// The kinds of policy that take part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    ServiceControl,
    Identity,
    Boundary,
    Session,
}

/// Why policies do not allow something, in AWS's words after "on resource: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) by: PolicyKind,
    /// A `Deny` statement matched; otherwise no `Allow` did.
    pub(crate) is_explicit: bool,
}

impl PolicyKind {
    fn name(self) -> &'static str {
        match self {
            Self::ServiceControl => "service control policy",
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        }
    }

    fn article(self) -> &'static str {
        if self == Self::Identity { "an" } else { "a" }
    }
}

impl Denial {
    /// The whole sentence. Source: IAM User Guide, "Troubleshoot access denied error messages".
    pub(crate) fn message(self, arn: &str, action: &str, resource: &str) -> String {
        let policy = self.by.name();
        let reason = if self.is_explicit {
            format!("with an explicit deny in {} {policy}", self.by.article())
        } else {
            format!("because no {policy} allows the {action} action")
        };
        format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")
    }
}

impl Caller {
    pub(crate) fn of_session(world: &World, session: &Session) -> Self {
        let grant = &session.grant;
        // A deleted role has no permissions any more, but its sessions keep their name.
        let role = world.roles.get(&grant.role_name).filter(|role| role.account == grant.account);
        let role_arn = role.map(|role| role.arn(&grant.role_name));
        Self {
            arn: session.arn(),
            account: grant.account.clone(),
            user_id: session.assumed_role_id.clone(),
            identities: std::iter::once(session.arn()).chain(role_arn).collect(),
            policy: role.map(|role| role.permissions_policy.clone()),
            limits: Limits {
                session: grant.policy.clone(),
                boundary: role.and_then(|role| role.permissions_boundary.clone()),
                service_control: world.service_control_policy(&grant.account),
            },
            session_ends_at: Some(grant.expires_at),
            tags: grant.tags.clone(),
            transitive_tags: session.transitive_tags(),
            source_identity: grant.source_identity.clone(),
        }
    }

    pub(crate) fn of_principal(world: &World, principal: &Principal) -> Self {
        Self {
            arn: principal.arn.clone(),
            account: principal.account.clone(),
            user_id: format!("AIDA{}", &principal.access_key_id.get(4..).unwrap_or_default()),
            identities: vec![principal.arn.clone()],
            policy: Some(principal.policy.clone()),
            limits: Limits {
                service_control: world.service_control_policy(&principal.account),
                ..Limits::default()
            },
            ..Self::default()
        }
    }

    pub(crate) fn of_api_key(world: &World, key: &ApiKey) -> Self {
        Self {
            arn: key.principal_arn.clone(),
            account: key.account.clone(),
            user_id: "AIDAEMULATORAPIKEY".to_owned(),
            identities: vec![key.principal_arn.clone()],
            policy: Some(key.policy.clone()),
            limits: Limits {
                service_control: world.service_control_policy(&key.account),
                ..Limits::default()
            },
            ..Self::default()
        }
    }

    /// What every policy may ask about the caller.
    pub(crate) fn context(&self) -> Context {
        let key = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        // Policies see the role's ARN, not the session's.
        let principal_arn = self.identities.last().unwrap_or(&self.arn);
        let mut context = vec![
            key("aws:PrincipalArn", principal_arn),
            key("aws:PrincipalAccount", &self.account),
            key("aws:userid", &self.user_id),
            key("aws:SecureTransport", "true"),
        ];
        context.extend(self.source_identity.iter().map(|identity| key("aws:SourceIdentity", identity)));
        context.extend(
            self.tags.iter().map(|(name, value)| (format!("aws:PrincipalTag/{name}"), value.clone())),
        );
        context
    }

    /// Every policy there is must allow it; a deny in any wins.
    pub(crate) fn authorise(&self, action: &str, resource: &str, context: &Context) -> Result<(), Denial> {
        let of_identity = |request: &AccessRequest<'_>| {
            self.policy.as_ref().map_or(Decision::NotMentioned, |policy| policy.decide(request))
        };
        self.judge(action, resource, context, of_identity)
    }

    /// As [`Caller::authorise`], when a policy of the resource in the caller's own account has granted it already:
    /// then its own policy can only deny.
    pub(crate) fn authorise_granted(
        &self,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Result<(), Denial> {
        self.judge(action, resource, context, |request| {
            match self.policy.as_ref().map(|policy| policy.decide(request)) {
                Some(Decision::ExplicitlyDenied) => Decision::ExplicitlyDenied,
                _ => Decision::Allowed,
            }
        })
    }

    fn judge(
        &self,
        action: &str,
        resource: &str,
        context: &Context,
        of_identity: impl Fn(&AccessRequest<'_>) -> Decision,
    ) -> Result<(), Denial> {
        let context: Vec<(&str, &str)> =
            context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let request = AccessRequest {
            identities: &self.identities,
            account: &self.account,
            action,
            resource,
            context: &context,
        };
        let limit = |policy: &Option<Policy>| {
            policy.as_ref().map_or(Decision::Allowed, |policy| policy.decide(&request))
        };
        // The order in which AWS asks, hence the one that its sentences name.
        let decisions = [
            (PolicyKind::ServiceControl, limit(&self.limits.service_control)),
            (PolicyKind::Identity, of_identity(&request)),
            (PolicyKind::Boundary, limit(&self.limits.boundary)),
            (PolicyKind::Session, limit(&self.limits.session)),
        ];
        let first = |wanted: Decision| decisions.iter().find(|(_, decision)| *decision == wanted);
        if let Some((by, _)) = first(Decision::ExplicitlyDenied) {
            return Err(Denial { by: *by, is_explicit: true });
        }
        first(Decision::NotMentioned).map_or(Ok(()), |(by, _)| Err(Denial { by: *by, is_explicit: false }))
    }
}
