//! What a verification says: its steps, and what they come to. The serialised form is that of the admin API.

use std::time::Duration;

use portcullis_provider::error::{Class, Denial, Explained};
use portcullis_types::VerificationStatus;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The gateway has an AWS identity of its own.
    SourceIdentity,
    /// STS answers, and knows who calls.
    StsReachable,
    /// The role can be assumed, and is of the account that its ARN names.
    AssumeRole,
    /// The role cannot be assumed without the external ID.
    RefusedWithoutExternalId,
    /// Nor with another one.
    RefusedWithWrongExternalId,
    /// Sessions last long enough.
    SessionLength,
    /// The platform's endpoint of the region has an address and answers there.
    EndpointResolves,
    /// The account lets AWS mint the tokens that Anthropic asks for.
    FederationEnabled,
    /// The Anthropic workspace exists in the region, for this account.
    WorkspaceExists,
    /// Models are listed.
    ListModels,
    /// Tokens are counted.
    CountTokens,
    /// A request of one token is answered.
    Inference,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 12] = [
        Self::SourceIdentity,
        Self::StsReachable,
        Self::AssumeRole,
        Self::RefusedWithoutExternalId,
        Self::RefusedWithWrongExternalId,
        Self::SessionLength,
        Self::EndpointResolves,
        Self::FederationEnabled,
        Self::WorkspaceExists,
        Self::ListModels,
        Self::CountTokens,
        Self::Inference,
    ];

    /// The name in the admin API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourceIdentity => "source_identity",
            Self::StsReachable => "sts_reachable",
            Self::AssumeRole => "assume_role",
            Self::RefusedWithoutExternalId => "refused_without_external_id",
            Self::RefusedWithWrongExternalId => "refused_with_wrong_external_id",
            Self::SessionLength => "session_length",
            Self::EndpointResolves => "endpoint_resolves",
            Self::FederationEnabled => "federation_enabled",
            Self::WorkspaceExists => "workspace_exists",
            Self::ListModels => "list_models",
            Self::CountTokens => "count_tokens",
            Self::Inference => "inference",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// As it should be.
    Passed,
    /// Not as it should be: the integration does not work, or is not safe.
    Failed,
    /// It works, but somebody should look.
    Warning,
    /// Not tried: it does not apply, or what it needs is not there.
    Skipped,
}

/// One step, done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// What it came to.
    pub status: StepStatus,
    /// What was seen; for a skipped step, why. Never a secret.
    pub evidence: String,
    /// The stable name of what is wrong.
    pub code: Option<&'static str>,
    /// What that means.
    pub cause: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// The id under which Anthropic knows the call.
    pub request_id: Option<String>,
    /// The id under which AWS knows the call.
    pub aws_request_id: Option<String>,
    /// How long the step took.
    pub duration_ms: u64,
}

/// What a verification tells of whether a role insists on its external ID.
///
/// What was once seen [`Open`](Self::Open) stays so until it is [`Enforced`](Self::Enforced): a verification that got no
/// answer has not closed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalIdProof {
    /// The role was assumed with its external ID, and refused without one and with wrong ones.
    Enforced,
    /// The role was assumed without its external ID, or with a wrong one.
    Open,
    /// Not tried, or not tried to its end.
    NotTold,
}

/// What all steps come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// [`VerificationStatus::Unsafe`] wins over all; verified is what has no failed step.
    pub status: VerificationStatus,
    /// What was seen of the external ID.
    pub external_id: ExternalIdProof,
    /// Whether to look again in some minutes: what was proven was proven of a role that AWS may not know everywhere yet.
    pub verify_again_soon: bool,
    /// Every step, in order.
    pub steps: Vec<StepReport>,
}

impl Verdict {
    /// The first step that failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.status == StepStatus::Failed)
    }

    /// Whether the role was seen to be assumed without its external ID.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        self.external_id == ExternalIdProof::Open
    }

    /// Whether the external ID was proven to be enforced.
    #[must_use]
    pub fn is_external_id_enforced(&self) -> bool {
        self.external_id == ExternalIdProof::Enforced
    }

    /// Judges by the steps.
    pub(super) fn of(steps: Vec<StepReport>) -> Self {
        let external_id = ExternalIdProof::of(&steps);
        let status = if external_id == ExternalIdProof::Open {
            VerificationStatus::Unsafe
        } else if steps.iter().any(|report| report.status == StepStatus::Failed) {
            VerificationStatus::Failing
        } else {
            VerificationStatus::Verified
        };
        Self { status, external_id, verify_again_soon: false, steps }
    }
}

impl ExternalIdProof {
    const STEPS: [Step; 3] =
        [Step::AssumeRole, Step::RefusedWithoutExternalId, Step::RefusedWithWrongExternalId];

    /// What is known where only this is kept.
    #[must_use]
    pub const fn recorded(is_enforced: bool) -> Self {
        if is_enforced { Self::Enforced } else { Self::NotTold }
    }

    fn of(steps: &[StepReport]) -> Self {
        let is_passed = |step: Step| {
            steps.iter().any(|report| report.step == step && report.status == StepStatus::Passed)
        };
        if steps.iter().any(|report| report.code == Some(super::findings::NOT_ENFORCED.code)) {
            Self::Open
        } else if Self::STEPS.into_iter().all(is_passed) {
            Self::Enforced
        } else {
            Self::NotTold
        }
    }
}

impl Serialize for Verdict {
    /// With the two questions that are asked most answered by themselves.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("unsafe", &self.is_unsafe())?;
        map.serialize_entry("external_id_enforced", &self.is_external_id_enforced())?;
        map.serialize_entry("external_id", &self.external_id)?;
        map.serialize_entry("verify_again_soon", &self.verify_again_soon)?;
        map.serialize_entry("steps", &self.steps)?;
        map.end()
    }
}

/// What a verification tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerificationEvent {
    /// A step waits before it tries again.
    Waiting {
        /// Which.
        step: Step,
        /// How long.
        wait: Duration,
        /// What for.
        reason: String,
    },
    /// A step is done.
    Step(StepReport),
    /// All are. Nothing follows.
    Done(Verdict),
}

impl VerificationEvent {
    /// The event's name in the stream of the admin API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Step(_) => "step",
            Self::Done(_) => "done",
        }
    }
}

impl Serialize for VerificationEvent {
    /// The event's data, without its name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Waiting { step, wait, reason } => {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("step", step)?;
                map.serialize_entry("wait_ms", &wait.as_millis())?;
                map.serialize_entry("reason", reason)?;
                map.end()
            }
            Self::Step(report) => report.serialize(serializer),
            Self::Done(verdict) => verdict.serialize(serializer),
        }
    }
}

/// A step's report before it is known which step it is and how long it took.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) status: StepStatus,
    pub(super) evidence: String,
    code: Option<&'static str>,
    cause: Option<String>,
    fix: Option<String>,
    request_id: Option<String>,
    aws_request_id: Option<String>,
}

impl Finding {
    fn bare(status: StepStatus, evidence: impl Into<String>) -> Self {
        let evidence = evidence.into();
        Self { status, evidence, code: None, cause: None, fix: None, request_id: None, aws_request_id: None }
    }

    pub(super) fn passed(evidence: impl Into<String>) -> Self {
        Self::bare(StepStatus::Passed, evidence)
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::bare(StepStatus::Skipped, why)
    }

    pub(super) fn failed(evidence: impl Into<String>, explained: Explained) -> Self {
        Self::bare(StepStatus::Failed, evidence).explained(explained)
    }

    pub(super) fn warning(evidence: impl Into<String>, explained: Explained) -> Self {
        Self::bare(StepStatus::Warning, evidence).explained(explained)
    }

    pub(super) fn failed_as(class: &'static Class, evidence: impl Into<String>) -> Self {
        Self::failed(evidence, Explained::new(class, &Denial::default()))
    }

    fn explained(mut self, explained: Explained) -> Self {
        self.code = Some(explained.code);
        self.cause = Some(explained.meaning.to_owned());
        self.fix = explained.fix;
        self
    }

    /// The same, seen at this place.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.evidence = format!("{place}: {}", self.evidence);
        self
    }

    pub(super) fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    pub(super) fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn with_ids(mut self, request_id: Option<&str>, aws_request_id: Option<&str>) -> Self {
        self.request_id = request_id.map(str::to_owned);
        self.aws_request_id = aws_request_id.map(str::to_owned);
        self
    }

    pub(super) fn is_passed(&self) -> bool {
        self.status == StepStatus::Passed
    }

    pub(super) fn into_report(self, step: Step, took: Duration) -> StepReport {
        let Self { status, evidence, code, cause, fix, request_id, aws_request_id } = self;
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        StepReport { step, status, evidence, code, cause, fix, request_id, aws_request_id, duration_ms }
    }
}
