//! The steps that ask STS: who the gateway is, whether it gets into the role, and whether nobody else does.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_types::date_time::{DateTime, Format};
use portcullis_provider::error::{Denial, Explained, sts};
use portcullis_types::session::SessionDuration;
use portcullis_types::{AwsAuth, AwsCredentials};
use tokio::time::Instant;

use super::entry::Assumed;
use super::findings;
use super::report::{Finding, Step};
use super::run::{Run, in_time};
use crate::error::CredentialsError;
use crate::health::Notice;
use crate::source::Source;

/// More than the standard chain gives itself.
const SOURCE_LIMIT: Duration = Duration::from_secs(25);
/// A session of 15 minutes has a little less when its answer is here.
const LEAST_LIFE: Duration = Duration::from_secs(15 * 60 - 30);
impl Run<'_> {
    /// The steps up to the proof that the external ID is enforced.
    pub(super) async fn trust(&mut self) -> Option<Assumed> {
        let source = self.source().await;
        let known = self.sts_knows(source.as_deref().map(|source| &*source.credentials)).await;
        let assumed = self.assume_role(source.filter(|_| known)).await;
        self.doors(assumed.as_ref()).await;
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
        let finding = match credentials {
            None => Finding::skipped("there are no credentials to ask with"),
            Some(credentials) => match self.whose(credentials).await {
                Ok((caller, station)) => Finding::passed(format!("{station} knows `{}`", caller.arn)),
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
        let assumed = self.enter(&source, started + self.options.patience).await;
        let (assumed, finding) = match assumed {
            Ok(assumed) => match self.wrong_account(&assumed).await {
                None => {
                    let finding = Finding::passed(&assumed.evidence);
                    (Some(assumed), finding)
                }
                Some(finding) => (None, finding),
            },
            Err(not_assumed) => (None, not_assumed.finding()),
        };
        self.progress.report(Step::AssumeRole, started, finding).await;
        assumed
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

    fn length_finding(&self, Assumed { session, granted, planned, at, .. }: &Assumed) -> Finding {
        let asked = match &self.subject.platform.auth {
            AwsAuth::AssumedRole { settings, .. } => settings.duration_seconds,
            AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => None,
        };
        let asked = asked.unwrap_or(SessionDuration::HOUR);
        let life = session.expires_at.and_then(|end| end.duration_since(*at).ok()).unwrap_or_default();
        let evidence =
            format!("a new session lives {} s; {} s were asked for", life.as_secs(), asked.seconds());
        let granted = granted.call.duration;
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

fn limited(evidence: &str, notice: Notice) -> Finding {
    let explained = Explained::new(&sts::DURATION_REFUSED, &Denial::default());
    Finding::warning(evidence, explained).with_code(notice.code()).with_cause(notice.to_string())
}

/// What STS, or the standard chain, said.
pub(super) fn refusal(error: &CredentialsError) -> Finding {
    let request_id = error.explanation().request_id.as_deref();
    Finding::failed(error.to_string(), error.explain()).with_ids(None, request_id)
}

fn source_evidence(source: &Source) -> String {
    let end = source.credentials.expires_at.map(|end| format!(", until {}", timestamp(end)));
    format!("credentials from `{}`{}", source.fingerprint.kind, end.unwrap_or_default())
}

pub(super) fn timestamp(time: SystemTime) -> String {
    DateTime::from_secs(DateTime::from(time).secs()).fmt(Format::DateTime).unwrap_or_else(|_| "?".to_owned())
}
