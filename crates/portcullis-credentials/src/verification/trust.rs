//! The steps that ask STS: who the gateway is, whether it gets into the role, and whether nobody else does.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_types::date_time::{DateTime, Format};
use portcullis_provider::error::{Denial, Explained, sts};
use portcullis_types::session::SessionDuration;
use portcullis_types::{AwsAuth, AwsCredentials, ExternalId, RequestId, RoleArn};
use tokio::time::Instant;

use super::findings;
use super::report::{Finding, Step};
use super::run::{Run, in_time};
use crate::error::CredentialsError;
use crate::health::Notice;
use crate::maker::shorter;
use crate::session::AssumeRole;
use crate::source::Source;
use crate::sts::{AssumedRole, CallerIdentity};

/// More than the standard chain gives itself.
const SOURCE_LIMIT: Duration = Duration::from_secs(25);
/// More than the calls give themselves.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Between two tries to assume a role that may be too new.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A session of 15 minutes has a little less when its answer is here.
const LEAST_LIFE: Duration = Duration::from_secs(15 * 60 - 30);
/// A refusal proves something only beside a success.
const NO_SESSION: &str =
    "the role could not be assumed with its own external ID, so a refusal would prove nothing";

/// A session that was made for this verification, and how.
pub(super) struct Assumed {
    pub(super) session: AwsCredentials,
    /// Who made the last call.
    caller: AwsCredentials,
    /// That call, as it was granted.
    call: AssumeRole,
    /// How long the plan's session was to be.
    planned: SessionDuration,
    /// What was seen.
    evidence: String,
    /// When the answer came.
    at: SystemTime,
}

/// Why there is no session: which role, if it is one on the way, and what STS said.
struct NotAssumed {
    place: Option<String>,
    error: CredentialsError,
}

impl From<CredentialsError> for NotAssumed {
    fn from(error: CredentialsError) -> Self {
        Self { place: None, error }
    }
}

impl Run<'_> {
    /// The steps up to the proof that the external ID is enforced.
    pub(super) async fn trust(&mut self) -> Option<Assumed> {
        let source = self.source().await;
        let known = self.sts_knows(source.as_deref().map(|source| &*source.credentials)).await;
        let assumed = self.assume_role(source.filter(|_| known)).await;
        let wrong = format!("portcullis-probe-{}", RequestId::generate(self.verifier.clock.now()));
        let wrong: ExternalId = wrong.parse().expect("letters, digits and dashes");
        self.refused(Step::RefusedWithoutExternalId, assumed.as_ref(), None).await;
        self.refused(Step::RefusedWithWrongExternalId, assumed.as_ref(), Some(wrong)).await;
        assumed
    }

    /// Whether the gateway is anybody.
    pub(super) async fn source(&mut self) -> Option<Arc<Source>> {
        let started = Instant::now();
        let source = in_time(SOURCE_LIMIT, self.verifier.engine.source()).await;
        let finding = match &source {
            Ok(source) => Finding::passed(source_evidence(source)),
            Err(error) => refusal(error),
        };
        self.progress.report(Step::SourceIdentity, started, finding).await;
        source.ok()
    }

    /// Whether STS answers and knows whose these are.
    pub(super) async fn sts_knows(&mut self, credentials: Option<&AwsCredentials>) -> bool {
        let started = Instant::now();
        let region = &self.subject.platform.region;
        let finding = match credentials {
            None => Finding::skipped("there are no credentials to ask with"),
            Some(credentials) => match self.whose(credentials).await {
                Ok(caller) => Finding::passed(format!("STS in {region} knows `{}`", caller.arn)),
                Err(error) => refusal(&error),
            },
        };
        let known = finding.is_passed();
        self.progress.report(Step::StsReachable, started, finding).await;
        known
    }

    /// Whether the role can be assumed as the engine would.
    async fn assume_role(&mut self, source: Option<Arc<Source>>) -> Option<Assumed> {
        let started = Instant::now();
        let Some(source) = source else {
            let why = "there are no credentials to assume the role with";
            self.progress.report(Step::AssumeRole, started, Finding::skipped(why)).await;
            return None;
        };
        let assumed = self.walk(&source, started + self.options.patience).await;
        let (assumed, finding) = match assumed {
            Ok(assumed) => match self.wrong_account(&assumed).await {
                None => {
                    let finding = Finding::passed(&assumed.evidence);
                    (Some(assumed), finding)
                }
                Some(finding) => (None, finding),
            },
            Err(NotAssumed { place: None, error }) => (None, refusal(&error)),
            Err(NotAssumed { place: Some(place), error }) => (None, refusal(&error).at(&place)),
        };
        self.progress.report(Step::AssumeRole, started, finding).await;
        assumed
    }

    /// From one role to the next, each with the session of the one before.
    async fn walk(&self, source: &Source, until: Instant) -> Result<Assumed, NotAssumed> {
        let shape = self.verifier.engine.plan(&self.subject.credential_request())?;
        let mut hops = shape.expect("a role is to be assumed").hops;
        let mut call = hops.pop().expect("the integration's own role is always among them");
        let (planned, n_on_the_way) = (call.duration, hops.len());
        let mut caller = AwsCredentials::clone(&source.credentials);
        for (n, hop) in hops.iter().enumerate() {
            let place = || Some(format!("role {} of the chain, `{}`", n + 1, hop.role_arn));
            let session = self.patiently(&caller, hop, until).await;
            caller = session.map_err(|error| NotAssumed { place: place(), error })?.credentials;
        }
        let assumed = loop {
            match self.patiently(&caller, &call, until).await {
                Err(CredentialsError::DurationTooLong(why)) => {
                    let shorter = shorter(call.duration, &why);
                    call.duration = shorter.ok_or(CredentialsError::DurationTooLong(why))?;
                }
                answer => break answer?,
            }
        };
        let evidence = session_evidence(&assumed, &call.role_arn, n_on_the_way);
        let (session, at) = (assumed.credentials, self.verifier.clock.now());
        Ok(Assumed { session, caller, call, planned, evidence, at })
    }

    /// One call; again while AWS may not know yet that the role is there.
    async fn patiently(
        &self,
        caller: &AwsCredentials,
        call: &AssumeRole,
        until: Instant,
    ) -> Result<AssumedRole, CredentialsError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.assume(caller, call).await;
            let is_denied = matches!(answer, Err(CredentialsError::AccessDenied(_)));
            if !is_denied || Instant::now() + pause > until {
                return answer;
            }
            let reason = "STS refused; a role that was just made or changed takes up to a minute to work";
            self.progress.wait(Step::AssumeRole, pause, reason).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn assume(
        &self,
        caller: &AwsCredentials,
        call: &AssumeRole,
    ) -> Result<AssumedRole, CredentialsError> {
        let engine = &self.verifier.engine;
        engine.take_sts_turn(self.haste).await;
        in_time(CALL_LIMIT, engine.sts().assume_role(caller, call)).await
    }

    async fn whose(&self, credentials: &AwsCredentials) -> Result<CallerIdentity, CredentialsError> {
        let (engine, region) = (&self.verifier.engine, &self.subject.platform.region);
        engine.take_sts_turn(self.haste).await;
        in_time(CALL_LIMIT, engine.sts().caller_identity(credentials, Some(region))).await
    }

    /// What is wrong if the session is not of the account of the role's ARN.
    async fn wrong_account(&self, assumed: &Assumed) -> Option<Finding> {
        let caller = match self.whose(&assumed.session).await {
            Ok(caller) => caller,
            Err(error) => return Some(refusal(&error)),
        };
        let role = &assumed.call.role_arn;
        (caller.account != role.account_id().as_str()).then(|| {
            let evidence = format!("the session of `{role}` is `{}`", caller.arn);
            Finding::failed_as(&findings::WRONG_ACCOUNT, evidence)
        })
    }

    /// Whether the role is refused with `external_id` in the place of its own.
    async fn refused(&mut self, step: Step, assumed: Option<&Assumed>, external_id: Option<ExternalId>) {
        let started = Instant::now();
        let finding = match assumed {
            None => Finding::skipped(NO_SESSION),
            Some(assumed) => self.probe_trust(assumed, external_id).await,
        };
        self.progress.report(step, started, finding).await;
    }

    async fn probe_trust(&self, assumed: &Assumed, external_id: Option<ExternalId>) -> Finding {
        let how = if external_id.is_some() { "with a wrong external ID" } else { "without an external ID" };
        let mut denied = None;
        for call in probes(&assumed.call, external_id.as_ref()) {
            match self.assume(&assumed.caller, &call).await {
                Ok(_) => return not_enforced(&assumed.call, how),
                Err(error @ CredentialsError::AccessDenied(_)) => denied = Some(error),
                Err(error) => return not_proven(&error, how),
            }
        }
        let denied = denied.expect("there is at least one probe, and every other answer has returned");
        Finding::passed(format!("STS refused {how}: {}", denied.explanation()))
            .with_ids(None, denied.explanation().request_id.as_deref())
    }

    /// Whether the session is as long as the settings say.
    pub(super) async fn session_length(&mut self, assumed: Option<&Assumed>) {
        let started = Instant::now();
        let finding = match assumed {
            None => Finding::skipped("there is no session"),
            Some(assumed) => self.length_finding(assumed),
        };
        self.progress.report(Step::SessionLength, started, finding).await;
    }

    fn length_finding(&self, Assumed { session, call, planned, at, .. }: &Assumed) -> Finding {
        let asked = match &self.subject.platform.auth {
            AwsAuth::AssumedRole { settings, .. } => settings.duration_seconds,
            AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => None,
        };
        let asked = asked.unwrap_or(SessionDuration::HOUR);
        let life = session.expires_at.and_then(|end| end.duration_since(*at).ok()).unwrap_or_default();
        let evidence =
            format!("a new session lives {} s; {} s were asked for", life.as_secs(), asked.seconds());
        let granted = call.duration;
        if life < LEAST_LIFE {
            Finding::failed_as(&findings::TOO_SHORT, evidence)
        } else if granted < *planned {
            limited(&evidence, Notice::Shortened { asked, granted })
        } else if *planned < asked {
            limited(&evidence, Notice::ChainedToOneHour { asked })
        } else {
            Finding::passed(evidence)
        }
    }
}

/// The calls that must be refused: the one that was granted, with another external ID; and if that says more than who
/// asks, one that does not, because a trust policy may refuse tags alone.
fn probes(granted: &AssumeRole, external_id: Option<&ExternalId>) -> Vec<AssumeRole> {
    let same = AssumeRole {
        external_id: external_id.cloned(),
        duration: SessionDuration::SHORTEST,
        ..granted.clone()
    };
    let bare = AssumeRole {
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        ..same.clone()
    };
    let says_more = !granted.tags.is_empty() || granted.source_identity.is_some();
    if says_more { vec![same, bare] } else { vec![bare] }
}

fn not_enforced(granted: &AssumeRole, how: &str) -> Finding {
    let AssumeRole { role_arn, external_id, .. } = granted;
    let external_id = external_id.as_ref().map(ExternalId::as_str).unwrap_or_default();
    let condition = serde_json::json!({"StringEquals": {"sts:ExternalId": external_id}});
    Finding::failed_as(&findings::NOT_ENFORCED, format!("STS let the gateway into `{role_arn}` {how}")).with_fix(
        format!(
            "Add this to every statement of the trust policy of `{role_arn}` that lets the gateway in: \"Condition\": {condition}"
        ),
    )
}

fn not_proven(error: &CredentialsError, how: &str) -> Finding {
    let explained = error.explain();
    let cause = format!("{} ({}: {})", findings::NOT_PROVEN.meaning, explained.code, explained.meaning);
    Finding::failed_as(&findings::NOT_PROVEN, format!("asked {how}, STS answered: {error}"))
        .with_cause(cause)
        .with_fix(explained.fix.unwrap_or_else(|| findings::NOT_PROVEN.fix.to_owned()))
        .with_ids(None, error.explanation().request_id.as_deref())
}

fn limited(evidence: &str, notice: Notice) -> Finding {
    let explained = Explained::new(&sts::DURATION_REFUSED, &Denial::default());
    Finding::warning(evidence, explained).with_code(notice.code()).with_cause(notice.to_string())
}

/// What STS, or the standard chain, said.
fn refusal(error: &CredentialsError) -> Finding {
    let request_id = error.explanation().request_id.as_deref();
    Finding::failed(error.to_string(), error.explain()).with_ids(None, request_id)
}

fn source_evidence(source: &Source) -> String {
    let end = source.credentials.expires_at.map(|end| format!(", until {}", timestamp(end)));
    format!("credentials from `{}`{}", source.fingerprint.kind, end.unwrap_or_default())
}

fn session_evidence(assumed: &AssumedRole, role: &RoleArn, n_on_the_way: usize) -> String {
    let mut evidence = format!("assumed `{}`", assumed.arn.as_deref().unwrap_or(role.as_str()));
    if n_on_the_way > 0 {
        evidence.push_str(&format!(" through {n_on_the_way} other role(s)"));
    }
    if let Some(end) = assumed.credentials.expires_at {
        evidence.push_str(&format!(", until {}", timestamp(end)));
    }
    if let Some(percent) = assumed.packed_policy_percent {
        evidence.push_str(&format!("; policy and tags take {percent} % of AWS's limit"));
    }
    evidence
}

fn timestamp(time: SystemTime) -> String {
    DateTime::from_secs(DateTime::from(time).secs()).fmt(Format::DateTime).unwrap_or_else(|_| "?".to_owned())
}
