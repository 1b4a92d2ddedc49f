//! As whom an integration reaches AWS: one kind of access at a time, and nothing left over of the others.

use portcullis_types::{
    AccessKeyId, ApiKeyHeader, ExposeSecret as _, ExternalId, RoleArn, RoleSettings, SecretString,
};
use uuid::Uuid;

use crate::catalog::Catalog;
use crate::error::CatalogError;
use crate::integration::{AuthPatch, ExternalIdOrigin, NewAuth};
use crate::store::integrations::{IntegrationRow, api_key_place, secret_place};
use crate::text::parsed;

const MAX_SECRET_ACCESS_KEY: usize = 512;
const MAX_API_KEY: usize = 4096;

impl From<NewAuth> for AuthPatch {
    fn from(new: NewAuth) -> Self {
        match new {
            NewAuth::AssumedRole { role_arn, external_id, settings } => {
                Self::AssumedRole { role_arn: Some(role_arn), external_id, settings: Some(settings) }
            }
            NewAuth::AccessKey { access_key_id, secret_access_key } => Self::AccessKey {
                access_key_id: Some(access_key_id),
                secret_access_key: Some(secret_access_key),
            },
            NewAuth::ServiceRole => Self::ServiceRole,
            NewAuth::ApiKey { key, header } => Self::ApiKey { key: Some(key), header: Some(header) },
        }
    }
}

impl Catalog {
    pub(super) fn set_auth(&self, row: &mut IntegrationRow, auth: AuthPatch) -> Result<(), CatalogError> {
        match auth {
            AuthPatch::AssumedRole { role_arn, external_id, settings } => {
                set_role(row, role_arn, settings)?;
                set_external_id(row, external_id)?;
                become_kind(row, "assumedRole");
            }
            AuthPatch::AccessKey { access_key_id, secret_access_key } => {
                self.set_access_key(row, access_key_id, secret_access_key)?;
                become_kind(row, "accessKey");
            }
            AuthPatch::ServiceRole => become_kind(row, "serviceRole"),
            AuthPatch::ApiKey { key, header } => {
                self.set_api_key(row, key, header)?;
                become_kind(row, "apiKey");
            }
        }
        Ok(())
    }

    fn set_access_key(
        &self,
        row: &mut IntegrationRow,
        access_key_id: Option<AccessKeyId>,
        secret_access_key: Option<SecretString>,
    ) -> Result<(), CatalogError> {
        if access_key_id.is_some() && secret_access_key.is_none() {
            let reason = "is required beside a new access key";
            return Err(CatalogError::invalid("secret_access_key", reason));
        }
        row.access_key_id = access_key_id.map(String::from).or_else(|| row.access_key_id.take());
        if row.access_key_id.is_none() {
            return Err(CatalogError::invalid("access_key_id", "is required to use an access key"));
        }
        if let Some(secret) = secret_access_key {
            row.secret_access_key = Some(self.seal_secret_access_key(row.id, &secret)?);
        }
        Ok(())
    }

    fn seal_secret_access_key(&self, id: Uuid, secret: &SecretString) -> Result<Vec<u8>, CatalogError> {
        if !(1..=MAX_SECRET_ACCESS_KEY).contains(&secret.expose_secret().len()) {
            return Err(CatalogError::invalid("secret_access_key", "must be 1 to 512 characters"));
        }
        Ok(self.0.keys.seal_text(&secret_place(id), secret)?)
    }

    fn set_api_key(
        &self,
        row: &mut IntegrationRow,
        key: Option<SecretString>,
        header: Option<ApiKeyHeader>,
    ) -> Result<(), CatalogError> {
        if let Some(key) = key {
            if !(1..=MAX_API_KEY).contains(&key.expose_secret().len()) {
                return Err(CatalogError::invalid("api_key", "must be 1 to 4096 characters"));
            }
            row.api_key = Some(self.0.keys.seal_text(&api_key_place(row.id), &key)?);
        }
        if row.api_key.is_none() {
            return Err(CatalogError::invalid("api_key", "is required to use a workspace key"));
        }
        let header = header.map(|header| header.as_str().to_owned()).or_else(|| row.api_key_header.take());
        row.api_key_header = Some(header.unwrap_or_else(|| ApiKeyHeader::default().as_str().into()));
        Ok(())
    }
}

fn set_role(
    row: &mut IntegrationRow,
    role_arn: Option<RoleArn>,
    settings: Option<RoleSettings>,
) -> Result<(), CatalogError> {
    row.role_arn = role_arn.map(String::from).or_else(|| row.role_arn.take());
    let Some(role_arn) = row.role_arn.as_deref() else {
        return Err(CatalogError::invalid("role_arn", "is required to assume a role"));
    };
    let role_arn: RoleArn = parsed("integration", row.id, role_arn)?;
    let settings = match settings {
        Some(settings) => settings,
        None => row.role_settings()?,
    };
    if let Some(broken) = settings.broken_rules(&role_arn).into_iter().next() {
        return Err(CatalogError::invalid("role_settings", broken.to_string()));
    }
    row.role_settings = (settings != RoleSettings::default())
        .then(|| serde_json::to_string(&settings).expect("settings are texts, numbers and lists of them"));
    Ok(())
}

/// Takes away what only another kind of access needs. The external ID stays: it is the integration's for life.
fn become_kind(row: &mut IntegrationRow, kind: &str) {
    if kind != "assumedRole" {
        row.role_arn = None;
        row.role_settings = None;
    }
    if kind != "accessKey" {
        row.access_key_id = None;
        row.secret_access_key = None;
    }
    if kind != "apiKey" {
        row.api_key = None;
        row.api_key_header = None;
    }
    row.auth_type = kind.into();
}

fn set_external_id(row: &mut IntegrationRow, given: Option<ExternalId>) -> Result<(), CatalogError> {
    let (external_id, origin) = match (&row.external_id, given) {
        (Some(present), Some(given)) if present != given.as_str() => {
            let reason = "cannot be changed; make a new integration instead";
            return Err(CatalogError::invalid("external_id", reason));
        }
        (Some(_), _) => return Ok(()),
        (None, Some(given)) => (given, ExternalIdOrigin::Supplied),
        (None, None) => (ExternalId::generate()?, ExternalIdOrigin::Generated),
    };
    row.external_id = Some(external_id.into());
    row.external_id_origin = Some(origin.as_str().into());
    Ok(())
}
