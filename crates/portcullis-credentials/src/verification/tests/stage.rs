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
use crate::sts::{AssumedRole, AssumesRoles, CallerIdentity, Station};
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
    /// For an external ID that differs from the right one in its last character.
    pub(super) near_id: Result<(), CredentialsError>,
    /// For calls with tags, beyond what the external ID decides.
    pub(super) tagged: Result<(), CredentialsError>,
    /// Calls without the right external ID are denied before, as by an STS that has not heard of the role.
    pub(super) open_after: Duration,
    /// So many calls with the right external ID are denied after the first one.
    pub(super) flaps: usize,
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
            near_id: Err(denied()),
            tagged: Ok(()),
            open_after: Duration::ZERO,
            flaps: 0,
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
    denied_because("sts:AssumeRole", "")
}

/// A refusal in AWS's words.
pub(super) fn denied_because(action: &str, because: &str) -> CredentialsError {
    let said = format!(
        "User: arn:aws:iam::111122223333:user/gateway is not authorized to perform: {action} on resource: \
         arn:aws:iam::123456789012:role/claude{because}"
    );
    CredentialsError::AccessDenied(Explanation::new(&said).with_aws(Some("AccessDenied"), Some("r-1")))
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
    subject_with(&serde_json::json!({}))
}

pub(super) fn subject_with(settings: &serde_json::Value) -> VerificationSubject {
    let settings: RoleSettings = serde_json::from_value(settings.clone()).unwrap();
    let auth = AwsAuth::AssumedRole {
        role_arn: "arn:aws:iam::123456789012:role/claude".parse().unwrap(),
        external_id: EXTERNAL_ID.parse().unwrap(),
        settings: Arc::new(settings),
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
            pins: Mutex::default(),
            flaps: AtomicUsize::new(answers.flaps),
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
    /// For each call whether one STS was to answer it.
    pins: Mutex<Vec<bool>>,
    flaps: AtomicUsize,
}

impl FakeSts {
    pub(super) fn calls(&self) -> Vec<AssumeRole> {
        self.calls.lock().unwrap().clone()
    }

    pub(super) fn pins(&self) -> Vec<bool> {
        self.pins.lock().unwrap().clone()
    }

    fn judge(&self, call: &AssumeRole) -> Result<(), CredentialsError> {
        let answers = &self.answers;
        let is_known = self.started.elapsed() >= answers.known_after;
        let id = call.external_id.as_ref().map(|id| id.as_str());
        let is_right = id == Some(EXTERNAL_ID);
        if !is_known || !is_right && self.started.elapsed() < answers.open_after {
            return Err(denied());
        }
        let one_less = |left: usize| left.checked_sub(1);
        let is_first = self.calls.lock().unwrap().len() == 1;
        if is_right
            && !is_first
            && self.flaps.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
        {
            return Err(denied());
        }
        match id {
            None => answers.no_id.clone()?,
            Some(EXTERNAL_ID) => answers.right_id.clone()?,
            Some(near) if near.starts_with(&EXTERNAL_ID[..EXTERNAL_ID.len() - 1]) => {
                answers.near_id.clone()?
            }
            Some(_) => answers.wrong_id.clone()?,
        }
        if call.tags.is_empty() { Ok(()) } else { answers.tagged.clone() }
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

    fn assume_role_at<'a>(
        &'a self,
        caller: &'a AwsCredentials,
        call: &'a AssumeRole,
        only: Option<&'a Station>,
    ) -> BoxFuture<'a, Result<(AssumedRole, Station), CredentialsError>> {
        let fallback: Region = "us-east-1".parse().unwrap();
        let fallback = Station::of_region(Some(&fallback));
        assert!(only.is_none_or(|station| *station == fallback), "{only:?}");
        self.pins.lock().unwrap().push(only.is_some());
        Box::pin(async { Ok((self.assume_role(caller, call).await?, fallback)) })
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
