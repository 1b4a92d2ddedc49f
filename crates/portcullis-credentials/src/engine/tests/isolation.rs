//! No request is ever given the session of another integration, or of an older revision of its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use portcullis_types::{AccessKeyId, AwsAuth, AwsCredentials, Clock, ManualClock, Region};

use super::world::Wanted;
use crate::error::Explanation;
use crate::source::SourceKind;
use crate::{
    AssumeRole, AssumedRole, AssumesRoles, BoxFuture, CallerIdentity, CredentialEngine, CredentialsError,
    Renewal, Source, SourceChain, SourceFingerprint,
};

const N_INTEGRATIONS: u128 = 200;
const N_ROLES: u128 = 20;
const N_TASKS: u64 = 64;
const N_REQUESTS: usize = 100_000;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Mints sessions whose key says for which role and external ID they are, with lives of one to ten minutes.
#[derive(Debug)]
struct Mint {
    clock: Arc<ManualClock>,
    n_minted: AtomicU64,
    /// How often the gateway's own key has been rotated.
    n_rotations: AtomicU64,
}

fn minted_for(role: &str, external_id: &str) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    format!("ASIA_R{}_E{}_", digits(role.rsplit('/').next().unwrap()), digits(external_id))
}

impl AssumesRoles for Mint {
    fn assume_role<'a>(
        &'a self,
        _: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let n = self.n_minted.fetch_add(1, Ordering::Relaxed);
            if n.is_multiple_of(97) {
                return Err(CredentialsError::Throttled(Explanation::new("Rate exceeded")));
            }
            let key = minted_for(call.role_arn.as_str(), call.external_id.as_ref().unwrap().as_str());
            let credentials = AwsCredentials {
                access_key_id: format!("{key}N{n}").parse().unwrap(),
                secret_access_key: "hunter2".into(),
                session_token: Some("hunter2".into()),
                expires_at: Some(self.clock.now() + Duration::from_secs(61 + n * 37 % 540)),
            };
            Ok(AssumedRole { credentials, arn: None, packed_policy_percent: None })
        })
    }

    fn caller_identity<'a>(
        &'a self,
        _: &'a AwsCredentials,
        _: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        unreachable!("nobody asks who the gateway is")
    }
}

impl SourceChain for Mint {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let n = self.n_rotations.load(Ordering::Relaxed);
        let key: AccessKeyId = format!("AKIAIOSFODNN7{n:07}").parse().unwrap();
        let credentials = AwsCredentials {
            access_key_id: key.clone(),
            secret_access_key: "hunter2".into(),
            session_token: None,
            expires_at: None,
        };
        let fingerprint =
            SourceFingerprint { kind: SourceKind::Environment, account: None, long_term_key: Some(key) };
        let source = Source { credentials: Arc::new(credentials), fingerprint: Arc::new(fingerprint) };
        Box::pin(std::future::ready(Ok(source)))
    }
}

/// Integration `n` at a revision: its role is shared with nine others, its external ID with nobody.
fn integration(n: u128, revision: i64, external_id: u64) -> Arc<Wanted> {
    let role = format!("team/role-{}", (n * 7 + 3) % N_ROLES);
    Arc::new(Wanted::of(n, revision, "us-west-2", &role, &format!("id-{external_id}"), "default"))
}

/// What the tasks share.
struct Hall {
    engine: CredentialEngine,
    mint: Arc<Mint>,
    clock: Arc<ManualClock>,
    integrations: RwLock<Vec<Arc<Wanted>>>,
    next_external_id: AtomicU64,
    n_served: AtomicUsize,
    n_edits: AtomicUsize,
    n_evictions: AtomicUsize,
}

impl Hall {
    /// One request, and now and then something that shakes the cache.
    async fn step(&self, dice: &mut Dice) {
        let n = usize::try_from(dice.roll(N_INTEGRATIONS as u64)).unwrap();
        let wanted = Arc::clone(&self.integrations.read().unwrap()[n]);
        match dice.roll(1000) {
            0..10 => self.edit(n),
            10..20 => {
                self.engine.forget(&wanted.request());
                self.n_evictions.fetch_add(1, Ordering::Relaxed);
            }
            20..25 => self.clock.advance(Duration::from_secs(dice.roll(3))),
            25 => drop(self.mint.n_rotations.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        let session = match self.engine.cached(&wanted.request()) {
            Some(session) => session,
            None => match self.engine.credentials(&wanted.request()).await {
                Ok(session) => session,
                Err(error) => return assert_eq!(error.code(), "aws_sts_throttled"),
            },
        };
        check(&wanted, &session);
        if dice.roll(200) == 0
            && self.engine.forget_rejected(&wanted.request(), &session) == Renewal::Worthwhile
        {
            self.n_evictions.fetch_add(1, Ordering::Relaxed);
        }
        self.n_served.fetch_add(1, Ordering::Relaxed);
    }

    fn edit(&self, n: usize) {
        let mut integrations = self.integrations.write().unwrap();
        let external_id = self.next_external_id.fetch_add(1, Ordering::Relaxed);
        integrations[n] = integration(n as u128, integrations[n].revision + 1, external_id);
        self.n_edits.fetch_add(1, Ordering::Relaxed);
    }
}

fn check(wanted: &Wanted, session: &AwsCredentials) {
    let AwsAuth::AssumedRole { role_arn, external_id, .. } = &wanted.platform.auth else { unreachable!() };
    let expected = minted_for(role_arn.as_str(), external_id.as_str());
    let key = session.access_key_id.as_str();
    assert!(key.starts_with(&expected), "{key} for {expected} at revision {}", wanted.revision);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_gets_the_session_of_another_integration() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)));
    let mint = Arc::new(Mint {
        clock: Arc::clone(&clock),
        n_minted: AtomicU64::new(1),
        n_rotations: AtomicU64::new(0),
    });
    // External IDs in another order than the integrations.
    let integrations = (0..N_INTEGRATIONS).map(|n| integration(n, 1, (n as u64 * 77 + 13) % 200)).collect();
    let hall = Arc::new(Hall {
        engine: CredentialEngine::with_parts(clock.clone(), mint.clone(), mint.clone()),
        mint,
        clock,
        integrations: RwLock::new(integrations),
        next_external_id: AtomicU64::new(1000),
        n_served: AtomicUsize::new(0),
        n_edits: AtomicUsize::new(0),
        n_evictions: AtomicUsize::new(0),
    });
    let tasks: Vec<_> = (1..=N_TASKS)
        .map(|seed| {
            let hall = Arc::clone(&hall);
            tokio::spawn(async move {
                let mut dice = Dice(seed);
                for _ in 0..N_REQUESTS / N_TASKS as usize + 1 {
                    hall.step(&mut dice).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let (served, edits, evictions) = (count(&hall.n_served), count(&hall.n_edits), count(&hall.n_evictions));
    assert!(served > N_REQUESTS * 8 / 10, "{served} of {N_REQUESTS} were served");
    assert!(edits > 500 && evictions > 500, "{edits} edits, {evictions} evictions");
    let minted = hall.engine.stats().assume_role_calls;
    assert!(minted.iter().any(|(name, n)| *name == "ok" && *n > 1000), "{minted:?}");
}
