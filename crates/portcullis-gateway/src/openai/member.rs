//! Who asks for objects of OpenAI's API: a key of one workspace that may use models.

use std::sync::Arc;

use http::HeaderMap;
use portcullis_catalog::{Scope, Snapshot};
use portcullis_types::TenantWorkspaceId;

use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::way::resolve::workspace_of;
use crate::way::{Authenticated, authenticate};

/// A caller who may use the objects of a workspace. Only [`Member::of`] makes one.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) caller: Authenticated,
    pub(super) workspace: TenantWorkspaceId,
    pub(super) snapshot: Arc<Snapshot>,
}

impl Member {
    /// Authenticates a request without a body.
    pub(super) fn of(gateway: &Parts, headers: &HeaderMap) -> Result<Self, GatewayError> {
        let snapshot = gateway.catalog.snapshot();
        let caller = authenticate(headers, &snapshot, gateway.clock.now())?;
        Self::from_caller(caller, snapshot)
    }

    /// Files and batches are inputs and outputs of completions, and stand behind the same scope.
    pub(super) fn from_caller(caller: Authenticated, snapshot: Arc<Snapshot>) -> Result<Self, GatewayError> {
        let workspace = workspace_of(&caller)?;
        if !caller.0.may(Scope::COMPLETIONS_WRITE) {
            return Err(GatewayError::MissingScope(Scope::COMPLETIONS_WRITE));
        }
        Ok(Self { caller, workspace, snapshot })
    }
}
