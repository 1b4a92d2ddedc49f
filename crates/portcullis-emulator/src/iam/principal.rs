//! The `Principal` element: whom a resource policy speaks of.

use serde_json::Value;

use super::{AccessRequest, PolicyError, strings};

/// One name in a `Principal` element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Principal {
    Anyone,
    /// An ARN, an account or `*`.
    Aws(String),
    /// A service of AWS, such as `ec2.amazonaws.com`.
    Service(String),
    /// The ARN of an identity provider.
    Federated(String),
}

impl Principal {
    pub(super) fn names(&self, request: &AccessRequest<'_>) -> bool {
        match self {
            Self::Anyone => true,
            // Services and users of a provider belong to no account, so that no `AWS` principal means them.
            Self::Aws(_) if request.account.is_empty() => false,
            Self::Aws(name) => {
                name == "*"
                    || name == request.account
                    || *name == format!("arn:aws:iam::{}:root", request.account)
                    || request.identities.contains(name)
            }
            Self::Service(name) | Self::Federated(name) => {
                request.account.is_empty() && request.identities.contains(name)
            }
        }
    }

    pub(super) fn is_one_of(&self, identities: &[String]) -> bool {
        matches!(self, Self::Aws(name) if identities.contains(name))
    }
}

pub(super) fn parse(value: &Value) -> Result<Vec<Principal>, PolicyError> {
    match value {
        Value::String(everybody) if everybody == "*" => Ok(vec![Principal::Anyone]),
        Value::Object(kinds) if !kinds.is_empty() => {
            let mut principals = Vec::new();
            for (kind, names) in kinds {
                let principal = constructor(kind)?;
                principals.extend(strings(names)?.into_iter().map(principal));
            }
            Ok(principals)
        }
        _ => Err(PolicyError("`Principal` must be `*` or an object".into())),
    }
}

fn constructor(kind: &str) -> Result<fn(String) -> Principal, PolicyError> {
    match kind {
        "AWS" => Ok(Principal::Aws),
        "Service" => Ok(Principal::Service),
        "Federated" => Ok(Principal::Federated),
        _ => Err(PolicyError(format!("`{kind}` principals are not known here"))),
    }
}
