//! The signer of the AWS SDK for Rust must sign every request the same way.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use portcullis_signer::{ClockOffset, Signer};
use proptest::prelude::*;

use crate::random::{Case, HOST, cases, config};

/// The SDK's `authorization` header.
fn sdk_authorization(case: &Case) -> String {
    let identity = Credentials::new(
        case.credentials.access_key_id.as_str(),
        case.credentials.expose_secret_access_key(),
        case.credentials.expose_session_token().map(String::from),
        None,
        "test",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(case.region.as_str())
        .name(&case.service)
        .time(case.at)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let query = case.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("https://{HOST}{}{query}", case.path);
    let headers = case.borrowed_headers();
    let body = SignableBody::Bytes(&case.body);
    let request = SignableRequest::new(&case.method, url, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let authorization = instructions.headers().find(|(name, _)| *name == "authorization");
    authorization.unwrap().1.to_owned()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn agrees_with_the_signer_of_the_sdk(case in cases()) {
        let headers = case.borrowed_headers();
        let signed = Signer::new()
            .sign(&case.request(&headers), &case.credentials, &case.scope(), case.at, ClockOffset::NONE)
            .unwrap();
        let (_, authorization) = signed.iter().find(|(name, _)| *name == "authorization").unwrap();
        prop_assert_eq!(authorization, sdk_authorization(&case));
    }
}
