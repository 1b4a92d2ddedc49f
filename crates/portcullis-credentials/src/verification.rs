//! Whether an integration works, and whether it is safe: tried step by step, with what was seen and what to do.
//!
//! Start at [`Verifier`]. [`Step`] lists the steps; `trust` makes those that ask STS (`entry`: into the role; `doors`: nobody
//! else gets in), `platform` those that ask Claude Platform on AWS through [`ProbesPlatform`], and [`report`] is what comes
//! of them.
//!
//! # Invariants
//! - Nothing comes from the cache of sessions and nothing goes there: the calls are made that the engine would make.
//!   (test `every_verification_makes_its_own_session`)
//! - The calls are made for a caller, too, if callers have sessions of their own.
//!   (test `what_is_said_of_a_caller_is_tried_as_well`)
//! - Only `AccessDenied` by the role's own policy proves that the external ID is enforced, only from the STS that granted
//!   the role, and only between calls that it granted.
//!   (tests `only_access_denied_proves_that_the_external_id_is_enforced`, `a_refusal_by_another_policy_proves_nothing`,
//!   `the_sts_that_granted_the_role_is_the_one_that_must_refuse`, `refusals_count_only_between_sessions_that_are_granted`)
//! - What is proven for the first time, or of a role that had to be waited for, is proven several times.
//!   (test `what_was_proven_for_the_first_time_is_proven_thrice_and_soon_again`)
//! - Every step ends, whoever hangs. (test `a_peer_that_never_answers_fails_its_step_and_no_more`)
//! - Who goes away stops the run. (test `a_verification_that_nobody_listens_to_stops`)
//! - No secret is in a report. (test `no_secret_is_in_a_report`)
//!
//! Source of the probes: IAM User Guide, "Access to AWS accounts owned by third parties" (test with and without the ID).

#[cfg(test)]
mod tests;

pub mod findings;
pub mod report;

mod caller;
mod doors;
mod entry;
mod platform;
mod probe;
mod run;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use portcullis_types::{
    AwsAuth, ClaudePlatformAws, CorrectedClock, IntegrationId, Revision, SessionSubject, SharedClock,
};
use tokio::sync::mpsc;

use crate::backoff::jitter;
use crate::engine::{CredentialEngine, CredentialRequest};
use crate::slot::Purpose;
use run::{Progress, Run};

pub use probe::{ListedModels, PlatformCredentials, ProbeAnswer, ProbeFailure, ProbesPlatform};
pub use report::{ExternalIdProof, Step, StepReport, StepStatus, Verdict, VerificationEvent};

/// Events that may wait for their reader before the run waits, too.
const EVENTS_AHEAD: usize = 16;

/// What is to be verified: an integration as it is, or as it is about to be.
#[derive(Clone, Debug)]
pub struct VerificationSubject {
    /// Where it leads and as whom.
    pub platform: ClaudePlatformAws,
    /// The organisation's slug.
    pub organisation: String,
    /// The slug of the workspace that it serves; of one that serves a whole organisation, the organisation's.
    pub workspace: String,
    /// The integration's own slug.
    pub integration: String,
}

/// How a verification goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Whether a request of one token is made. It costs.
    pub inference: bool,
    /// How long a refusal to assume the role is not believed: AWS takes a while to know a new role everywhere.
    pub patience: Duration,
    /// What the last verification of the integration, as it is now, told of its external ID.
    pub before: ExternalIdProof,
}

impl VerifyOptions {
    /// How long a role that is perhaps new is waited for.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// For somebody who has perhaps just made or changed the role.
    #[must_use]
    pub const fn interactive(inference: bool) -> Self {
        Self { inference, patience: Self::PATIENCE, before: ExternalIdProof::NotTold }
    }
}

/// Why a role is not proven to insist on its external ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.step, .0.evidence)]
pub struct Unproven(
    /// The step that did not pass.
    pub Box<StepReport>,
);

/// Verifies integrations. A cheap handle.
#[derive(Clone, Debug)]
pub struct Verifier {
    engine: CredentialEngine,
    probe: Arc<dyn ProbesPlatform>,
    clock: SharedClock,
}

impl Verifier {
    /// A verifier that uses the identity and the STS of `engine`.
    #[must_use]
    pub fn new(engine: CredentialEngine, probe: Arc<dyn ProbesPlatform>, clock: SharedClock) -> Self {
        let clock = Arc::new(CorrectedClock { local: clock, skew: engine.skew() });
        Self { engine, probe, clock }
    }

    /// Verifies, in a task of its own. Each step is told as it finishes, and [`VerificationEvent::Done`] comes last; a
    /// stream that ends without it broke off. Dropping the receiver stops the run.
    ///
    /// Several verifications of one integration share nothing.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn verify(
        &self,
        subject: VerificationSubject,
        options: VerifyOptions,
    ) -> mpsc::Receiver<VerificationEvent> {
        let (events, receiver) = mpsc::channel(EVENTS_AHEAD);
        let verifier = self.clone();
        tokio::spawn(async move {
            let gone = events.clone();
            tokio::select! {
                () = gone.closed() => {}
                () = verifier.tell(&subject, options, events) => {}
            }
        });
        receiver
    }

    /// Verifies, and says only what it came to.
    pub async fn verdict(&self, subject: &VerificationSubject, options: VerifyOptions) -> Verdict {
        self.run(subject, options, Progress::unheard()).whole().await
    }

    /// Verifies a role that has worked before, for nobody who waits: a refusal is believed at once, nothing costs, and
    /// calls of STS wait until they fit into the engine's budget.
    ///
    /// - `before`: what the last verification of the integration, as it is now, told of its external ID.
    pub async fn reverify(&self, subject: &VerificationSubject, before: ExternalIdProof) -> Verdict {
        let options = VerifyOptions { inference: false, patience: Duration::ZERO, before };
        let run = self.run(subject, options, Progress::unheard());
        Run { purpose: Purpose::Ahead, ..run }.whole().await
    }

    /// Proves that a role can be assumed with the external ID of `subject`, and neither without one nor with a wrong one.
    /// The steps up to that, and no others.
    ///
    /// # Errors
    /// The first step that did not pass; for ways that assume no role, that there is nothing to prove.
    pub async fn prove_external_id(
        &self,
        subject: &VerificationSubject,
        patience: Duration,
    ) -> Result<(), Unproven> {
        let options = VerifyOptions { inference: false, patience, before: ExternalIdProof::NotTold };
        let steps = self.run(subject, options, Progress::unheard()).trust_alone().await;
        let unproven = steps.into_iter().find(|report| report.status != StepStatus::Passed);
        unproven.map_or(Ok(()), |report| Err(Unproven(Box::new(report))))
    }

    async fn tell(
        &self,
        subject: &VerificationSubject,
        options: VerifyOptions,
        events: mpsc::Sender<VerificationEvent>,
    ) {
        let verdict = self.run(subject, options, Progress::told_to(events.clone())).whole().await;
        let _ = events.send(VerificationEvent::Done(verdict)).await;
    }

    const fn run<'a>(
        &'a self,
        subject: &'a VerificationSubject,
        options: VerifyOptions,
        progress: Progress,
    ) -> Run<'a> {
        Run { verifier: self, subject, options, purpose: Purpose::Wanted, progress, is_fresh: false }
    }
}

/// An interval that is up to a tenth longer or shorter, so that what began together does not stay together.
#[must_use]
pub fn spread(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + 0.2 * jitter())
}

impl VerificationSubject {
    /// The subject as the engine's plan takes it, which looks at neither id nor revision.
    fn credential_request(&self) -> CredentialRequest<'_> {
        CredentialRequest {
            integration: IntegrationId::generate(std::time::UNIX_EPOCH),
            revision: Revision(0),
            platform: &self.platform,
            subject: SessionSubject {
                organisation: &self.organisation,
                workspace: &self.workspace,
                integration: &self.integration,
                key: None,
                user: None,
                metadata: None,
            },
        }
    }

    const fn kind(&self) -> &'static str {
        match self.platform.auth {
            AwsAuth::AssumedRole { .. } => "an integration that assumes a role",
            AwsAuth::AccessKey { .. } => "an integration with a key pair of its own",
            AwsAuth::ServiceRole => "an integration that uses the gateway's own identity as it is",
            AwsAuth::ApiKey { .. } => "an integration with a workspace key, which AWS's STS knows nothing of",
        }
    }
}
