//! Who may say how an integration reaches AWS: what one tenant could use to act as another is the organisation's to say.

use portcullis_catalog::{AuthPatch, IntegrationPatch, NewAuth};
use portcullis_types::{AwsAuth, RoleSettings};

use super::may_not;
use crate::authentication::Caller;
use crate::error::AdminError;

/// Who chose the external ID that a caller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExternalIdChoice {
    /// The caller, or nobody yet.
    Callers,
    /// The gateway, for the caller's own workspace: a set-up reserved it.
    Gateways,
}

/// Whether `caller` may register this way into AWS.
///
/// Not for a workspace's key is what a tenant could use to act as another one, or to do more than the operator meant:
/// the gateway's own identity, external IDs of one's own choosing, a chain (its roles are assumed as the gateway, and the
/// first may be anyone's that trusts it), and a session policy other than the generated one.
///
/// # Errors
/// The denial, as 403.
pub(crate) fn may_use_auth(
    caller: &Caller,
    auth: &NewAuth,
    choice: ExternalIdChoice,
) -> Result<(), AdminError> {
    match auth {
        _ if caller.workspace_id.is_none() => Ok(()),
        NewAuth::ServiceRole => may_not(OWN_IDENTITY),
        NewAuth::AssumedRole { external_id: Some(_), .. } if choice == ExternalIdChoice::Callers => {
            may_not(OWN_EXTERNAL_ID)
        }
        NewAuth::AssumedRole { settings, .. } => may_change_settings(&RoleSettings::default(), settings),
        NewAuth::AccessKey { .. } | NewAuth::ApiKey { .. } => Ok(()),
    }
}

/// Whether `caller` may change where an integration leads like this. As [`may_use_auth`]; and where the gateway's own
/// identity goes is the organisation's to say, as is what an organisation's key has said of chain and session policy: it
/// holds for the role it was said of, so that a tenant can neither drop it nor take it elsewhere.
///
/// - `present`: the way into AWS in use now.
///
/// # Errors
/// The denial, as 403.
pub(crate) fn may_change_platform(
    caller: &Caller,
    present: &AwsAuth,
    patch: &IntegrationPatch,
) -> Result<(), AdminError> {
    if caller.workspace_id.is_none() {
        return Ok(());
    }
    let redirects = patch.region.is_some() || patch.anthropic_workspace_id.is_some();
    let (role, before) = match present {
        AwsAuth::AssumedRole { role_arn, settings, .. } => (Some(role_arn), settings.as_ref().clone()),
        AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => {
            (None, Default::default())
        }
    };
    let none = RoleSettings::default();
    match &patch.auth {
        None if redirects && matches!(present, AwsAuth::ServiceRole) => {
            may_not("redirect the gateway's own AWS identity")
        }
        None => Ok(()),
        Some(AuthPatch::ServiceRole) => may_not(OWN_IDENTITY),
        Some(AuthPatch::AssumedRole { external_id: Some(_), .. }) => may_not(OWN_EXTERNAL_ID),
        Some(AuthPatch::AssumedRole { role_arn, settings, .. }) => {
            if role_arn.is_some() && role_arn.as_ref() != role {
                may_change_settings(&before, &none)?;
            }
            may_change_settings(&before, settings.as_ref().unwrap_or(&before))
        }
        Some(AuthPatch::AccessKey { .. } | AuthPatch::ApiKey { .. }) => may_change_settings(&before, &none),
    }
}

/// Whether a workspace's key may turn these settings of a role into those.
fn may_change_settings(before: &RoleSettings, after: &RoleSettings) -> Result<(), AdminError> {
    if before.role_chain != after.role_chain {
        return may_not("say through which roles a role is reached (`role_chain`)");
    }
    if before.session_policy != after.session_policy {
        return may_not("say what narrows a role's sessions (`session_policy`)");
    }
    Ok(())
}

const OWN_IDENTITY: &str = "use the gateway's own AWS identity (`serviceRole`)";
const OWN_EXTERNAL_ID: &str = "choose an external ID; leave `aws_external_id` out and one is generated";
