//! The `configurations` of `claude-platform-aws`: region, Anthropic workspace, and the way into AWS.
//!
//! | `aws_auth_type` | needs | may have |
//! |---|---|---|
//! | `assumedRole` | `aws_role_arn` | `aws_external_id` (generated when absent, then fixed) |
//! | `accessKey` | `aws_access_key_id`, `aws_secret_access_key` | – |
//! | `serviceRole` | – | – |
//!
//! All of them need `aws_region` and `anthropic_aws_workspace_id`. A field of another way contradicts the one chosen
//! and is refused; it would be stored and do nothing.
//!
//! Source: Portkey's documentation, "Claude Platform on AWS".

use portcullis_catalog::{AuthPatch, NewAuth};
use portcullis_types::{AwsAuth, ClaudePlatformAws, ExternalId, Region, SecretString, WorkspaceId};
use serde_json::{Value, json};

use crate::fields::read::{self, invalid};
use crate::fields::{Fields, Reading};
use crate::problem::ProblemCode;

// Each field's spellings: the documented one, then the console's.
const REGION: &[&str] = &["aws_region", "awsRegion"];
const WORKSPACE: &[&str] = &["anthropic_aws_workspace_id", "anthropicAwsWorkspaceId"];
const AUTH_TYPE: &[&str] = &["aws_auth_type", "awsAuthType"];
const ROLE_ARN: &[&str] = &["aws_role_arn", "awsRoleArn"];
const EXTERNAL_ID: &[&str] = &["aws_external_id", "awsExternalId"];
const ACCESS_KEY_ID: &[&str] = &["aws_access_key_id", "awsAccessKeyId"];
const SECRET_ACCESS_KEY: &[&str] = &["aws_secret_access_key", "awsSecretAccessKey"];

/// What stands in place of a secret.
const MASK: &str = "********";

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

    /// The fields that only the other ways have.
    const fn foreign(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::AssumedRole => &[ACCESS_KEY_ID, SECRET_ACCESS_KEY],
            Self::AccessKey => &[ROLE_ARN, EXTERNAL_ID],
            Self::ServiceRole | Self::ApiKey => &[ROLE_ARN, EXTERNAL_ID, ACCESS_KEY_ID, SECRET_ACCESS_KEY],
        }
    }

    fn refuse_foreign(self, fields: &mut Fields<'_>) {
        let (name, _) = AUTH_KINDS.iter().find(|(_, kind)| *kind == self).expect("every kind has a name");
        for names in self.foreign() {
            let reason = format!("does not go with `aws_auth_type` `{name}`");
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
}

/// What a change says of it.
#[derive(Debug, Default)]
pub(super) struct PlatformPatch {
    pub(super) region: Option<Region>,
    pub(super) workspace_id: Option<WorkspaceId>,
    pub(super) auth: Option<AuthPatch>,
}

/// Reads `configurations` of a creation out of the body. `None` once a problem is noted.
pub(super) fn read_new(body: &mut Fields<'_>) -> Option<NewPlatform> {
    if !body.has(&["configurations"]) {
        return body.required(&["configurations"], |_| Err(invalid("is missing")));
    }
    body.nested("configurations", |mut fields| {
        let region = fields.required(REGION, read::parsed);
        let workspace_id = fields.required(WORKSPACE, read::parsed);
        let kind = fields.required(AUTH_TYPE, |value| read::one_of(value, AUTH_KINDS));
        let Some(kind) = kind else {
            // Without the kind nobody can say which of the other fields are wrong.
            fields.skip_rest();
            return None;
        };
        let auth = read_new_auth(&mut fields, kind);
        kind.refuse_foreign(&mut fields);
        fields.finish();
        Some(NewPlatform { region: region?, workspace_id: workspace_id?, auth: auth? })
    })
}

fn read_new_auth(fields: &mut Fields<'_>, kind: AuthKind) -> Option<NewAuth> {
    match kind {
        AuthKind::AssumedRole => {
            let role_arn = fields.required(ROLE_ARN, read::parsed);
            let external_id = fields.optional(EXTERNAL_ID, read::parsed);
            Some(NewAuth::AssumedRole { role_arn: role_arn?, external_id, settings: Default::default() })
        }
        AuthKind::AccessKey => {
            let access_key_id = fields.required(ACCESS_KEY_ID, read::parsed);
            let secret_access_key = fields.required(SECRET_ACCESS_KEY, secret);
            Some(NewAuth::AccessKey { access_key_id: access_key_id?, secret_access_key: secret_access_key? })
        }
        AuthKind::ServiceRole | AuthKind::ApiKey => Some(NewAuth::ServiceRole),
    }
}

/// Reads `configurations` of a change out of the body. Fields that are absent stay as they are.
///
/// - `present`: what is in use now.
pub(super) fn read_patch(body: &mut Fields<'_>, present: &ClaudePlatformAws) -> PlatformPatch {
    let patch = body.nested("configurations", |mut fields| {
        let region = fields.replace(REGION, read::parsed);
        let workspace_id = fields.replace(WORKSPACE, read::parsed);
        let now = AuthKind::of(&present.auth);
        let kind = fields.replace(AUTH_TYPE, |value| read::one_of(value, AUTH_KINDS)).unwrap_or(now);
        let auth = read_auth_patch(&mut fields, kind, &present.auth);
        kind.refuse_foreign(&mut fields);
        fields.finish();
        Some(PlatformPatch { region, workspace_id, auth })
    });
    patch.unwrap_or_default()
}

fn read_auth_patch(fields: &mut Fields<'_>, kind: AuthKind, present: &AwsAuth) -> Option<AuthPatch> {
    let is_new_kind = kind != AuthKind::of(present);
    match kind {
        AuthKind::AssumedRole => {
            let role_arn = fields.replace(ROLE_ARN, read::parsed);
            let external_id = fields.replace(EXTERNAL_ID, read::parsed);
            let external_id = new_external_id(fields, external_id, present);
            let says_something = is_new_kind || role_arn.is_some() || external_id.is_some();
            says_something.then_some(AuthPatch::AssumedRole { role_arn, external_id, settings: None })
        }
        AuthKind::AccessKey => {
            let access_key_id = fields.replace(ACCESS_KEY_ID, read::parsed);
            let secret_access_key = fields.replace(SECRET_ACCESS_KEY, secret);
            let says_something = is_new_kind || access_key_id.is_some() || secret_access_key.is_some();
            says_something.then_some(AuthPatch::AccessKey { access_key_id, secret_access_key })
        }
        AuthKind::ServiceRole | AuthKind::ApiKey => is_new_kind.then_some(AuthPatch::ServiceRole),
    }
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

/// A secret access key: 1 to 512 visible ASCII characters. Never repeated in a message.
fn secret(value: Value) -> Reading<SecretString> {
    let text = read::string(value)?;
    let fits = (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text.into()) } else { Err(invalid("must be 1 to 512 visible ASCII characters")) }
}

/// `configurations` as clients read them: secrets masked, everything else plain.
pub(super) fn render(platform: &ClaudePlatformAws) -> Value {
    let mut shown = json!({
        "aws_auth_type": platform.auth.kind(),
        "aws_region": platform.region,
        "anthropic_aws_workspace_id": platform.workspace_id,
    });
    match &platform.auth {
        AwsAuth::AssumedRole { role_arn, external_id, settings: _ } => {
            shown["aws_role_arn"] = json!(role_arn);
            shown["aws_external_id"] = json!(external_id);
        }
        AwsAuth::AccessKey { access_key_id, secret_access_key: _ } => {
            shown["aws_access_key_id"] = json!(access_key_id);
            shown["masked_aws_secret_access_key"] = json!(MASK);
        }
        AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => {}
    }
    shown
}
