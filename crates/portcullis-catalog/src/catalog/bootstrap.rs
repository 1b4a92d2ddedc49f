//! The first start: an organisation, a workspace and an admin key, so that there is somebody who may do the rest.

use portcullis_types::{ApiKeySecret, ExposeSecret as _, OrganisationId, Slug};

use super::Catalog;
use crate::api_key::{KeyKind, NewApiKey};
use crate::error::CatalogError;
use crate::organisation::{NewOrganisation, NewWorkspace, Organisation, Workspace};
use crate::scope::Scope;
use crate::store::{Reference, Transaction, api_keys, organisations};

const ORGANISATION: &str = "default";
const WORKSPACE: &str = "ws-default";

/// What [`Catalog::bootstrap`] found or made.
#[derive(Debug)]
pub struct Bootstrap {
    /// The organisation with the slug `default`.
    pub organisation: Organisation,
    /// Its workspace with the slug `ws-default`.
    pub workspace: Workspace,
    /// The admin key, when this call generated it. The only time it can be seen.
    pub admin_key: Option<ApiKeySecret>,
}

impl Catalog {
    /// Sees to it that there are a default organisation, a default workspace and, at the very first start, an admin key.
    ///
    /// With `admin_key`, that key works afterwards, beside those there are: a new value adds a key. Without, one is
    /// generated when the organisation is made, and only then. Of several processes that start at once one makes
    /// everything, and the others find it.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn bootstrap(&self, admin_key: Option<ApiKeySecret>) -> Result<Bootstrap, CatalogError> {
        // Whoever has the right to write is alone from the first look to the last row.
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        let (organisation, is_first_start) = self.default_organisation(transaction).await?;
        let (workspace, is_new_workspace) = self.default_workspace(transaction, organisation.id).await?;
        let generated = match &admin_key {
            None if is_first_start => Some(ApiKeySecret::generate()?),
            _ => None,
        };
        let is_new_key = match admin_key.as_ref().or(generated.as_ref()) {
            Some(secret) => self.add_admin_key(transaction, organisation.id, secret).await?,
            None => false,
        };
        if is_new_workspace || is_new_key {
            self.commit(write).await?;
        }
        Ok(Bootstrap { organisation, workspace, admin_key: generated })
    }

    async fn default_organisation(
        &self,
        transaction: &mut Transaction,
    ) -> Result<(Organisation, bool), CatalogError> {
        if let Some(found) = organisations::find(transaction, Reference::parse(ORGANISATION)).await? {
            return Ok((found, false));
        }
        let new = NewOrganisation { slug: fixed_slug(ORGANISATION), name: "Default organisation".into() };
        let organisation = self.new_organisation(new);
        organisations::insert(transaction, &organisation).await?;
        Ok((organisation, true))
    }

    async fn default_workspace(
        &self,
        transaction: &mut Transaction,
        organisation_id: OrganisationId,
    ) -> Result<(Workspace, bool), CatalogError> {
        match organisations::find_workspace(transaction, organisation_id, Reference::parse(WORKSPACE)).await {
            Ok(found) => return Ok((found, false)),
            Err(CatalogError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let workspace = self.new_workspace(NewWorkspace {
            organisation_id,
            slug: Some(fixed_slug(WORKSPACE)),
            name: "Default workspace".into(),
            description: None,
        })?;
        organisations::insert_workspace(transaction, &workspace).await?;
        Ok((workspace, true))
    }

    /// Whether the key had to be added.
    async fn add_admin_key(
        &self,
        transaction: &mut Transaction,
        organisation_id: OrganisationId,
        secret: &ApiKeySecret,
    ) -> Result<bool, CatalogError> {
        for pepper in self.0.keys.peppers() {
            let digest = pepper.digest(secret.expose_secret());
            match api_keys::is_revoked(transaction, &digest).await? {
                None => {}
                Some(false) => return Ok(false),
                Some(true) => {
                    // Whoever revoked it meant it; a start must not undo that.
                    tracing::warn!(
                        "the key in PORTCULLIS_ADMIN_KEY was revoked and stays so; give a new one"
                    );
                    return Ok(false);
                }
            }
        }
        let new = NewApiKey {
            organisation_id,
            workspace_id: None,
            kind: KeyKind::OrganisationService,
            user_id: None,
            name: "Admin key of the first start".into(),
            description: None,
            scopes: Scope::all().collect(),
            on_unsupported: None,
            expires_at: None,
        };
        api_keys::insert(transaction, &self.new_key_row(new, secret)).await?;
        Ok(true)
    }
}

fn fixed_slug(slug: &'static str) -> Slug {
    slug.parse().expect("the fixed slugs are slugs")
}
