//! Who calls, and whether its policies allow what it asks for.

use std::time::SystemTime;

use crate::iam::{AccessRequest, Decision, Policy};

/// A verified caller: an IAM user or a role session.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) user_id: String,
    pub(crate) identities: Vec<String>,
    pub(crate) policy: Option<Policy>,
    pub(crate) session_policy: Option<Policy>,
    /// `None` for long-term keys.
    pub(crate) session_ends_at: Option<SystemTime>,
}

/// Why policies do not allow something, in AWS's words after "on resource: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    NotInIdentity,
    NotInSession,
    ForbiddenByIdentity,
    ForbiddenBySession,
}

impl Denial {
    pub(crate) fn message(self, arn: &str, action: &str, resource: &str) -> String {
        let reason = match self {
            Self::NotInIdentity => format!("because no identity-based policy allows the {action} action"),
            Self::NotInSession => format!("because no session policy allows the {action} action"),
            Self::ForbiddenByIdentity => "with an explicit deny in an identity-based policy".to_owned(),
            Self::ForbiddenBySession => "with an explicit deny in a session policy".to_owned(),
        };
        format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")
    }
}

impl Caller {
    /// Role policy and session policy must both allow it; a deny in either wins.
    pub(crate) fn authorise(
        &self,
        action: &str,
        resource: &str,
        context: &[(&str, &str)],
    ) -> Result<(), Denial> {
        let request =
            AccessRequest { identities: &self.identities, account: &self.account, action, resource, context };
        let of_identity =
            self.policy.as_ref().map_or(Decision::NotMentioned, |policy| policy.decide(&request));
        let of_session =
            self.session_policy.as_ref().map_or(Decision::Allowed, |policy| policy.decide(&request));
        match (of_identity, of_session) {
            (Decision::ExplicitlyDenied, _) => Err(Denial::ForbiddenByIdentity),
            (_, Decision::ExplicitlyDenied) => Err(Denial::ForbiddenBySession),
            (Decision::NotMentioned, _) => Err(Denial::NotInIdentity),
            (_, Decision::NotMentioned) => Err(Denial::NotInSession),
            (Decision::Allowed, Decision::Allowed) => Ok(()),
        }
    }
}
