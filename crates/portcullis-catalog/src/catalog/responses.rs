//! Responses.

use portcullis_types::{ResponseId, StoredResponseId, TenantWorkspaceId};

use super::Catalog;
use crate::error::CatalogError;
use crate::response::{MAX_RESPONSE_BYTES, StoredResponse};
use crate::store::responses::{self, ResponseRow, place};
use crate::text::{check_line, stored_time, whole_seconds};

/// In characters, as the column has it.
const MAX_MODEL: usize = 1024;
const NOT_FOUND: CatalogError = CatalogError::NotFound { what: "response" };

impl Catalog {
    /// Keeps a response, in the place of an earlier one of the same id.
    ///
    /// # Errors
    /// [`CatalogError::TooLarge`] when its document is longer than [`MAX_RESPONSE_BYTES`]; [`CatalogError::Invalid`] when
    /// another value breaks its rule.
    pub async fn put_response(&self, response: &StoredResponse) -> Result<(), CatalogError> {
        if response.document.len() > MAX_RESPONSE_BYTES {
            return Err(CatalogError::TooLarge { what: "response", most: MAX_RESPONSE_BYTES });
        }
        check_line("model", &response.model, MAX_MODEL)?;
        // Sealed under an id of the row's own: the response's is only unique in its workspace, and may come again.
        let id = *StoredResponseId::generate(self.0.clock.now()).as_uuid();
        let row = ResponseRow {
            id,
            workspace_id: *response.workspace_id.as_uuid(),
            response_id: response.id.as_str().into(),
            provider_id: *response.provider_id.as_uuid(),
            model: response.model.clone(),
            document: self.0.keys.seal_object(&place(id), &response.document)?,
            created_at: stored_time(response.created_at),
            expires_at: whole_seconds(response.expires_at),
        };
        let mut transaction = self.0.store.write_beside().await?;
        responses::put(&mut transaction, &row).await?;
        transaction.commit().await
    }

    /// A response of a workspace.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id, or its time is over.
    pub async fn response(
        &self,
        workspace: TenantWorkspaceId,
        id: &ResponseId,
    ) -> Result<StoredResponse, CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        let row = responses::find(&mut self.0.store.read().await?, workspace, id, now).await?;
        row.ok_or(NOT_FOUND)?.read(&self.0.keys)
    }

    /// Whether a workspace has a response of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_response(
        &self,
        workspace: TenantWorkspaceId,
        id: &ResponseId,
    ) -> Result<bool, CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        responses::exists(&mut self.0.store.read().await?, workspace, id, now).await
    }

    /// Deletes a response.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id, or its time is over.
    pub async fn delete_response(
        &self,
        workspace: TenantWorkspaceId,
        id: &ResponseId,
    ) -> Result<(), CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        let mut transaction = self.0.store.write_beside().await?;
        if !responses::delete(&mut transaction, workspace, id, now).await? {
            return Err(NOT_FOUND);
        }
        transaction.commit().await
    }
}
