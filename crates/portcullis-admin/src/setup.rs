//! What an AWS account needs for an integration: made for one that is to be, or for one that exists.

mod chain;
mod steps;
mod wire;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use portcullis_catalog::{Catalog, CatalogError, Integration, IntegrationFilter, IntegrationLevel, Page};
use portcullis_credentials::CredentialEngine;
use portcullis_credentials::onboarding::{OnboardingError, OnboardingPlan, Target};
use portcullis_types::{
    AwsAuth, ExternalId, FeatureSet, MaxSessionDuration, PrincipalArn, RoleArn, RoleSettings,
};
use serde_json::{Value, json};

use crate::authentication::Caller;
use crate::body::JsonObject;
use crate::error::AdminError;
use crate::fields::read;
use crate::integrations;
use crate::listing::Query;
use crate::permissions::{self, Action};
use crate::problem::{ProblemCode, Problems};
use wire::Wanted;

/// What an integration is called that nobody has named.
const UNNAMED: &str = "Claude Platform on AWS";

/// `POST /v1/integrations/setup`: reserves an external ID for each target, and says what to do with it.
pub(crate) async fn set_up_integration(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(credentials): State<CredentialEngine>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, AdminError> {
    let mut wanted = wire::read(body)?;
    let principal = match wanted.gateway_principal.take() {
        Some(principal) => principal,
        None => own_principal(&credentials).await?,
    };
    let mut plan = draft(wanted, principal)?;
    // One that does not fit reserves nothing.
    plan.artefacts().map_err(|error| unfit(&error))?;
    reserve(&catalog, &caller, &mut plan.targets).await?;
    answer(&plan, steps::Integrations::ToBeMade).map(Json)
}

/// Gives each target an external ID that is the organisation's.
async fn reserve(catalog: &Catalog, caller: &Caller, targets: &mut [Target]) -> Result<(), AdminError> {
    let (organisation, workspace) = (caller.organisation_id, caller.workspace_id);
    let reserved = catalog.reserve_generated_external_ids(organisation, workspace, targets.len()).await?;
    for (target, external_id) in targets.iter_mut().zip(reserved) {
        target.external_id = external_id;
    }
    Ok(())
}

/// `GET /v1/integrations/{slug}/setup`: the same for an integration that exists, with the external ID that it has.
pub(crate) async fn show_integration_setup(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(credentials): State<CredentialEngine>,
    Path(slug): Path<String>,
    query: Query,
) -> Result<Json<Value>, AdminError> {
    let given = query.read(|fields| fields.optional(&["gateway_principal"], read::parsed))?;
    let integration = integrations::find(&catalog, &caller, &slug, Action::Read).await?;
    let role = Role::of(&integration).ok_or(AdminError::NoRole)?;
    let given_is_none = given.is_none();
    let principal = match (given, last_hop(role.settings)) {
        (Some(given), _) => given,
        (None, Some(hop)) => hop,
        (None, None) => own_principal(&credentials).await?,
    };
    let (others, n_unseen) = others_of_the_role(&catalog, &caller, &integration, role.role_arn).await?;
    let sharing: Vec<_> = std::iter::once(&integration).chain(&others).filter_map(Role::of).collect();
    let is_by_chain = given_is_none && !role.settings.role_chain.is_empty();
    let mut answer = answer(&plan_of(&sharing, principal), steps::Integrations::Exist)?;
    if is_by_chain {
        chain::add(&mut answer, &role.settings.role_chain);
    }
    if n_unseen > 0 {
        let notes = answer["notes"].as_array_mut().expect("an answer has notes");
        notes.insert(0, json!(steps::unseen(n_unseen)));
    }
    Ok(Json(answer))
}

/// The organisation's other integrations with this role: those that the caller may read, and how many more there are. A
/// trust policy that leaves one out locks it out.
async fn others_of_the_role(
    catalog: &Catalog,
    caller: &Caller,
    integration: &Integration,
    role_arn: &RoleArn,
) -> Result<(Vec<Integration>, usize), AdminError> {
    let mut others = Vec::new();
    let mut page = Page::FIRST;
    loop {
        let filter = IntegrationFilter { workspace_id: None, level: IntegrationLevel::All };
        let listing = catalog.list_integrations(caller.organisation_id, filter, page).await?;
        let is_last = listing.data.len() < page.page_size as usize;
        let with_the_role = |one: &Integration| {
            one.id != integration.id && Role::of(one).is_some_and(|role| role.role_arn == role_arn)
        };
        others.extend(listing.data.into_iter().filter(with_the_role));
        if is_last {
            break;
        }
        page.current_page += 1;
    }
    let may_read = |one: &Integration| {
        let scope = permissions::integration_scope(one.workspace_id, Action::Read);
        permissions::sees(caller, one.workspace_id) && permissions::holds_any(caller, scope)
    };
    let (seen, unseen): (Vec<_>, Vec<_>) = others.into_iter().partition(may_read);
    Ok((seen, unseen.len()))
}

/// The gateway's own identity, as a trust policy names it.
async fn own_principal(credentials: &CredentialEngine) -> Result<PrincipalArn, AdminError> {
    let found = match credentials.source_identity().await {
        Ok(identity) => identity.arn.parse().map_err(|error| format!("`{}`: {error}", identity.arn)),
        Err(error) => Err(error.to_string()),
    };
    found.map_err(|why: String| {
        let message = format!(
            "is missing, and the gateway cannot look it up itself ({why}): give the ARN of the role or user that it \
             runs as, such as `arn:aws:iam::111122223333:role/portcullis`"
        );
        Problems::one("gateway_principal", ProblemCode::MissingField, message).into()
    })
}

/// The role that assumes the integration's own, when it is not the gateway itself.
fn last_hop(settings: &RoleSettings) -> Option<PrincipalArn> {
    settings.role_chain.last().map(|hop| hop.role_arn.as_str().parse().expect("a role is a principal"))
}

/// The plan with external IDs that are nobody's yet, and as long as those that will take their place.
fn draft(wanted: Wanted, gateway_principal: PrincipalArn) -> Result<OnboardingPlan, AdminError> {
    let mut targets = Vec::with_capacity(wanted.targets.len());
    for target in wanted.targets {
        let named = target.name.or_else(|| wanted.name.clone());
        targets.push(Target {
            region: target.region,
            workspace_id: target.workspace_id,
            external_id: ExternalId::generate().map_err(CatalogError::from)?,
            integration: named.unwrap_or_else(|| UNNAMED.to_owned()),
        });
    }
    Ok(OnboardingPlan {
        role_name: wanted.role_name,
        role_path: wanted.role_path,
        account: wanted.account_id,
        gateway_principal,
        targets,
        features: wanted.features,
        restrict_to_workspaces: wanted.restrict_to_workspaces,
        with_session_tags: wanted.session_tags,
        with_source_identity: wanted.source_identity,
        with_bearer_tokens: false,
        max_session_duration: wanted.duration_seconds,
    })
}

/// The role that an integration assumes.
struct Role<'a> {
    integration: &'a Integration,
    role_arn: &'a RoleArn,
    external_id: &'a ExternalId,
    settings: &'a RoleSettings,
}

impl<'a> Role<'a> {
    fn of(integration: &'a Integration) -> Option<Self> {
        match &integration.platform.auth {
            AwsAuth::AssumedRole { role_arn, external_id, settings } => {
                Some(Self { integration, role_arn, external_id, settings })
            }
            AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => None,
        }
    }

    fn target(&self) -> Target {
        Target {
            region: self.integration.platform.region.clone(),
            workspace_id: self.integration.platform.workspace_id.clone(),
            external_id: self.external_id.clone(),
            integration: self.integration.name.clone(),
        }
    }
}

/// The plan that the integrations of one role follow, by their own settings.
///
/// - `sharing`: at least one; all have the same role.
fn plan_of(sharing: &[Role<'_>], gateway_principal: PrincipalArn) -> OnboardingPlan {
    let role_arn = sharing[0].role_arn;
    let longest = sharing.iter().filter_map(|role| role.settings.duration_seconds).max();
    let features = sharing.iter().flat_map(|role| role.integration.platform.features.iter());
    let any = |is_so: fn(&RoleSettings) -> bool| sharing.iter().any(|role| is_so(role.settings));
    OnboardingPlan {
        role_name: role_arn.name().parse().expect("a role's ARN has its name"),
        role_path: role_arn.path().parse().expect("a role's ARN has its path"),
        account: Some(role_arn.account_id()),
        gateway_principal,
        targets: sharing.iter().map(Role::target).collect(),
        features: FeatureSet::try_from(BTreeSet::from_iter(features)).unwrap_or_default(),
        restrict_to_workspaces: true,
        with_session_tags: any(|settings| !settings.session_tags.is_empty()),
        with_source_identity: any(|settings| settings.source_identity.is_some()),
        with_bearer_tokens: false,
        max_session_duration: longest
            .and_then(|duration| MaxSessionDuration::try_from(duration.seconds()).ok())
            .unwrap_or_default(),
    }
}

/// Everything that is made of a plan.
fn answer(plan: &OnboardingPlan, integrations: steps::Integrations) -> Result<Value, AdminError> {
    let artefacts = plan.artefacts().map_err(|error| unfit(&error))?;
    let targets: Vec<_> = plan.targets.iter().map(target).collect();
    Ok(json!({
        "object": "integration_setup",
        "targets": targets,
        "gateway_principal": plan.gateway_principal.as_str(),
        "role_arn": artefacts.role_arn,
        "trust_policy": artefacts.trust_policy,
        "permission_policy": artefacts.permission_policy,
        "gateway_policy": artefacts.gateway_policy,
        "role_chain": [],
        "cli": artefacts.cli,
        "cloudformation": artefacts.cloudformation,
        "terraform": artefacts.terraform,
        "next_steps": steps::of(plan, integrations),
        "integrations": match integrations {
            steps::Integrations::ToBeMade => artefacts.next_steps,
            steps::Integrations::Exist => Vec::new(),
        },
        "notes": artefacts.notes,
    }))
}

fn target(target: &Target) -> Value {
    json!({
        "region": target.region,
        "workspace_id": target.workspace_id,
        "external_id": target.external_id,
        "name": target.integration,
    })
}

/// The field that must change when a plan cannot be.
fn unfit(error: &OnboardingError) -> AdminError {
    let field = match error {
        OnboardingError::Partitions { .. } => "gateway_principal",
        OnboardingError::NoTarget
        | OnboardingError::SharedExternalId(_)
        | OnboardingError::TrustPolicyTooLarge { .. }
        | OnboardingError::PermissionPolicyTooLarge { .. } => "targets",
    };
    Problems::one(field, ProblemCode::InvalidValue, format!("does not fit: {error}")).into()
}
