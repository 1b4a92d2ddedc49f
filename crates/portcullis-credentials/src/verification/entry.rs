//! Into the role, as the engine goes: through the roles on the way, for the workspace and for a caller.

use std::time::{Duration, SystemTime};

use portcullis_types::session::SessionDuration;
use portcullis_types::{AwsCredentials, RoleArn};
use tokio::time::Instant;

use super::caller::SampleCaller;
use super::findings;
use super::report::{Finding, Step};
use super::run::{Run, in_time};
use super::trust::{refusal, timestamp};
use crate::error::CredentialsError;
use crate::maker::shorter;
use crate::session::{AssumeRole, SessionShape};
use crate::source::Source;
use crate::sts::{AssumedRole, CallerIdentity, Station};

/// More than the calls give themselves.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Between two tries to assume a role that may be too new.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A call that got into the role.
pub(super) struct Granted {
    /// Who made it.
    pub(super) caller: AwsCredentials,
    /// The call, as it was granted.
    pub(super) call: AssumeRole,
    /// Which STS granted it.
    pub(super) station: Station,
}

/// Sessions that were made for this verification, and how.
pub(super) struct Assumed {
    pub(super) session: AwsCredentials,
    /// The call for this session.
    pub(super) granted: Granted,
    /// The call for the workspace's common session, where that is another one.
    pub(super) common: Option<Granted>,
    /// How long the plan's session was to be.
    pub(super) planned: SessionDuration,
    /// What was seen.
    pub(super) evidence: String,
    /// When the answer came.
    pub(super) at: SystemTime,
}

/// Why there is no session: which role, if it is one on the way, and what STS said.
pub(super) struct NotAssumed {
    place: Option<String>,
    error: CredentialsError,
}

impl From<CredentialsError> for NotAssumed {
    fn from(error: CredentialsError) -> Self {
        Self { place: None, error }
    }
}

impl NotAssumed {
    /// The same, seen at a place that lies further out.
    fn at(self, outer: String) -> Self {
        let place = self.place.map_or_else(|| outer.clone(), |inner| format!("{outer}, {inner}"));
        Self { place: Some(place), ..self }
    }

    pub(super) fn finding(&self) -> Finding {
        let finding = refusal(&self.error);
        self.place.iter().fold(finding, |finding, place| finding.at(place))
    }
}

impl Run<'_> {
    /// For the workspace, and then for a caller if that takes other calls. Requests of callers need both: past the cap on
    /// sessions the common one serves them.
    pub(super) async fn enter(&mut self, source: &Source, until: Instant) -> Result<Assumed, NotAssumed> {
        let subject = self.subject;
        let sample = SampleCaller::of(&subject.platform);
        let engine = &self.verifier.engine;
        let common = engine.plan(&subject.credential_request())?.expect("a role is to be assumed");
        let own = engine.plan(&sample.request(subject))?.expect("a role is to be assumed");
        let is_same = common == own;
        let common = self.walk(source, common, until).await?;
        if is_same {
            return Ok(common);
        }
        let own = self.walk(source, own, until).await.map_err(|error| error.at(sample.to_string()))?;
        let evidence = format!("{}; {sample} {}", common.evidence, own.evidence);
        Ok(Assumed { common: Some(common.granted), evidence, ..own })
    }

    /// From one role to the next, each with the session of the one before.
    async fn walk(
        &mut self,
        source: &Source,
        shape: SessionShape,
        until: Instant,
    ) -> Result<Assumed, NotAssumed> {
        let mut hops = shape.hops;
        let mut call = hops.pop().expect("the integration's own role is always among them");
        let (planned, n_on_the_way) = (call.duration, hops.len());
        let mut caller = AwsCredentials::clone(&source.credentials);
        for (n, hop) in hops.iter().enumerate() {
            let place = || format!("role {} of the chain, `{}`", n + 1, hop.role_arn);
            let session = self.patiently(&caller, hop, until).await;
            caller = session.map_err(|error| NotAssumed::from(error).at(place()))?.0.credentials;
        }
        let (assumed, station) = loop {
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
        let granted = Granted { caller, call, station };
        Ok(Assumed { session, granted, common: None, planned, evidence, at })
    }

    /// One call; again while AWS may not know yet that the role is there.
    async fn patiently(
        &mut self,
        caller: &AwsCredentials,
        call: &AssumeRole,
        until: Instant,
    ) -> Result<(AssumedRole, Station), CredentialsError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.assume(caller, call, None).await;
            let is_denied = matches!(answer, Err(CredentialsError::AccessDenied(_)));
            if !is_denied || Instant::now() + pause > until {
                return answer;
            }
            self.is_fresh = true;
            let reason = "STS refused; a role that was just made or changed takes up to a minute to work";
            self.progress.wait(Step::AssumeRole, pause, reason).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One call, of this STS alone or of whichever answers.
    pub(super) async fn assume(
        &self,
        caller: &AwsCredentials,
        call: &AssumeRole,
        only: Option<&Station>,
    ) -> Result<(AssumedRole, Station), CredentialsError> {
        let engine = &self.verifier.engine;
        engine.take_sts_turn(self.purpose).await;
        in_time(CALL_LIMIT, engine.sts().assume_role_at(caller, call, only)).await
    }

    pub(super) async fn whose(
        &self,
        credentials: &AwsCredentials,
    ) -> Result<(CallerIdentity, Station), CredentialsError> {
        let (engine, region) = (&self.verifier.engine, &self.subject.platform.region);
        engine.take_sts_turn(self.purpose).await;
        in_time(CALL_LIMIT, engine.sts().caller_identity_at(credentials, Some(region))).await
    }

    /// What is wrong if the session is not of the account of the role's ARN.
    pub(super) async fn wrong_account(&self, assumed: &Assumed) -> Option<Finding> {
        let caller = match self.whose(&assumed.session).await {
            Ok((caller, _)) => caller,
            Err(error) => return Some(refusal(&error)),
        };
        let role = &assumed.granted.call.role_arn;
        (caller.account != role.account_id().as_str()).then(|| {
            let evidence = format!("the session of `{role}` is `{}`", caller.arn);
            Finding::failed_as(&findings::WRONG_ACCOUNT, evidence)
        })
    }
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
