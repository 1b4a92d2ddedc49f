//! What a gateway that runs inside AWS finds: the role of its machine, task or pod, and tokens of identity providers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The identities that the emulator hands out to whoever runs beside it. Without a role there are none.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceIdentities {
    /// The name of the role of the machine, the task and the pod, and of the permission set of single sign-on.
    pub role: Option<String>,
    /// How long the credentials last, in seconds.
    pub session_seconds: u32,
    /// What the container endpoint asks for in `authorization`; nothing if there is none. With a token it stands for
    /// EKS Pod Identity, without one for ECS. Left out of what the control API shows.
    pub container_token: Option<String>,
    /// Transitive session tags, as EKS Pod Identity sets them; a role assumed further down must then let sessions be
    /// tagged.
    pub pod_tags: BTreeMap<String, String>,
    /// The web identity that STS knows.
    pub web_identity: Option<WebIdentity>,
    /// The access token of single sign-on. Left out of what the control API shows.
    pub sso_access_token: Option<String>,
}

impl Default for SourceIdentities {
    fn default() -> Self {
        Self {
            role: None,
            session_seconds: 6 * 3600,
            container_token: None,
            pod_tags: BTreeMap::new(),
            web_identity: None,
            sso_access_token: None,
        }
    }
}

impl SourceIdentities {
    /// Takes out every token.
    pub(crate) fn clear_secrets(&mut self) {
        self.container_token = None;
        self.sso_access_token = None;
        if let Some(identity) = &mut self.web_identity {
            identity.token.clear();
        }
    }
}

impl fmt::Debug for SourceIdentities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SourceIdentities").field("role", &self.role).finish_non_exhaustive()
    }
}

/// One token of an OpenID Connect provider, and what its claims say. A role's trust policy names the provider as
/// `arn:aws:iam::<account of the role>:oidc-provider/<provider>`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebIdentity {
    /// The token, opaque here. Left out of what the control API shows.
    #[serde(default)]
    pub token: String,
    /// The issuer without `https://`.
    pub provider: String,
    /// The claim `sub`.
    pub subject: String,
    /// The claim `aud`.
    pub audience: String,
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("WebIdentity");
        shown.field("provider", &self.provider).field("subject", &self.subject).finish_non_exhaustive()
    }
}
