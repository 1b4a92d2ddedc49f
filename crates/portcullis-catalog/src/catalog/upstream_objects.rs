//! Objects at the upstream: who made what.

use std::collections::HashSet;

use portcullis_types::{TenantWorkspaceId, WorkspaceId};

use super::Catalog;
use crate::error::CatalogError;
use crate::store::upstream_objects;
use crate::text::{check_name, stored_time, whole_seconds};
use crate::upstream_object::{UpstreamObject, UpstreamObjectKind};

impl Catalog {
    /// Records who made an object. The same workspace may do it again: provider and expiry are then the new ones.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] when another workspace made it; [`CatalogError::Invalid`] when the id is no id.
    pub async fn record_upstream_object(&self, mut object: UpstreamObject) -> Result<(), CatalogError> {
        check_name("upstream_id", &object.upstream_id)?;
        object.created_at = stored_time(object.created_at);
        object.expires_at = object.expires_at.map(whole_seconds);
        let mut transaction = self.0.store.write_beside().await?;
        if !upstream_objects::record(&mut transaction, &object).await? {
            return Err(CatalogError::Conflict { what: "upstream object", field: "upstream_id" });
        }
        upstream_objects::record_tenant(&mut transaction, &object).await?;
        transaction.commit().await
    }

    /// The record of an object that this workspace made; `None` when it made no such one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn upstream_object(
        &self,
        workspace: TenantWorkspaceId,
        kind: UpstreamObjectKind,
        upstream_id: &str,
    ) -> Result<Option<UpstreamObject>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let Some(upstream_id) = storable(upstream_id) else { return Ok(None) };
        let row = upstream_objects::find(&mut read, workspace, kind, upstream_id).await?;
        row.map(|row| row.read(kind)).transpose()
    }

    /// The record of an object in one of Anthropic's workspaces, whoever made it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn upstream_object_of_anybody(
        &self,
        anthropic_workspace: &WorkspaceId,
        kind: UpstreamObjectKind,
        upstream_id: &str,
    ) -> Result<Option<UpstreamObject>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let Some(upstream_id) = storable(upstream_id) else { return Ok(None) };
        let place = anthropic_workspace.as_str();
        let row = upstream_objects::find_of_anybody(&mut read, place, kind, upstream_id).await?;
        row.map(|row| row.read(kind)).transpose()
    }

    /// Which of these ids are objects that this workspace made. One statement for all of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn own_upstream_objects(
        &self,
        workspace: TenantWorkspaceId,
        kind: UpstreamObjectKind,
        ids: &[String],
    ) -> Result<HashSet<String>, CatalogError> {
        let ids: Vec<&str> = ids.iter().filter_map(|id| storable(id)).collect();
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let ids = serde_json::to_string(&ids).expect("strings are JSON");
        let mut read = self.0.store.read().await?;
        let own = upstream_objects::own(&mut read, workspace, kind, &ids).await?;
        Ok(own.into_iter().collect())
    }

    /// Forgets an object that this workspace made, and says whether it was known.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_upstream_object(
        &self,
        workspace: TenantWorkspaceId,
        kind: UpstreamObjectKind,
        upstream_id: &str,
    ) -> Result<bool, CatalogError> {
        let Some(upstream_id) = storable(upstream_id) else { return Ok(false) };
        let mut transaction = self.0.store.write_beside().await?;
        let was_known = upstream_objects::forget(&mut transaction, workspace, kind, upstream_id).await?;
        transaction.commit().await?;
        Ok(was_known)
    }
}

/// Postgres refuses text with a NUL, where "no such object" is the right answer.
fn storable(id: &str) -> Option<&str> {
    Some(id).filter(|id| !id.contains('\0'))
}
