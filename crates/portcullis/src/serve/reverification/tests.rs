//! Rounds of verification on a real catalog, with a platform that does what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use portcullis_catalog::{Bootstrap, Catalog, DatabaseUrl, Integration, KeyRing, NewAuth, NewIntegration};
use portcullis_credentials::verification::{
    ListedModels, PlatformCredentials, ProbeAnswer, ProbeFailure, ProbesPlatform,
};
use portcullis_credentials::{BoxFuture, CredentialEngine, EngineSettings};
use portcullis_provider::error::UpstreamCause;
use portcullis_types::{
    ApiKeyHeader, ClaudePlatformAws, FeatureSet, ManualClock, SharedClock, VerificationStatus,
};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A platform that works or has no federation, and counts how many ask at once.
#[derive(Debug, Default)]
struct Platform {
    is_broken: AtomicBool,
    is_silent: AtomicBool,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Platform {
    fn answer(&self) -> BoxFuture<'_, Result<ProbeAnswer, ProbeFailure>> {
        Box::pin(async {
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            if !self.is_broken.load(Ordering::SeqCst) {
                return Ok(ProbeAnswer { status: 200, evidence: "seen".into(), ..ProbeAnswer::default() });
            }
            let cause = UpstreamCause::FederationDisabled;
            Err(ProbeFailure {
                explained: Box::new(cause.explain()),
                cause: Some(cause),
                status: Some(403),
                evidence: "off".into(),
                request_id: None,
                aws_request_id: None,
            })
        })
    }
}

impl ProbesPlatform for Platform {
    fn resolve<'a>(&'a self, _: &'a ClaudePlatformAws) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        Box::pin(async {
            if self.is_silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Ok(ProbeAnswer::default())
        })
    }

    fn get_workspace<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer()
    }

    fn list_models<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ListedModels, ProbeFailure>> {
        Box::pin(async { Ok(ListedModels { answer: self.answer().await?, ids: vec!["claude-x".into()] }) })
    }

    fn count_tokens<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        self.answer()
    }

    fn infer<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        panic!("it costs, and nobody asked for it")
    }
}

struct Scene {
    catalog: Catalog,
    made: Bootstrap,
    clock: Arc<ManualClock>,
    platform: Arc<Platform>,
    rounds: Reverification,
    n_worsened: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)));
        let shared: SharedClock = Arc::clone(&clock) as _;
        let url = DatabaseUrl::sqlite(&folder.path().join("catalog.db"));
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), Arc::clone(&shared)).await.unwrap();
        let made = catalog.bootstrap(None).await.unwrap();
        let engine = CredentialEngine::from_environment(EngineSettings::new(Arc::clone(&shared))).await;
        let platform = Arc::new(Platform::default());
        let verifier = Verifier::new(engine, Arc::clone(&platform) as _, Arc::clone(&shared));
        let n_worsened = Arc::new(AtomicU64::new(0));
        let recording = Recording {
            catalog: catalog.clone(),
            clock: shared,
            interval: DAY,
            n_worsened: Arc::clone(&n_worsened),
        };
        let rounds = Reverification::new(verifier, recording);
        Self { catalog, made, clock, platform, rounds, n_worsened, _folder: folder }
    }

    async fn integrate(&self, slug: &str) -> Integration {
        let new = NewIntegration {
            organisation_id: self.made.organisation.id,
            workspace_id: Some(self.made.workspace.id),
            slug: Some(slug.parse().unwrap()),
            name: slug.to_owned(),
            description: None,
            region: "us-west-2".parse().unwrap(),
            anthropic_workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
            auth: NewAuth::ApiKey { key: "AEAAkey".into(), header: ApiKeyHeader::Authorization },
            features: FeatureSet::default(),
            shared_role_proof: None,
            create_default_provider: true,
            default_provider_slug: None,
        };
        self.catalog.create_integration(new).await.unwrap()
    }

    async fn status(&self, slug: &str) -> VerificationStatus {
        let last = self.catalog.last_verification(self.made.organisation.id, slug).await.unwrap();
        last.map_or(VerificationStatus::Unverified, |last| last.status)
    }

    fn worsened(&self) -> u64 {
        self.n_worsened.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn an_integration_is_verified_every_day_and_what_turns_worse_is_counted_once() {
    let scene = Scene::new().await;
    scene.integrate("claude").await;
    assert_eq!(scene.rounds.verify_due().await, 0, "its role may still be in the making");
    scene.clock.advance(DAY + DAY / 24);
    assert_eq!(scene.rounds.verify_due().await, 1);
    assert_eq!(scene.status("claude").await, VerificationStatus::Verified);
    assert_eq!(scene.rounds.verify_due().await, 0, "it was just verified");

    scene.platform.is_broken.store(true, Ordering::SeqCst);
    for n_worsened in [1, 1] {
        scene.clock.advance(DAY + DAY / 9);
        assert_eq!(scene.rounds.verify_due().await, 1);
        assert_eq!(scene.status("claude").await, VerificationStatus::Failing);
        assert_eq!(scene.worsened(), n_worsened, "as bad as yesterday is no worse");
    }
    scene.platform.is_broken.store(false, Ordering::SeqCst);
    scene.clock.advance(DAY + DAY / 9);
    scene.rounds.verify_due().await;
    assert_eq!((scene.status("claude").await, scene.worsened()), (VerificationStatus::Verified, 1));
}

#[tokio::test]
async fn one_that_takes_too_long_is_given_up_and_tried_again_when_its_hour_is_over() {
    let mut scene = Scene::new().await;
    scene.integrate("claude").await;
    scene.clock.advance(DAY + DAY / 24);
    scene.platform.is_silent.store(true, Ordering::SeqCst);
    scene.rounds.limit = Duration::from_millis(20);
    assert_eq!(scene.rounds.verify_due().await, 1);
    assert_eq!(scene.status("claude").await, VerificationStatus::Unverified);
    scene.platform.is_silent.store(false, Ordering::SeqCst);
    scene.rounds.limit = LIMIT;
    assert_eq!(scene.rounds.verify_due().await, 0);
    scene.clock.advance(DAY / 24);
    assert_eq!(scene.rounds.verify_due().await, 1);
    assert_eq!(scene.status("claude").await, VerificationStatus::Verified);
}

#[tokio::test]
async fn many_are_taken_in_batches_two_at_once() {
    let scene = Scene::new().await;
    for n in 0..20 {
        scene.integrate(&format!("claude-{n}")).await;
    }
    scene.clock.advance(2 * DAY);
    assert_eq!(scene.rounds.verify_due().await, 16);
    assert_eq!(scene.rounds.verify_due().await, 4);
    assert_eq!(scene.rounds.verify_due().await, 0);
    assert_eq!(scene.platform.asked.load(Ordering::SeqCst), 20);
    assert_eq!(scene.platform.most_at_once.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn two_gateways_on_one_catalog_share_the_work() {
    let scene = Scene::new().await;
    for n in 0..6 {
        scene.integrate(&format!("claude-{n}")).await;
    }
    scene.clock.advance(2 * DAY);
    let other = Reverification::new(scene.rounds.verifier.clone(), scene.rounds.recording.clone());
    let (mine, others) = tokio::join!(scene.rounds.verify_due(), other.verify_due());
    assert_eq!(mine + others, 6);
    assert_eq!(scene.platform.asked.load(Ordering::SeqCst), 6, "none is verified twice");
}
