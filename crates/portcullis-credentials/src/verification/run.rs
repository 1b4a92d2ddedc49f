//! One verification on its way: which steps apply, in which order, and what each needs of those before it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use portcullis_types::{ApiKeyHeader, AwsAuth, AwsCredentials, SecretString};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::probe::PlatformCredentials;
use super::report::{ExternalIdProof, Finding, Step, StepReport, Verdict, VerificationEvent};
use super::{VerificationSubject, Verifier, VerifyOptions};
use crate::error::{CredentialsError, Explanation};
use crate::slot::Purpose;

/// One verification.
pub(super) struct Run<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) subject: &'a VerificationSubject,
    pub(super) options: VerifyOptions,
    pub(super) purpose: Purpose,
    pub(super) progress: Progress,
    /// Whether AWS was seen not to know the role everywhere yet.
    pub(super) is_fresh: bool,
}

/// As whom the platform is asked.
pub(super) enum Holder {
    Aws(Arc<AwsCredentials>),
    ApiKey(SecretString, ApiKeyHeader),
}

impl Holder {
    pub(super) fn credentials(&self) -> PlatformCredentials<'_> {
        match self {
            Self::Aws(credentials) => PlatformCredentials::Aws(credentials),
            Self::ApiKey(key, header) => PlatformCredentials::ApiKey { key, header: *header },
        }
    }
}

impl Run<'_> {
    /// Every step.
    pub(super) async fn whole(mut self) -> Verdict {
        let holder = self.identity().await;
        self.platform(holder).await;
        let verdict = Verdict::of(self.progress.steps);
        let is_settled = self.options.before == ExternalIdProof::Enforced && !self.is_fresh;
        let verify_again_soon = verdict.is_external_id_enforced() && !is_settled;
        Verdict { verify_again_soon, ..verdict }
    }

    /// The steps that prove that the external ID is enforced.
    pub(super) async fn trust_alone(mut self) -> Vec<StepReport> {
        if matches!(self.subject.platform.auth, AwsAuth::AssumedRole { .. }) {
            self.trust().await;
        } else {
            self.skip(&Step::ALL[..5], &not_applicable(self.subject)).await;
        }
        self.progress.steps
    }

    /// The steps about who the gateway is there.
    async fn identity(&mut self) -> Option<Holder> {
        let not_applicable = not_applicable(self.subject);
        match &self.subject.platform.auth {
            AwsAuth::AssumedRole { .. } => {
                let assumed = self.trust().await;
                self.session_length(assumed.as_ref()).await;
                assumed.map(|assumed| Holder::Aws(Arc::new(assumed.session)))
            }
            AwsAuth::ServiceRole => {
                let source = self.source().await;
                let credentials = source.map(|source| Arc::clone(&source.credentials));
                self.sts_knows(credentials.as_deref()).await;
                self.skip(&Step::ALL[2..6], &not_applicable).await;
                credentials.map(Holder::Aws)
            }
            AwsAuth::AccessKey { access_key_id, secret_access_key } => {
                self.skip(&[Step::SourceIdentity], &not_applicable).await;
                let credentials = AwsCredentials {
                    access_key_id: access_key_id.clone(),
                    secret_access_key: secret_access_key.clone(),
                    session_token: None,
                    expires_at: None,
                };
                // Only to know whose they are: the platform can be asked without STS.
                self.sts_knows(Some(&credentials)).await;
                self.skip(&Step::ALL[2..6], &not_applicable).await;
                Some(Holder::Aws(Arc::new(credentials)))
            }
            AwsAuth::ApiKey { key, header } => {
                self.skip(&Step::ALL[..6], &not_applicable).await;
                Some(Holder::ApiKey(key.clone(), *header))
            }
        }
    }

    pub(super) async fn skip(&mut self, steps: &[Step], why: &str) {
        for step in steps {
            self.progress.report(*step, Instant::now(), Finding::skipped(why)).await;
        }
    }
}

fn not_applicable(subject: &VerificationSubject) -> String {
    format!("does not apply to {}", subject.kind())
}

/// What the steps so far came to, and who hears of it.
pub(super) struct Progress {
    events: Option<mpsc::Sender<VerificationEvent>>,
    pub(super) steps: Vec<StepReport>,
}

impl Progress {
    pub(super) const fn told_to(events: mpsc::Sender<VerificationEvent>) -> Self {
        Self { events: Some(events), steps: Vec::new() }
    }

    pub(super) const fn unheard() -> Self {
        Self { events: None, steps: Vec::new() }
    }

    pub(super) async fn report(&mut self, step: Step, started: Instant, finding: Finding) {
        self.report_took(step, started.elapsed(), finding).await;
    }

    pub(super) async fn report_took(&mut self, step: Step, took: Duration, finding: Finding) {
        let report = finding.into_report(step, took);
        self.steps.push(report.clone());
        self.tell(VerificationEvent::Step(report)).await;
    }

    /// Says that a step waits, and waits.
    pub(super) async fn wait(&self, step: Step, wait: Duration, reason: &str) {
        self.tell(VerificationEvent::Waiting { step, wait, reason: reason.to_owned() }).await;
        tokio::time::sleep(wait).await;
    }

    async fn tell(&self, event: VerificationEvent) {
        if let Some(events) = &self.events {
            // Nobody listens any more: the run is about to be stopped.
            let _ = events.send(event).await;
        }
    }
}

/// What comes of `answer`, if that is in time.
pub(super) async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, CredentialsError>>,
) -> Result<T, CredentialsError> {
    let late = || CredentialsError::StsUnavailable(Explanation::new("no answer in time"));
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(late()))
}
