//! Which STS answered, and asking the same one again, over real sockets.

use std::sync::Arc;

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{AssumeRole, AssumesRoles, EngineSettings, SourceChain, StsEndpoint};
use portcullis_emulator::world::{EXTERNAL_ID, GATEWAY_SECRET_ACCESS_KEY, ROLE_ARN};
use portcullis_emulator::{Emulator, EmulatorHandle, StsMode};
use portcullis_types::SystemClock;
use portcullis_types::session::SessionDuration;
use tokio::net::TcpListener;

use crate::emulator::Gateway;

async fn aws() -> EmulatorHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Emulator::builder().build().spawn(listener).unwrap()
}

fn call() -> AssumeRole {
    AssumeRole {
        role_arn: ROLE_ARN.parse().unwrap(),
        external_id: Some(EXTERNAL_ID.parse().unwrap()),
        region: "us-west-2".parse().unwrap(),
        session_name: "somebody".parse().unwrap(),
        duration: SessionDuration::SHORTEST,
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    }
}

#[tokio::test]
async fn the_fall_back_that_gave_a_session_is_named_and_asked_again_alone() {
    let (regional, other) = (aws().await, aws().await);
    let fallback = StsEndpoint { region: "us-east-1".parse().unwrap(), url: Some(other.base_url()) };
    let mut settings = EngineSettings::new(Arc::new(SystemClock));
    settings.sts_endpoint = Some(regional.base_url());
    settings.sts_fallbacks = vec![fallback];
    let sts = AwsSts::with_settings(&settings);
    let gateway = Gateway(GATEWAY_SECRET_ACCESS_KEY).find().await.unwrap().credentials;

    regional.set_sts_mode(StsMode::Unavailable);
    let (_, station) = sts.assume_role_at(&gateway, &call(), None).await.unwrap();
    assert_eq!(station.to_string(), format!("STS in us-east-1 at `{}`", other.base_url()));
    let (_, asked) = sts.caller_identity_at(&gateway, Some(&call().region)).await.unwrap();
    assert_eq!(asked, station);

    regional.set_sts_mode(StsMode::Ok);
    other.set_sts_mode(StsMode::Unavailable);
    regional.clear_requests();
    let error = sts.assume_role_at(&gateway, &call(), Some(&station)).await.unwrap_err();
    assert_eq!(error.code(), "aws_sts_unavailable");
    assert_eq!(regional.requests().len(), 0, "no other answers in its place");
}
