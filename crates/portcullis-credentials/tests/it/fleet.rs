//! Many integrations over few roles, against an STS that knows whose each session is.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::SystemTime;

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{CredentialEngine, CredentialRequest};
use portcullis_emulator::world::{CUSTOMER_ACCOUNT, GATEWAY_ARN, GATEWAY_SECRET_ACCESS_KEY, REGION, Role};
use portcullis_emulator::{Emulator, World, iam};
use portcullis_types::{IntegrationId, Revision, SystemClock};
use tokio::net::TcpListener;

use crate::emulator::Gateway;
use crate::wanted::{platform, subject};

const N_INTEGRATIONS: usize = 200;
const N_ROLES: usize = 20;
const N_TASKS: usize = 64;

/// 5,000 requests, or 100,000 when `PORTCULLIS_LONG_TESTS=1`.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is no configuration of the product")]
fn n_requests() -> usize {
    let is_long = std::env::var("PORTCULLIS_LONG_TESTS").is_ok_and(|value| value == "1");
    if is_long { 100_000 } else { 5000 }
}

/// Each role is shared by ten integrations, whose external IDs it all trusts.
fn world() -> World {
    (0..N_ROLES).fold(World::example(), |world, role| {
        let ids: Vec<String> = (role..N_INTEGRATIONS).step_by(N_ROLES).map(external_id).collect();
        let trust = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": ids}}}]});
        let role_of_customer = Role {
            account: CUSTOMER_ACCOUNT.to_owned(),
            path: "/".to_owned(),
            trust_policy: iam::Policy::from_json(&trust.to_string()).unwrap(),
            permissions_policy: world.roles["portcullis-claude"].permissions_policy.clone(),
            permissions_boundary: None,
            max_session_duration: 3600,
        };
        world.with_role(&format!("shared-{role}"), role_of_customer)
    })
}

/// In another order than the integrations.
fn external_id(integration: usize) -> String {
    format!("id-{}", (integration * 77 + 13) % N_INTEGRATIONS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sts_confirms_that_every_request_has_a_session_of_its_own_integration() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = Arc::new(Emulator::builder().world(world()).build().spawn(listener).unwrap());
    let sts = Arc::new(AwsSts::new(Some(aws.base_url())));
    let engine = CredentialEngine::with_parts(
        Arc::new(SystemClock),
        Arc::new(Gateway(GATEWAY_SECRET_ACCESS_KEY)),
        sts,
    );
    let ids: Arc<Vec<_>> =
        Arc::new((0..N_INTEGRATIONS).map(|_| IntegrationId::generate(SystemTime::UNIX_EPOCH)).collect());
    let revisions: Arc<Vec<_>> = Arc::new((0..N_INTEGRATIONS).map(|_| AtomicI64::new(1)).collect());
    let n_evictions = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..N_TASKS)
        .map(|task| {
            let (aws, engine, ids) = (Arc::clone(&aws), engine.clone(), Arc::clone(&ids));
            let (revisions, n_evictions) = (Arc::clone(&revisions), Arc::clone(&n_evictions));
            tokio::spawn(async move {
                let mut keys = HashSet::new();
                for step in 0..n_requests() / N_TASKS + 1 {
                    let n = (task * 131 + step * 7919 + step * step * 31) % N_INTEGRATIONS;
                    let role = format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/shared-{}", n % N_ROLES);
                    let platform = platform(REGION, role.parse().unwrap(), external_id(n).parse().unwrap());
                    let request = CredentialRequest {
                        integration: ids[n],
                        revision: Revision(revisions[n].load(Ordering::Relaxed)),
                        platform: &platform,
                        subject: subject(),
                    };
                    let session = engine.credentials(&request).await.unwrap();
                    let origin = aws.session_origin(session.access_key_id.as_str()).unwrap();
                    assert_eq!(origin.external_id, Some(external_id(n)), "integration {n}");
                    assert_eq!(origin.role_arn, role, "integration {n}");
                    keys.insert((n, session.access_key_id.as_str().to_owned()));
                    if step % 41 == 0 {
                        engine.forget(&request);
                        n_evictions.fetch_add(1, Ordering::Relaxed);
                    } else if step % 67 == 0 {
                        revisions[n].fetch_add(1, Ordering::Relaxed);
                    }
                }
                keys
            })
        })
        .collect();
    let mut keys = HashSet::new();
    for task in tasks {
        keys.extend(task.await.unwrap());
    }
    let different: HashSet<_> = keys.iter().map(|(_, key)| key).collect();
    assert_eq!(different.len(), keys.len(), "a session served two integrations");
    assert!(n_evictions.load(Ordering::Relaxed) > 50);
    let calls = aws.requests();
    assert!(calls.iter().all(|call| call.verified && call.refusal.is_none()));
}
