//! An integration as clients write and read it.

use portcullis_catalog::integration::CLAUDE_PLATFORM_AWS;
use portcullis_catalog::{
    ExternalIdOrigin, Integration, IntegrationLevel, IntegrationPatch, IntegrationStatus, NewIntegration,
    VerificationSummary,
};
use portcullis_credentials::IntegrationHealth;
use portcullis_types::{AwsAuth, OrganisationId, Slug, TenantWorkspaceId, VerificationStatus};
use serde_json::{Map, Value, json};

use super::configurations::{self, NewPlatform, PlatformPatch};
use crate::fields::read::{self, invalid};
use crate::fields::{Fields, Reading};
use crate::problem::{ProblemCode, Problems};
use crate::{health, timestamp};

/// The upstreams that an integration can lead to.
const AI_PROVIDERS: &[&str] = &[CLAUDE_PLATFORM_AWS];

/// The values of `type` in a list's query.
pub(super) const LEVELS: &[(&str, IntegrationLevel)] = &[
    ("all", IntegrationLevel::All),
    ("organisation", IntegrationLevel::Organisation),
    ("workspace", IntegrationLevel::Workspace),
];

const STATUSES: &[(&str, IntegrationStatus)] =
    &[("active", IntegrationStatus::Active), ("archived", IntegrationStatus::Archived)];

/// A creation as it was asked for, before it is known whose it is.
#[derive(Debug)]
pub(super) struct CreateIntegration {
    name: String,
    slug: Option<Slug>,
    description: Option<String>,
    /// A slug or an id.
    pub(super) workspace: Option<String>,
    pub(super) platform: NewPlatform,
    create_default_provider: bool,
    default_provider_slug: Option<Slug>,
}

/// Reads the body of a creation.
pub(super) fn read_create(body: Map<String, Value>) -> Result<CreateIntegration, Problems> {
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let names_an_upstream = fields.has(&["ai_provider_id"]);
    let upstream = fields.required(&["ai_provider_id"], ai_provider);
    let name = fields.required(&["name"], read::name);
    let slug = fields.optional(&["slug"], read::parsed);
    let description = fields.optional(&["description"], read::prose);
    let workspace = fields.optional(&["workspace_id"], read::string);
    let create_default_provider =
        fields.optional(&["create_default_provider"], read::boolean).unwrap_or(true);
    let default_provider_slug = fields.optional(&["default_provider_slug"], read::parsed);
    if default_provider_slug.is_some() && !create_default_provider {
        let message = "needs `create_default_provider`, which is false";
        fields.report::<()>("default_provider_slug", ProblemCode::ConflictingFields, message);
    }
    refuse_unsupported(&mut fields);
    // Which fields are known depends on the upstream; with another one, complaints about them would mislead.
    let platform = if names_an_upstream && upstream.is_none() {
        fields.skip_rest();
        None
    } else {
        configurations::read_new(&mut fields)
    };
    fields.finish();
    let wanted = || {
        Some(CreateIntegration {
            name: name?,
            slug,
            description,
            workspace,
            platform: platform?,
            create_default_provider,
            default_provider_slug,
        })
    };
    let wanted = wanted();
    problems.settle(wanted)
}

fn ai_provider(value: Value) -> Reading<()> {
    let text = read::string(value)?;
    if AI_PROVIDERS.contains(&text.as_str()) {
        return Ok(());
    }
    let known: Vec<_> = AI_PROVIDERS.iter().map(|id| format!("`{id}`")).collect();
    let message = format!("does not know `{}`; known are {}", crate::problem::echo(&text), known.join(", "));
    Err(invalid(message))
}

fn refuse_unsupported(fields: &mut Fields<'_>) {
    let no_key = "is not used by `claude-platform-aws`, whose credentials stand in `configurations`";
    fields.refuse(&["key"], ProblemCode::UnsupportedField, no_key);
    let not_yet = "is not supported by this version";
    fields.refuse(&["secret_mappings", "pricing_adjustments"], ProblemCode::UnsupportedField, not_yet);
}

impl CreateIntegration {
    /// The integration to be made, once it is known whose it is.
    ///
    /// - `workspace_id`: `None` for one of the organisation, which has no default provider.
    pub(super) fn for_tenant(
        self,
        organisation_id: OrganisationId,
        workspace_id: Option<TenantWorkspaceId>,
    ) -> Result<NewIntegration, Problems> {
        if workspace_id.is_none() && self.default_provider_slug.is_some() {
            let message = "needs a `workspace_id`: only a workspace's integration gets a provider at once";
            return Err(Problems::one("default_provider_slug", ProblemCode::ConflictingFields, message));
        }
        Ok(NewIntegration {
            organisation_id,
            workspace_id,
            slug: self.slug,
            name: self.name,
            description: self.description,
            region: self.platform.region,
            anthropic_workspace_id: self.platform.workspace_id,
            auth: self.platform.auth,
            features: self.platform.features,
            shared_role_proof: None,
            create_default_provider: self.create_default_provider,
            default_provider_slug: self.default_provider_slug,
        })
    }
}

/// Reads the body of a change.
///
/// - `present`: what is changed, because what a body means depends on the way into AWS that is in use. The same holds for
///   whether the caller may ask for it, so the patch is for this revision alone.
pub(super) fn read_update(
    body: Map<String, Value>,
    present: &Integration,
) -> Result<IntegrationPatch, Problems> {
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.replace(&["name"], read::name);
    let status = fields.replace(&["status"], |value| read::one_of(value, STATUSES));
    let description = fields.change(&["description"], read::prose).into_patch();
    refuse_unsupported(&mut fields);
    let fixed = "cannot be changed after creation";
    fields.refuse(&["slug", "ai_provider_id", "workspace_id"], ProblemCode::ImmutableField, fixed);
    let PlatformPatch { region, workspace_id, auth, features } =
        configurations::read_patch(&mut fields, &present.platform);
    fields.finish();
    problems.settle(Some(IntegrationPatch {
        expected_revision: Some(present.revision),
        name,
        description,
        status,
        region,
        anthropic_workspace_id: workspace_id,
        auth,
        features,
        shared_role_proof: None,
    }))
}

/// The answer to a creation: what the SDKs expect, the external ID that the role's trust policy must name, and whether the
/// integration is known to work.
pub(super) fn created(integration: &Integration) -> Value {
    let mut answer = json!({
        "id": integration.id,
        "slug": integration.slug,
        "verification": verification(&integration.verification),
    });
    if let AwsAuth::AssumedRole { external_id, .. } = &integration.platform.auth {
        answer["configurations"] = json!({ "aws_external_id": external_id });
    }
    answer
}

/// An integration in a list.
pub(super) fn summary(integration: &Integration) -> Value {
    json!({
        "object": "integration",
        "id": integration.id,
        "slug": integration.slug,
        "organisation_id": integration.organisation_id,
        "workspace_id": integration.workspace_slug,
        "type": if integration.workspace_id.is_some() { "workspace" } else { "organisation" },
        "ai_provider_id": CLAUDE_PLATFORM_AWS,
        "name": integration.name,
        "description": integration.description,
        "status": integration.status.as_str(),
        "verification": verification(&integration.verification),
        "created_at": timestamp::format(integration.created_at),
        "last_updated_at": timestamp::format(integration.updated_at),
    })
}

/// What is known of whether an integration works. `unsafe` says that its role can be assumed without its external ID.
pub(crate) fn verification(summary: &VerificationSummary) -> Value {
    json!({
        "status": summary.status,
        "unsafe": summary.status == VerificationStatus::Unsafe,
        "verified_at": summary.verified_at.map(timestamp::format),
    })
}

/// An integration on its own.
///
/// - `health`: how its sessions fare; `None` when there were none since the gateway's start.
pub(super) fn details(integration: &Integration, health: Option<IntegrationHealth>) -> Value {
    let mut answer = summary(integration);
    answer["masked_key"] = Value::Null;
    answer["configurations"] = configurations::render(&integration.platform);
    answer["external_id_origin"] = json!(integration.external_id_origin.map(ExternalIdOrigin::as_str));
    answer["health"] = json!(health.map(health::render));
    answer["effective_session_policy"] = health::effective_policy(&integration.platform)["policy"].take();
    answer["allow_all_models"] = json!(true);
    answer["secret_mappings"] = json!([]);
    answer["pricing_adjustments"] = Value::Null;
    answer
}

#[cfg(test)]
mod tests {
    use portcullis_types::{ClaudePlatformAws, IntegrationId, Revision};
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn a_change_is_for_the_revision_it_was_decided_on() {
        let platform = ClaudePlatformAws {
            region: "us-west-2".parse().unwrap(),
            workspace_id: "wrkspc_1".parse().unwrap(),
            auth: AwsAuth::ServiceRole,
            features: portcullis_types::FeatureSet::default(),
        };
        let present = Integration {
            id: IntegrationId::generate(std::time::UNIX_EPOCH),
            organisation_id: OrganisationId::generate(std::time::UNIX_EPOCH),
            organisation_slug: "acme".parse().unwrap(),
            workspace_id: None,
            workspace_slug: None,
            slug: "claude".parse().unwrap(),
            name: "Claude".into(),
            description: None,
            status: IntegrationStatus::Active,
            revision: Revision(7),
            platform,
            external_id: None,
            external_id_origin: None,
            verification: VerificationSummary::default(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        };
        let patch = read_update(Map::new(), &present).unwrap();
        assert_eq!(patch.expected_revision, Some(Revision(7)));
    }
}
