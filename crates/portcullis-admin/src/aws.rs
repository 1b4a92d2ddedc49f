//! Who the gateway is in AWS, which is whom a customer's role must trust.

use axum::Json;
use axum::extract::State;
use portcullis_credentials::CredentialEngine;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::authentication::Caller;
use crate::error::AdminError;
use crate::{permissions, timestamp};

/// `GET /v1/aws/identity`: the identity itself, and where it was found.
pub(crate) async fn show_aws_identity(
    caller: Caller,
    State(credentials): State<CredentialEngine>,
) -> Result<Json<Value>, AdminError> {
    permissions::require_organisation(&caller, "see the gateway's own AWS identity")?;
    let identity = credentials.source_identity().await?;
    let expires_at = identity.expires_at.map(|at| timestamp::format(OffsetDateTime::from(at)));
    Ok(Json(json!({
        "object": "aws_identity",
        "account": identity.account,
        "arn": identity.arn,
        "kind": identity.kind.as_str(),
        "expires_at": expires_at,
    })))
}
