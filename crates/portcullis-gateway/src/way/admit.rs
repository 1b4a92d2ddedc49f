//! Whether a resolved request may go ahead.
//!
//! Limits and budgets are asked here too once there are any: after it is known who asks for what, before anything is
//! dispatched.

use portcullis_catalog::Scope;

use super::Resolved;
use crate::error::GatewayError;

/// A request that may be attempted. Only [`admit`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct Admitted(Resolved);

/// Admits a request whose key allows completions. (A provider that is not in force was not found to begin with.)
pub(crate) fn admit(resolved: Resolved) -> Result<Admitted, GatewayError> {
    if resolved.caller.0.may(Scope::COMPLETIONS_WRITE) {
        Ok(Admitted(resolved))
    } else {
        Err(GatewayError::MissingScope(Scope::COMPLETIONS_WRITE))
    }
}

impl std::ops::Deref for Admitted {
    type Target = Resolved;
    fn deref(&self) -> &Resolved {
        &self.0
    }
}
