//! The peers of a verification, with answers by script.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use portcullis_provider::error::UpstreamCause;
use portcullis_types::{
    AwsAuth, AwsCredentials, ClaudePlatformAws, Clock, FeatureSet, Region, RoleSettings, SharedClock,
};
use tokio::time::Instant;

use crate::BoxFuture;
use crate::engine::CredentialEngine;
use crate::error::{CredentialsError, Explanation};
use crate::session::AssumeRole;
use crate::source::{Source, SourceChain, SourceFingerprint, SourceKind};
use crate::sts::{AssumedRole, AssumesRoles, CallerIdentity};
use crate::verification::probe::{ListedModels, PlatformCredentials, ProbeAnswer, ProbeFailure};
use crate::verification::{ProbesPlatform, VerificationSubject, Verifier};

pub(super) const EXTERNAL_ID: &str = "pcs-acme";

/// What the peers answer. By default all is well.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) source: Option<CredentialsError>,
    pub(super) right_id: Result<(), CredentialsError>,
    pub(super) no_id: Result<(), CredentialsError>,
    pub(super) wrong_id: Result<(), CredentialsError>,
    /// The role is not known before.
    pub(super) known_after: Duration,
    pub(super) account: &'static str,
    pub(super) life: Duration,
    pub(super) workspace: Result<(), ProbeFailure>,
    pub(super) models: Result<(), ProbeFailure>,
    pub(super) counting: Result<(), ProbeFailure>,
    pub(super) inference: Result<(), ProbeFailure>,
    /// So many requests for the workspace are answered with an overload first.
    pub(super) overloads: usize,
    pub(super) sts_hangs: bool,
    pub(super) probe_hangs: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            source: None,
            right_id: Ok(()),
            no_id: Err(denied()),
            wrong_id: Err(denied()),
            known_after: Duration::ZERO,
            account: "123456789012",
            life: Duration::from_secs(3600),
            workspace: Ok(()),
            models: Ok(()),
            counting: Ok(()),
            inference: Ok(()),
            overloads: 0,
            sts_hangs: false,
            probe_hangs: false,
        }
    }
}

pub(super) fn denied() -> CredentialsError {
    CredentialsError::AccessDenied(
        Explanation::new("not authorized").with_aws(Some("AccessDenied"), Some("r-1")),
    )
}

pub(super) fn failure(cause: UpstreamCause) -> ProbeFailure {
    ProbeFailure {
        explained: Box::new(cause.explain()),
        cause: Some(cause),
        status: Some(403),
        evidence: "as scripted".into(),
        request_id: None,
        aws_request_id: None,
    }
}

pub(super) fn subject() -> VerificationSubject {
    let auth = AwsAuth::AssumedRole {
        role_arn: "arn:aws:iam::123456789012:role/claude".parse().unwrap(),
        external_id: EXTERNAL_ID.parse().unwrap(),
        settings: Arc::new(RoleSettings::default()),
    };
    VerificationSubject {
        platform: ClaudePlatformAws {
            region: "us-west-2".parse().unwrap(),
            workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
            auth,
            features: FeatureSet::default(),
        },
        organisation: "acme".into(),
        workspace: "default".into(),
        integration: "claude".into(),
    }
}

/// A verifier and its peers.
pub(super) struct Stage {
    pub(super) verifier: Verifier,
    pub(super) engine: CredentialEngine,
    pub(super) sts: Arc<FakeSts>,
    pub(super) probe: Arc<FakeProbe>,
}

impl Stage {
    pub(super) fn with(answers: Answers) -> Self {
        let clock: SharedClock = Arc::new(TokioClock(Instant::now()));
        let sts = Arc::new(FakeSts {
            answers: answers.clone(),
            clock: Arc::clone(&clock),
            started: Instant::now(),
            calls: Mutex::default(),
        });
        let source = Arc::new(FakeSource(answers.source.clone()));
        let engine = CredentialEngine::with_parts(Arc::clone(&clock), source, Arc::clone(&sts) as _);
        let probe = Arc::new(FakeProbe {
            overloads: AtomicUsize::new(answers.overloads),
            inferences: AtomicUsize::new(0),
            answers,
        });
        let verifier = Verifier::new(engine.clone(), Arc::clone(&probe) as _, clock);
        Self { verifier, engine, sts, probe }
    }
}

/// A wall clock that goes with Tokio's.
#[derive(Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800) + self.0.elapsed()
    }
}

#[derive(Debug)]
struct FakeSource(Option<CredentialsError>);

impl SourceChain for FakeSource {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let fingerprint =
            SourceFingerprint { kind: SourceKind::Environment, account: None, long_term_key: None };
        let credentials = Arc::new(credentials("AKIAGATEWAYEXAMPLE01", None));
        let source = Source { credentials, fingerprint: Arc::new(fingerprint) };
        Box::pin(std::future::ready(self.0.clone().map_or(Ok(source), Err)))
    }
}

fn credentials(id: &str, expires_at: Option<SystemTime>) -> AwsCredentials {
    AwsCredentials {
        access_key_id: id.parse().unwrap(),
        secret_access_key: "hunter2-secret".into(),
        session_token: Some("hunter2-token".into()),
        expires_at,
    }
}

#[derive(Debug)]
pub(super) struct FakeSts {
    answers: Answers,
    clock: SharedClock,
    started: Instant,
    calls: Mutex<Vec<AssumeRole>>,
}

impl FakeSts {
    pub(super) fn calls(&self) -> Vec<AssumeRole> {
        self.calls.lock().unwrap().clone()
    }

    fn judge(&self, call: &AssumeRole) -> Result<(), CredentialsError> {
        if self.started.elapsed() < self.answers.known_after {
            return Err(denied());
        }
        match call.external_id.as_ref().map(|id| id.as_str()) {
            None => self.answers.no_id.clone(),
            Some(EXTERNAL_ID) => self.answers.right_id.clone(),
            Some(_) => self.answers.wrong_id.clone(),
        }
    }
}

impl AssumesRoles for FakeSts {
    fn assume_role<'a>(
        &'a self,
        _: &'a AwsCredentials,
        call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        self.calls.lock().unwrap().push(call.clone());
        Box::pin(async {
            self.judge(call)?;
            let expires_at = Some(self.clock.now() + self.answers.life);
            let arn = Some("arn:aws:sts::123456789012:assumed-role/claude/pcs-default-claude".into());
            let credentials = credentials("ASIASESSIONEXAMPLE01", expires_at);
            Ok(AssumedRole { credentials, arn, packed_policy_percent: Some(12) })
        })
    }

    fn caller_identity<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        _: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        Box::pin(async {
            if self.answers.sts_hangs {
                std::future::pending::<()>().await;
            }
            let is_session = caller.expires_at.is_some();
            let account = if is_session { self.answers.account } else { "111122223333" };
            Ok(CallerIdentity { account: account.into(), arn: format!("arn:aws:sts::{account}:somebody") })
        })
    }
}

#[derive(Debug)]
pub(super) struct FakeProbe {
    answers: Answers,
    overloads: AtomicUsize,
    inferences: AtomicUsize,
}

impl FakeProbe {
    pub(super) fn n_inferences(&self) -> usize {
        self.inferences.load(Ordering::SeqCst)
    }

    fn answer<'a>(
        &'a self,
        outcome: &Result<(), ProbeFailure>,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        let outcome = outcome.clone();
        let hangs = self.answers.probe_hangs;
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            outcome.map(|()| ProbeAnswer { status: 200, evidence: "seen".into(), ..ProbeAnswer::default() })
        })
    }
}

impl ProbesPlatform for FakeProbe {
    fn resolve<'a>(&'a self, _: &'a ClaudePlatformAws) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        self.answer(&Ok(()))
    }

    fn get_workspace<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        let one_less = |left: usize| left.checked_sub(1);
        if self.overloads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return self.answer(&Err(failure(UpstreamCause::Overloaded)));
        }
        self.answer(&self.answers.workspace)
    }

    fn list_models<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ListedModels, ProbeFailure>> {
        let answer = self.answer(&self.answers.models);
        Box::pin(async move { Ok(ListedModels { answer: answer.await?, ids: vec!["claude-opus-5".into()] }) })
    }

    fn count_tokens<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
        model: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        let is_listed = self.answers.models.is_ok();
        assert_eq!(model, if is_listed { "claude-opus-5" } else { "claude-haiku-4-5" });
        self.answer(&self.answers.counting)
    }

    fn infer<'a>(
        &'a self,
        _: &'a ClaudePlatformAws,
        _: PlatformCredentials<'a>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        self.inferences.fetch_add(1, Ordering::SeqCst);
        self.answer(&self.answers.inference)
    }
}
