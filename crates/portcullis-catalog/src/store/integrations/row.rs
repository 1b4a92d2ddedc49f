//! One row of the integrations, and what it reads as.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use portcullis_types::{
    AwsAuth, ClaudePlatformAws, Feature, FeatureSet, IntegrationId, OrganisationId, Revision, RoleSettings,
    SecretString, Slug, TenantWorkspaceId,
};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::WHAT;
use crate::error::CatalogError;
use crate::integration::{ExternalIdOrigin, Integration, IntegrationStatus};
use crate::key_ring::{KeyRing, Place};
use crate::store::verifications::VerificationColumns;
use crate::text::{corrupt, parsed};

/// One integration as it lies in the table.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct IntegrationRow {
    pub(crate) id: Uuid,
    pub(crate) organisation_id: Uuid,
    /// Read only: it comes from the organisation.
    pub(crate) organisation_slug: String,
    pub(crate) workspace_id: Option<Uuid>,
    /// Read only: it comes from the workspace.
    pub(crate) workspace_slug: Option<String>,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) status: String,
    pub(crate) revision: i64,
    pub(crate) auth_type: String,
    pub(crate) region: String,
    pub(crate) anthropic_workspace_id: String,
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) external_id_origin: Option<String>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<Vec<u8>>,
    pub(crate) api_key: Option<Vec<u8>>,
    pub(crate) api_key_header: Option<String>,
    /// The JSON of [`RoleSettings`]; `None` for the default.
    pub(crate) role_settings: Option<String>,
    pub(crate) features: Json<Vec<String>>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    /// Read only: it comes from the last verification.
    #[sqlx(flatten)]
    pub(crate) verification: VerificationColumns,
}

/// Where the secret half of an integration's key pair is sealed for.
pub(crate) const fn secret_place(id: Uuid) -> Place<'static> {
    Place { table: "integrations", row: id, column: "secret_access_key" }
}

/// Where an integration's workspace key is sealed for.
pub(crate) const fn api_key_place(id: Uuid) -> Place<'static> {
    Place { table: "integrations", row: id, column: "api_key" }
}

impl IntegrationRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse or the secret does not open.
    pub(crate) fn read(self, keys: &KeyRing) -> Result<Integration, CatalogError> {
        let id = self.id;
        let platform = ClaudePlatformAws {
            region: parsed(WHAT, id, &self.region)?,
            workspace_id: parsed(WHAT, id, &self.anthropic_workspace_id)?,
            auth: self.auth(keys)?,
            features: self.features()?,
        };
        let workspace_slug: Option<Slug> =
            self.workspace_slug.as_deref().map(|slug| parsed(WHAT, id, slug)).transpose()?;
        let status =
            IntegrationStatus::parse(&self.status).ok_or_else(|| corrupt(WHAT, id, "unknown status"))?;
        let external_id_origin = match self.external_id_origin.as_deref() {
            None => None,
            Some(raw) => Some(
                ExternalIdOrigin::parse(raw)
                    .ok_or_else(|| corrupt(WHAT, id, "unknown external ID origin"))?,
            ),
        };
        let verification = self.verification.summary(WHAT, id, Revision(self.revision))?;
        let external_id = self.external_id.as_deref().map(|raw| parsed(WHAT, id, raw)).transpose()?;
        Ok(Integration {
            id: IntegrationId::from_uuid(id),
            organisation_id: OrganisationId::from_uuid(self.organisation_id),
            organisation_slug: parsed(WHAT, id, &self.organisation_slug)?,
            workspace_id: self.workspace_id.map(TenantWorkspaceId::from_uuid),
            workspace_slug,
            slug: parsed(WHAT, id, &self.slug)?,
            name: self.name,
            description: self.description,
            status,
            revision: Revision(self.revision),
            platform,
            external_id,
            external_id_origin,
            verification,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    /// Whether AWS sees no difference between the two: same place, same access, same narrowing.
    pub(crate) fn leads_as(&self, other: &Self) -> bool {
        self.as_aws_sees_it() == other.as_aws_sees_it()
    }

    fn as_aws_sees_it(&self) -> impl PartialEq {
        let place = (&self.auth_type, &self.region, &self.anthropic_workspace_id);
        let role = (&self.role_arn, &self.external_id, &self.role_settings, &self.features);
        let key_pair = (&self.access_key_id, &self.secret_access_key);
        (place, role, key_pair, (&self.api_key, &self.api_key_header))
    }

    /// Whether the two reach the same role, with the same external ID, the same way: who was let in without the external
    /// ID still is.
    pub(crate) fn has_the_door_of(&self, other: &Self) -> bool {
        self.door() == other.door()
    }

    fn door(&self) -> impl PartialEq {
        let chain = self.role_settings().map(|settings| settings.role_chain).unwrap_or_default();
        let hops: Vec<_> = chain.into_iter().map(|hop| (hop.role_arn, hop.external_id)).collect();
        (self.role_arn.clone(), self.external_id.clone(), hops)
    }

    fn auth(&self, keys: &KeyRing) -> Result<AwsAuth, CatalogError> {
        match self.auth_type.as_str() {
            "assumedRole" => Ok(AwsAuth::AssumedRole {
                role_arn: self.parse("role_arn", self.role_arn.as_deref())?,
                external_id: self.parse("external_id", self.external_id.as_deref())?,
                settings: Arc::new(self.role_settings()?),
            }),
            "accessKey" => Ok(AwsAuth::AccessKey {
                access_key_id: self.parse("access_key_id", self.access_key_id.as_deref())?,
                secret_access_key: self.open(
                    keys,
                    &secret_place(self.id),
                    self.secret_access_key.as_deref(),
                )?,
            }),
            "serviceRole" => Ok(AwsAuth::ServiceRole),
            "apiKey" => Ok(AwsAuth::ApiKey {
                key: self.open(keys, &api_key_place(self.id), self.api_key.as_deref())?,
                header: self.parse("api_key_header", self.api_key_header.as_deref())?,
            }),
            _ => Err(corrupt(WHAT, self.id, "unknown auth_type")),
        }
    }

    fn parse<T: FromStr<Err: Display>>(&self, column: &str, value: Option<&str>) -> Result<T, CatalogError> {
        parsed(WHAT, self.id, value.ok_or_else(|| self.missing(column))?)
    }

    fn open(
        &self,
        keys: &KeyRing,
        place: &Place<'_>,
        sealed: Option<&[u8]>,
    ) -> Result<SecretString, CatalogError> {
        let sealed = sealed.ok_or_else(|| self.missing(place.column))?;
        keys.open_text(place, sealed)
            .map_err(|error| corrupt(WHAT, self.id, format_args!("{}: {error}", place.column)))
    }

    fn missing(&self, column: &str) -> CatalogError {
        corrupt(WHAT, self.id, format_args!("{column} is missing"))
    }

    /// The settings of the role; the default when none are stored.
    pub(crate) fn role_settings(&self) -> Result<RoleSettings, CatalogError> {
        let Some(json) = self.role_settings.as_deref() else { return Ok(RoleSettings::default()) };
        serde_json::from_str(json)
            .map_err(|error| corrupt(WHAT, self.id, format_args!("role_settings: {error}")))
    }

    fn features(&self) -> Result<FeatureSet, CatalogError> {
        let each = self.features.0.iter().map(|raw| parsed::<Feature>(WHAT, self.id, raw));
        let features: BTreeSet<Feature> = each.collect::<Result<_, _>>()?;
        FeatureSet::try_from(features).map_err(|error| corrupt(WHAT, self.id, error))
    }
}
