//! Each failure as the client reads it.

use super::*;

async fn body_of(error: AdminError) -> (u16, serde_json::Value) {
    let response = error.into_response();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// `status errorCode type code param: message`, from both objects of the body.
async fn check(error: AdminError, expect: &str) {
    let (status, body) = body_of(error).await;
    let text = |pointer: &str| body.pointer(pointer).and_then(|v| v.as_str()).unwrap_or("-").to_owned();
    let seen = format!(
        "{status} {} {} {} {}: {}",
        text("/data/errorCode"),
        text("/error/type"),
        text("/error/code"),
        text("/error/param"),
        text("/error/message"),
    );
    assert_eq!(seen, expect);
    assert_eq!(body["data"]["message"], body["error"]["message"]);
    assert_eq!(body["success"], false);
}

#[tokio::test]
async fn failures_of_the_caller_say_what_to_do() {
    check(
        AdminError::Unauthenticated,
        "401 AB05 authentication_error invalid_api_key -: no valid API key: send a live one in `x-portkey-api-key`, \
         as a bearer token or in `x-api-key`",
    )
    .await;
    check(
        NoPresentedKey::Absent.into(),
        "401 AB05 authentication_error missing_api_key -: no key was given: send it in `x-portkey-api-key`, as a bearer \
         token or in `x-api-key`",
    )
    .await;
    check(
        NoPresentedKey::Contradicting.into(),
        "401 AB05 authentication_error contradicting_api_keys -: `authorization` and `x-api-key` differ: send one of \
         them, or the same key in both",
    )
    .await;
    check(
        NoPresentedKey::Repeated("x-api-key").into(),
        "401 AB05 authentication_error invalid_api_key -: the header `x-api-key` is given more than once",
    )
    .await;
    check(
        Denial::MissingScope(const { &[portcullis_catalog::Scope::known("providers.list")] }).into(),
        "403 AB03 permission_error forbidden -: this key needs the scope `providers.list`",
    )
    .await;
    check(
        Problems::one("name", ProblemCode::MissingField, "is missing").into(),
        "400 AB01 invalid_request_error validation_failed name: `name` is missing",
    )
    .await;
    check(
        UnreadableBody::TooLarge.into(),
        "413 AB01 invalid_request_error body_too_large -: the body is larger than 1048576 bytes",
    )
    .await;
    check(
        AdminError::NotFound("provider"),
        "404 AB08 invalid_request_error not_found -: there is no such provider",
    )
    .await;
}

#[tokio::test]
async fn the_catalogs_refusals_name_the_field_as_the_client_wrote_it() {
    check(
        CatalogError::Conflict { what: "integration", field: "external_id" }.into(),
        "409 AB07 invalid_request_error already_exists configurations.aws_external_id: \
         the `configurations.aws_external_id` of this integration is already in use",
    )
    .await;
    check(
        CatalogError::ChangedMeanwhile { what: "integration" }.into(),
        "409 AB07 invalid_request_error changed_meanwhile -: the integration was changed by somebody else meanwhile; \
         read it and decide anew",
    )
    .await;
    check(
        CatalogError::InUse { what: "integration", by: vec!["claude".into()] }.into(),
        "409 AB07 invalid_request_error in_use -: the integration is still in use by claude",
    )
    .await;
    check(
        CatalogError::Invalid { field: "slug", reason: "must not be a UUID".into() }.into(),
        "400 AB01 invalid_request_error validation_failed slug: `slug` must not be a UUID",
    )
    .await;
}

#[tokio::test]
async fn what_the_operator_must_repair_is_told_to_the_log_alone() {
    let cause = || -> portcullis_catalog::error::BoxError { "password of 10.0.0.7 refused".into() };
    check(
        CatalogError::Unavailable(cause()).into(),
        "503 AB04 server_error database_unavailable -: the gateway's database cannot be reached; try again",
    )
    .await;
    check(
        CatalogError::Database { action: "reading", source: cause() }.into(),
        "500 AB04 server_error internal -: the gateway failed; its log has the cause under this trace id",
    )
    .await;
    let away = AdminError::from(CatalogError::Unavailable(cause()));
    assert_eq!(chain(&away), "the database cannot be reached: password of 10.0.0.7 refused");
    assert_eq!(away.into_response().headers()[RETRY_AFTER], "2");
}
