//! The `configurations` of `claude-platform-aws`: region, Anthropic workspace, features, and the way into AWS.
//!
//! | `aws_auth_type` | needs | may have |
//! |---|---|---|
//! | `assumedRole` | `aws_role_arn` | `aws_external_id` (generated when absent, then fixed), and [`role_settings`] |
//! | `accessKey` | `aws_access_key_id`, `aws_secret_access_key` | – |
//! | `serviceRole` | – | – |
//! | `apiKey` | `anthropic_aws_api_key` | `anthropic_aws_api_key_header` (`authorization` when absent) |
//!
//! All of them need `aws_region` and `anthropic_aws_workspace_id`, and may have `features`. A field of another way
//! contradicts the one chosen and is refused: a stored key never beats a role silently.
//!
//! Source: Portkey's documentation, "Claude Platform on AWS", for what it knows; the rest is ours.

mod role_settings;
mod secrets;

use std::collections::BTreeSet;

use portcullis_catalog::{AuthPatch, NewAuth};
use portcullis_types::{
    ApiKeyHeader, AwsAuth, ClaudePlatformAws, ExternalId, Feature, FeatureSet, Region, RoleSettings,
    WorkspaceId,
};
use serde_json::{Value, json};

use crate::fields::read::{self, invalid};
use crate::fields::{Change, Fields, Reading};
use crate::problem::ProblemCode;
use secrets::MASK;

// Each field's spellings: the documented one, then the console's.
const REGION: &[&str] = &["aws_region", "awsRegion"];
const WORKSPACE: &[&str] = &["anthropic_aws_workspace_id", "anthropicAwsWorkspaceId"];
const AUTH_TYPE: &[&str] = &["aws_auth_type", "awsAuthType"];
const ROLE_ARN: &[&str] = &["aws_role_arn", "awsRoleArn"];
const EXTERNAL_ID: &[&str] = &["aws_external_id", "awsExternalId"];
const ACCESS_KEY_ID: &[&str] = &["aws_access_key_id", "awsAccessKeyId"];
const SECRET_ACCESS_KEY: &[&str] = &["aws_secret_access_key", "awsSecretAccessKey"];
const API_KEY: &[&str] = &["anthropic_aws_api_key", "anthropicAwsApiKey"];
const API_KEY_HEADER: &[&str] = &["anthropic_aws_api_key_header", "anthropicAwsApiKeyHeader"];
const FEATURES: &[&str] = &["features"];

/// The ways into AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AuthKind {
    AssumedRole,
    AccessKey,
    ServiceRole,
    ApiKey,
}

const AUTH_KINDS: &[(&str, AuthKind)] = &[
    ("assumedRole", AuthKind::AssumedRole),
    ("accessKey", AuthKind::AccessKey),
    ("serviceRole", AuthKind::ServiceRole),
    ("apiKey", AuthKind::ApiKey),
];

impl AuthKind {
    const fn of(auth: &AwsAuth) -> Self {
        match auth {
            AwsAuth::AssumedRole { .. } => Self::AssumedRole,
            AwsAuth::AccessKey { .. } => Self::AccessKey,
            AwsAuth::ServiceRole => Self::ServiceRole,
            AwsAuth::ApiKey { .. } => Self::ApiKey,
        }
    }

    /// The fields that only this way has, beside [`role_settings::ALL`] of a role.
    const fn own(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::AssumedRole => &[ROLE_ARN, EXTERNAL_ID],
            Self::AccessKey => &[ACCESS_KEY_ID, SECRET_ACCESS_KEY],
            Self::ServiceRole => &[],
            Self::ApiKey => &[API_KEY, API_KEY_HEADER],
        }
    }

    fn refuse_foreign(self, fields: &mut Fields<'_>) {
        let (name, _) = AUTH_KINDS.iter().find(|(_, kind)| *kind == self).expect("every kind has a name");
        let reason = format!("does not go with `aws_auth_type` `{name}`");
        let others = AUTH_KINDS.iter().filter(|(_, kind)| *kind != self);
        let settings = role_settings::ALL.iter().filter(|_| self != Self::AssumedRole);
        for names in others.flat_map(|(_, kind)| kind.own()).chain(settings) {
            fields.refuse(names, ProblemCode::ConflictingFields, &reason);
        }
    }
}

/// Where a new integration leads.
#[derive(Debug)]
pub(super) struct NewPlatform {
    pub(super) region: Region,
    pub(super) workspace_id: WorkspaceId,
    pub(super) auth: NewAuth,
    pub(super) features: FeatureSet,
}

/// What a change says of it.
#[derive(Debug, Default)]
pub(super) struct PlatformPatch {
    pub(super) region: Option<Region>,
    pub(super) workspace_id: Option<WorkspaceId>,
    pub(super) auth: Option<AuthPatch>,
    pub(super) features: Option<FeatureSet>,
}

/// Reads `configurations` of a creation out of the body. `None` once a problem is noted.
pub(super) fn read_new(body: &mut Fields<'_>) -> Option<NewPlatform> {
    if !body.has(&["configurations"]) {
        return body.required(&["configurations"], |_| Err(invalid("is missing")));
    }
    body.nested("configurations", |mut fields| {
        let region = fields.required(REGION, read::parsed);
        let workspace_id = fields.required(WORKSPACE, read::parsed);
        let features = fields.optional(FEATURES, features).unwrap_or_default();
        let kind = fields.required(AUTH_TYPE, |value| read::one_of(value, AUTH_KINDS));
        let Some(kind) = kind else {
            // Without the kind nobody can say which of the other fields are wrong.
            fields.skip_rest();
            return None;
        };
        let auth = read_new_auth(&mut fields, kind);
        kind.refuse_foreign(&mut fields);
        fields.finish();
        Some(NewPlatform { region: region?, workspace_id: workspace_id?, auth: auth?, features })
    })
}

fn read_new_auth(fields: &mut Fields<'_>, kind: AuthKind) -> Option<NewAuth> {
    match kind {
        AuthKind::AssumedRole => {
            let role_arn = fields.required(ROLE_ARN, read::parsed);
            let external_id = fields.optional(EXTERNAL_ID, read::parsed);
            let settings = role_settings::read(fields, &RoleSettings::default(), role_arn.as_ref());
            Some(NewAuth::AssumedRole { role_arn: role_arn?, external_id, settings })
        }
        AuthKind::AccessKey => {
            let access_key_id = fields.required(ACCESS_KEY_ID, read::parsed);
            let secret_access_key = fields.required(SECRET_ACCESS_KEY, secrets::secret_access_key);
            Some(NewAuth::AccessKey { access_key_id: access_key_id?, secret_access_key: secret_access_key? })
        }
        AuthKind::ServiceRole => Some(NewAuth::ServiceRole),
        AuthKind::ApiKey => {
            let key = fields.required(API_KEY, secrets::workspace_key);
            let header = fields.optional(API_KEY_HEADER, read::parsed).unwrap_or_default();
            Some(NewAuth::ApiKey { key: key?, header })
        }
    }
}

/// Reads `configurations` of a change out of the body. Fields that are absent stay as they are.
///
/// - `present`: what is in use now.
pub(super) fn read_patch(body: &mut Fields<'_>, present: &ClaudePlatformAws) -> PlatformPatch {
    let patch = body.nested("configurations", |mut fields| {
        let region = fields.replace(REGION, read::parsed);
        let workspace_id = fields.replace(WORKSPACE, read::parsed);
        let features = fields.change(FEATURES, features).into_patch().map(Option::unwrap_or_default);
        let now = AuthKind::of(&present.auth);
        let kind = fields.replace(AUTH_TYPE, |value| read::one_of(value, AUTH_KINDS)).unwrap_or(now);
        let auth = read_auth_patch(&mut fields, kind, &present.auth);
        kind.refuse_foreign(&mut fields);
        fields.finish();
        Some(PlatformPatch { region, workspace_id, auth, features })
    });
    patch.unwrap_or_default()
}

fn read_auth_patch(fields: &mut Fields<'_>, kind: AuthKind, present: &AwsAuth) -> Option<AuthPatch> {
    let is_new_kind = kind != AuthKind::of(present);
    match kind {
        AuthKind::AssumedRole => read_role_patch(fields, present),
        AuthKind::AccessKey => {
            let access_key_id = fields.replace(ACCESS_KEY_ID, read::parsed);
            let secret_access_key = fields.replace(SECRET_ACCESS_KEY, secrets::secret_access_key);
            let says_something = is_new_kind || access_key_id.is_some() || secret_access_key.is_some();
            says_something.then_some(AuthPatch::AccessKey { access_key_id, secret_access_key })
        }
        AuthKind::ServiceRole => is_new_kind.then_some(AuthPatch::ServiceRole),
        AuthKind::ApiKey => {
            let key = fields.replace(API_KEY, secrets::workspace_key);
            let header = match fields.change(API_KEY_HEADER, read::parsed) {
                Change::Keep => None,
                Change::Clear => Some(ApiKeyHeader::default()),
                Change::Set(header) => Some(header),
            };
            let says_something = is_new_kind || key.is_some() || header.is_some();
            says_something.then_some(AuthPatch::ApiKey { key, header })
        }
    }
}

fn read_role_patch(fields: &mut Fields<'_>, present: &AwsAuth) -> Option<AuthPatch> {
    let role_arn = fields.replace(ROLE_ARN, read::parsed);
    let external_id = fields.replace(EXTERNAL_ID, read::parsed);
    let external_id = new_external_id(fields, external_id, present);
    let gives_settings = role_settings::are_given(fields);
    let (own_arn, own_settings) = match present {
        AwsAuth::AssumedRole { role_arn, settings, .. } => (Some(role_arn), settings.as_ref().clone()),
        AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => {
            (None, Default::default())
        }
    };
    let settings = role_settings::read(fields, &own_settings, role_arn.as_ref().or(own_arn));
    let settings = gives_settings.then_some(settings);
    let says_something =
        own_arn.is_none() || role_arn.is_some() || external_id.is_some() || settings.is_some();
    says_something.then_some(AuthPatch::AssumedRole { role_arn, external_id, settings })
}

/// The external ID of a change, unless it only repeats the present one, as a client does that sends everything back.
///
/// A role's trust policy names it: another one would lock the gateway out, or let somebody else in.
fn new_external_id(
    fields: &mut Fields<'_>,
    given: Option<ExternalId>,
    present: &AwsAuth,
) -> Option<ExternalId> {
    let AwsAuth::AssumedRole { external_id, .. } = present else { return given };
    if given? != *external_id {
        let message =
            "cannot be changed: it belongs to this integration for life; create another integration";
        fields.report::<()>(EXTERNAL_ID[0], ProblemCode::ImmutableField, message);
    }
    None
}

fn features(value: Value) -> Reading<FeatureSet> {
    let named: Vec<Feature> = read::list(value, read::parsed)?;
    let named: BTreeSet<Feature> = named.into_iter().collect();
    FeatureSet::try_from(named).map_err(|error| invalid(format!("is not valid: {error}")))
}

/// `configurations` as clients read them: secrets masked, everything else plain.
pub(super) fn render(platform: &ClaudePlatformAws) -> Value {
    let mut shown = json!({
        "aws_auth_type": platform.auth.kind(),
        "aws_region": platform.region,
        "anthropic_aws_workspace_id": platform.workspace_id,
        "features": platform.features,
    });
    match &platform.auth {
        AwsAuth::AssumedRole { role_arn, external_id, settings } => {
            shown["aws_role_arn"] = json!(role_arn);
            shown["aws_external_id"] = json!(external_id);
            role_settings::render(settings, &mut shown);
        }
        AwsAuth::AccessKey { access_key_id, secret_access_key: _ } => {
            shown["aws_access_key_id"] = json!(access_key_id);
            shown["masked_aws_secret_access_key"] = json!(MASK);
        }
        AwsAuth::ServiceRole => {}
        AwsAuth::ApiKey { key: _, header } => {
            shown["masked_anthropic_aws_api_key"] = json!(MASK);
            shown["anthropic_aws_api_key_header"] = json!(header.as_str());
        }
    }
    shown
}
