//! How an integration's sessions fare, and what narrows them.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{Path, State};
use portcullis_catalog::Catalog;
use portcullis_credentials::policy::{LONGEST_SESSION_POLICY, session_policy};
use portcullis_credentials::{CredentialEngine, HealthError, IntegrationHealth, Notice};
use portcullis_types::{AwsAuth, ClaudePlatformAws, SessionPolicy};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::authentication::Caller;
use crate::error::AdminError;
use crate::permissions::Action;
use crate::{integrations, timestamp};

/// `GET /v1/integrations/{slug}/health`.
pub(crate) async fn show_integration_health(
    caller: Caller,
    State(catalog): State<Catalog>,
    State(credentials): State<CredentialEngine>,
    Path(slug): Path<String>,
) -> Result<Json<Value>, AdminError> {
    let integration = integrations::find(&catalog, &caller, &slug, Action::Read).await?;
    let mut answer = render(credentials.health(integration.id).unwrap_or_default());
    answer["object"] = json!("integration_health");
    answer["integration_id"] = json!(integration.id);
    Ok(Json(answer))
}

/// `GET /v1/integrations/{slug}/policy`.
pub(crate) async fn show_integration_policy(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(slug): Path<String>,
) -> Result<Json<Value>, AdminError> {
    let integration = integrations::find(&catalog, &caller, &slug, Action::Read).await?;
    let mut answer = effective_policy(&integration.platform);
    answer["object"] = json!("session_policy");
    answer["integration_id"] = json!(integration.id);
    Ok(Json(answer))
}

/// The health of an integration. What has not happened since the gateway's start is `null`.
pub(crate) fn render(health: IntegrationHealth) -> Value {
    json!({
        "last_success": instant(health.last_success),
        "last_error": health.last_error.as_ref().map(error),
        "expires_at": instant(health.expires_at),
        "sessions": health.n_sessions,
        "sessions_over_cap": health.sessions_over_cap,
        "granted_duration_seconds": health.granted_duration.map(|granted| granted.seconds()),
        "notices": health.notices.iter().map(notice).collect::<Vec<_>>(),
    })
}

fn error(error: &HealthError) -> Value {
    json!({
        "at": instant(Some(error.at)),
        "code": error.code,
        "message": error.message,
        "fault": error.fault.as_str(),
        "aws_request_id": error.request_id,
    })
}

fn notice(notice: &Notice) -> Value {
    json!({ "code": notice.code(), "message": notice.to_string() })
}

fn instant(at: Option<SystemTime>) -> Option<String> {
    at.map(|at| timestamp::format(OffsetDateTime::from(at)))
}

/// The session policy that AssumeRole is called with, where it comes from and how large it is.
///
/// `source` is `generated`, `custom` or `off`; `off` too for credentials that are no assumed role's, which nothing narrows.
/// `problem` says why there is none although there should be.
pub(crate) fn effective_policy(platform: &ClaudePlatformAws) -> Value {
    let source = match &platform.auth {
        AwsAuth::AssumedRole { settings, .. } => match settings.session_policy {
            SessionPolicy::Generated => "generated",
            SessionPolicy::Custom(_) => "custom",
            SessionPolicy::Off => "off",
        },
        AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => "off",
    };
    let (text, problem) = match session_policy(platform) {
        Ok(text) => (text, None),
        Err(too_large) => (None, Some(too_large.to_string())),
    };
    let document: Option<Value> =
        text.as_deref().map(|text| serde_json::from_str(text).expect("a policy is made as JSON"));
    json!({
        "source": source,
        "policy": document,
        "characters": text.map_or(0, |text| text.chars().count()),
        "most_characters": LONGEST_SESSION_POLICY,
        "problem": problem,
    })
}
