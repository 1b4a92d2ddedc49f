//! The one place where a failure becomes an HTTP answer.
//!
//! Each body carries both shapes that Portkey's clients read: `data.errorCode` of the older resources, and the `error`
//! object of the newer ones.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use portcullis_catalog::CatalogError;
use portcullis_credentials::CredentialsError;
use portcullis_credentials::verification::Unproven;
use portcullis_types::NoPresentedKey;
use serde_json::json;

use crate::body::UnreadableBody;
use crate::permissions::Denial;
use crate::problem::{Problem, ProblemCode, Problems};

/// After how many seconds a client should try again when the database is away.
const RETRY_AFTER_SECONDS: u16 = 2;

/// Why a request to the control plane failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The headers present no key.
    #[error(transparent)]
    NoKey(#[from] NoPresentedKey),
    /// A key that does not work. Which of the reasons it is, is not said.
    #[error("no valid API key: send a live one in `x-portkey-api-key`, as a bearer token or in `x-api-key`")]
    Unauthenticated,
    /// A known caller that may not do this.
    #[error(transparent)]
    Forbidden(#[from] Denial),
    /// The body is no JSON object.
    #[error(transparent)]
    Body(#[from] UnreadableBody),
    /// Fields of the body or the query are wrong.
    #[error("{}", .0.message())]
    Invalid(Problems),
    /// There is no such thing, as far as this caller can see.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A key cannot revoke itself.
    #[error("an organisation's key cannot revoke itself, so that one always remains; use another one")]
    LastKey,
    /// Asked of an integration that assumes no role.
    #[error("this integration assumes no role, so there is nothing to set up in an AWS account")]
    NoRole,
    /// The role is another organisation's as well, and it is not proven that this one needs its own external ID.
    #[error(
        "the `configurations.aws_role_arn` is already in use elsewhere; a role can serve both only once it is proven that \
         its trust policy holds each to an external ID of its own. The proof failed at `{}`: {}. Get an external ID from \
         `POST /v1/integrations/setup`, let the trust policy demand it, and send it as `aws_external_id`; or use another role",
        .0.0.step, .0.0.evidence
    )]
    SharedRole(Unproven),
    /// The integration is being verified already.
    #[error("this integration is being verified already; ask again once that has ended")]
    VerificationRuns,
    /// A shared role is being proven for the organisation already.
    #[error(
        "whether one of this organisation's integrations may share its role is being proven already; ask again once that \
         has ended"
    )]
    ProofRuns,
    /// A verification ended without a verdict.
    #[error("the verification broke off; try again")]
    VerificationBrokeOff,
    /// The path exists, the method does not.
    #[error("this path does not answer that method; the `allow` header lists those it does")]
    MethodNotAllowed,
    /// The catalog failed or refused.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The gateway's own AWS identity is missing, or AWS refuses it.
    #[error("{}", explained(.0))]
    Credentials(#[from] CredentialsError),
}

/// What went wrong, what it means and what to do, as the table of causes has it.
fn explained(error: &CredentialsError) -> String {
    let said = error.explain();
    let fix = said.fix.map(|fix| format!(" {fix}")).unwrap_or_default();
    format!("{error}. {}{fix}", said.meaning)
}

impl From<Problems> for AdminError {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// What the client reads.
struct Answer {
    status: StatusCode,
    /// Portkey's code: `AB01` and so on.
    error_code: &'static str,
    /// Whose fault it is, in OpenAI's words.
    kind: &'static str,
    /// One word for programs.
    code: &'static str,
    message: String,
    /// The JSON path of the field at fault.
    param: Option<String>,
}

impl AdminError {
    fn answer(&self) -> Answer {
        let message = self.to_string();
        let refusal = |status, error_code, code| Answer {
            status,
            error_code,
            kind: "invalid_request_error",
            code,
            message,
            param: None,
        };
        match self {
            Self::NoKey(why) => Answer {
                kind: "authentication_error",
                ..refusal(StatusCode::UNAUTHORIZED, "AB05", no_key_code(*why))
            },
            Self::Unauthenticated => Answer {
                kind: "authentication_error",
                ..refusal(StatusCode::UNAUTHORIZED, "AB05", "invalid_api_key")
            },
            Self::Forbidden(_) => {
                Answer { kind: "permission_error", ..refusal(StatusCode::FORBIDDEN, "AB03", "forbidden") }
            }
            Self::Body(UnreadableBody::TooLarge) => {
                refusal(StatusCode::PAYLOAD_TOO_LARGE, "AB01", "body_too_large")
            }
            Self::Body(
                UnreadableBody::MediaType
                | UnreadableBody::Incomplete
                | UnreadableBody::Empty
                | UnreadableBody::Syntax { .. }
                | UnreadableBody::NotAnObject(_)
                | UnreadableBody::Duplicate(_),
            ) => refusal(StatusCode::BAD_REQUEST, "AB01", "unreadable_body"),
            Self::Invalid(problems) => Answer {
                param: problems.as_slice().first().map(|problem| problem.param.clone()),
                ..refusal(StatusCode::BAD_REQUEST, "AB01", "validation_failed")
            },
            Self::NotFound(_) => refusal(StatusCode::NOT_FOUND, "AB08", "not_found"),
            Self::LastKey => refusal(StatusCode::CONFLICT, "AB07", "last_key"),
            Self::NoRole => refusal(StatusCode::CONFLICT, "AB07", "no_role"),
            Self::SharedRole(_) => Answer {
                param: Some(wire_name("role_arn").to_owned()),
                ..refusal(StatusCode::CONFLICT, "AB07", "role_in_use")
            },
            Self::VerificationRuns => refusal(StatusCode::CONFLICT, "AB07", "verification_runs"),
            Self::ProofRuns => refusal(StatusCode::CONFLICT, "AB07", "proof_runs"),
            Self::VerificationBrokeOff => Answer {
                kind: "server_error",
                ..refusal(StatusCode::INTERNAL_SERVER_ERROR, "AB04", "verification_broke_off")
            },
            Self::MethodNotAllowed => refusal(StatusCode::METHOD_NOT_ALLOWED, "AB01", "method_not_allowed"),
            Self::Catalog(error) => catalog_answer(error),
            Self::Credentials(error) => {
                Answer { kind: "server_error", ..refusal(StatusCode::BAD_GATEWAY, "AB04", error.code()) }
            }
        }
    }

    /// All that is wrong with the fields, for clients that show it beside them.
    fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Invalid(problems) => problems.as_slice().to_vec(),
            Self::Catalog(CatalogError::Invalid { field, reason }) => vec![Problem {
                param: wire_name(field).to_owned(),
                code: ProblemCode::InvalidValue,
                message: reason.clone().into_owned(),
            }],
            Self::Catalog(_)
            | Self::Credentials(_)
            | Self::NoKey(_)
            | Self::Unauthenticated
            | Self::Forbidden(_)
            | Self::Body(_)
            | Self::NotFound(_)
            | Self::LastKey
            | Self::NoRole
            | Self::SharedRole(_)
            | Self::VerificationRuns
            | Self::ProofRuns
            | Self::VerificationBrokeOff
            | Self::MethodNotAllowed => Vec::new(),
        }
    }
}

const fn no_key_code(why: NoPresentedKey) -> &'static str {
    match why {
        NoPresentedKey::Absent | NoPresentedKey::Empty(_) => "missing_api_key",
        NoPresentedKey::Contradicting => "contradicting_api_keys",
        NoPresentedKey::Repeated(_) | NoPresentedKey::NotText(_) => "invalid_api_key",
    }
}

fn catalog_answer(error: &CatalogError) -> Answer {
    use CatalogError as C;
    let answer = |status, error_code, code, message: String| Answer {
        status,
        error_code,
        kind: "invalid_request_error",
        code,
        message,
        param: None,
    };
    // What the operator must repair is told to the log, not to the client.
    let internal = |code| Answer {
        kind: "server_error",
        ..answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            "AB04",
            code,
            "the gateway failed; its log has the cause under this trace id".into(),
        )
    };
    match error {
        C::NotFound { .. } => answer(StatusCode::NOT_FOUND, "AB08", "not_found", error.to_string()),
        C::Conflict { field: "role_arn", .. } => Answer {
            param: Some(wire_name("role_arn").to_owned()),
            ..answer(
                StatusCode::CONFLICT,
                "AB07",
                "already_exists",
                "the `configurations.aws_role_arn` is already in use elsewhere; a role can serve both only once it is \
                 proven that its trust policy holds each to an external ID of its own, so use another role"
                    .into(),
            )
        },
        C::Conflict { what, field } => Answer {
            param: Some(wire_name(field).to_owned()),
            ..answer(
                StatusCode::CONFLICT,
                "AB07",
                "already_exists",
                format!("the `{}` of this {what} is already in use", wire_name(field)),
            )
        },
        C::ChangedMeanwhile { .. } => answer(
            StatusCode::CONFLICT,
            "AB07",
            "changed_meanwhile",
            format!("{error}; read it and decide anew"),
        ),
        C::TooManyReserved { .. } => {
            answer(StatusCode::CONFLICT, "AB07", "too_many_reserved", error.to_string())
        }
        C::InUse { .. } => answer(StatusCode::CONFLICT, "AB07", "in_use", error.to_string()),
        C::Invalid { field, reason } => Answer {
            param: Some(wire_name(field).to_owned()),
            ..answer(
                StatusCode::BAD_REQUEST,
                "AB01",
                "validation_failed",
                format!("`{}` {reason}", wire_name(field)),
            )
        },
        C::TooLarge { .. } => {
            answer(StatusCode::PAYLOAD_TOO_LARGE, "AB01", "body_too_large", error.to_string())
        }
        C::Unavailable(_) => Answer {
            kind: "server_error",
            ..answer(
                StatusCode::SERVICE_UNAVAILABLE,
                "AB04",
                "database_unavailable",
                "the gateway's database cannot be reached; try again".into(),
            )
        },
        C::WrongKeyRing => internal("wrong_encryption_key"),
        C::Corrupt { .. } => internal("unreadable_row"),
        C::Database { .. } | C::Migration(_) | C::File { .. } | C::Randomness(_) => internal("internal"),
    }
}

/// The JSON path of a field that the catalog names by its own name.
fn wire_name(field: &str) -> &str {
    match field {
        "region" => "configurations.aws_region",
        "anthropic_workspace_id" => "configurations.anthropic_aws_workspace_id",
        "role_arn" => "configurations.aws_role_arn",
        "external_id" => "configurations.aws_external_id",
        "access_key_id" => "configurations.aws_access_key_id",
        "secret_access_key" => "configurations.aws_secret_access_key",
        "api_key" => "configurations.anthropic_aws_api_key",
        "role_chain" => "configurations.role_chain",
        "role_settings" => "configurations",
        "integration" => "integration_id",
        same => same,
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let answer = self.answer();
        if answer.status.is_server_error() {
            tracing::error!(error.code = answer.code, "admin request failed: {}", chain(&self));
        }
        let mut error = json!({
            "message": answer.message,
            "type": answer.kind,
            "param": answer.param,
            "code": answer.code,
        });
        let problems = self.problems();
        if !problems.is_empty() {
            error["problems"] = json!(problems);
        }
        let body = json!({
            "success": false,
            "data": { "message": answer.message, "errorCode": answer.error_code },
            "error": error,
        });
        let mut response = (answer.status, Json(body)).into_response();
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

/// An error and what caused it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
