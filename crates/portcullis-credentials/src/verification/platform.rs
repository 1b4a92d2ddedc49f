//! The steps that ask Claude Platform on AWS.
//!
//! The service refuses a request at the first thing that is wrong, and in an order that is not published. What a request
//! did not get to is not told by its refusal: then the next kind of request is asked.

use std::time::Duration;

use portcullis_provider::error::{Denial, Explained, UpstreamCause, network};
use portcullis_types::Feature;
use tokio::time::Instant;

use super::findings;
use super::probe::{ListedModels, ProbeAnswer, ProbeFailure, ProbesPlatform};
use super::report::{Finding, Step, StepStatus};
use super::run::{Holder, Run};
use crate::BoxFuture;

/// More than probes give themselves.
const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// What is not meant for long is asked again after these.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Known to every account; for counting when no model could be listed.
const USUAL_MODEL: &str = "claude-haiku-4-5";
const ABOUT_TOKENS: [&str; 2] = ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"];

/// What came of a request.
type Asked<T> = Result<T, ProbeFailure>;

/// What the requests so far came to. A request is made once, whichever step needs it first.
struct Seen {
    workspace: Asked<ProbeAnswer>,
    models: Option<Asked<ListedModels>>,
    tokens: Option<Asked<ProbeAnswer>>,
    inference: Option<Asked<ProbeAnswer>>,
}

impl Run<'_> {
    /// The steps from the endpoint to inference.
    pub(super) async fn platform(&mut self, holder: Option<Holder>) {
        let is_reachable = self.endpoint().await;
        let rest = &Step::ALL[7..];
        let Some(holder) = holder else {
            return self.skip(rest, "there are no credentials to ask with").await;
        };
        if !is_reachable {
            return self.skip(rest, "the endpoint cannot be reached").await;
        }
        let Some(mut seen) = self.federation(&holder).await else {
            return self.skip(&rest[1..], "the service answers nobody without a token of the account").await;
        };
        if !self.workspace(&seen).await {
            return self.skip(&rest[2..], "there is no workspace to ask").await;
        }
        self.list_models(&holder, &mut seen).await;
        self.count_tokens(&holder, &mut seen).await;
        self.inference(&holder, seen).await;
    }

    async fn endpoint(&mut self) -> bool {
        let started = Instant::now();
        let (probe, platform) = (&*self.verifier.probe, &self.subject.platform);
        let finding = finding(self.ask(Step::EndpointResolves, || probe.resolve(platform)).await);
        let is_reachable = finding.is_passed();
        self.progress.report(Step::EndpointResolves, started, finding).await;
        is_reachable
    }

    /// Whether the account lets AWS mint tokens. `None` when not: then nothing else is answered either.
    async fn federation(&mut self, holder: &Holder) -> Option<Seen> {
        let started = Instant::now();
        let (probe, platform) = (&*self.verifier.probe, &self.subject.platform);
        let ask = || probe.get_workspace(platform, holder.credentials());
        let workspace = self.ask(Step::FederationEnabled, ask).await;
        let mut seen = Seen { workspace, models: None, tokens: None, inference: None };
        if seen.federation() == Federation::Untold && self.has(Feature::Models) {
            seen.models = Some(self.ask_for_models(Step::FederationEnabled, holder).await);
        }
        if seen.federation() == Federation::Untold && self.has(Feature::TokenCounting) {
            let model = seen.first_model().to_owned();
            seen.tokens = Some(self.ask_for_tokens(Step::FederationEnabled, holder, &model).await);
        }
        if self.options.inference && seen.tells_nothing() {
            seen.inference = Some(self.ask_for_inference(Step::FederationEnabled, holder, &seen).await);
        }
        let (finding, seen) = match seen.federation() {
            Federation::On => (Finding::passed("the service had a token of the account minted"), Some(seen)),
            Federation::Off(failure) => (failed(failure), None),
            Federation::Untold => {
                let said = seen.workspace.as_ref().err().map(|failure| failure.evidence.as_str());
                let evidence = format!("no request got that far: {}", said.unwrap_or_default());
                let explained = Explained::new(&findings::UNDETERMINED, &Denial::default());
                (Finding::warning(evidence, explained), Some(seen))
            }
        };
        self.progress.report(Step::FederationEnabled, started, finding).await;
        seen
    }

    /// Whether the workspace is there, by its own entry or by what else was answered in it.
    async fn workspace(&mut self, seen: &Seen) -> bool {
        let started = Instant::now();
        let platform = &self.subject.platform;
        let finding = match (&seen.workspace, seen.answered_in_workspace()) {
            (Ok(answer), _) => passed(answer),
            (Err(failure), Some(what)) if !is_strange(failure) => {
                let (id, region) = (&platform.workspace_id, &platform.region);
                let evidence = format!(
                    "`{id}` answers in {region} ({what}), but its own entry may not be read: {}",
                    failure.evidence
                );
                Finding::warning(evidence, Explained::clone(&failure.explained)).with_ids_of(failure)
            }
            (Err(failure), _) => failed(seen.missing_workspace().unwrap_or(failure)),
        };
        let is_there = finding.status != StepStatus::Failed;
        self.progress.report(Step::WorkspaceExists, started, finding).await;
        is_there
    }

    async fn list_models(&mut self, holder: &Holder, seen: &mut Seen) {
        let started = Instant::now();
        if !self.has(Feature::Models) {
            return self.skip(&[Step::ListModels], &not_enabled(Feature::Models)).await;
        }
        if seen.models.is_none() {
            seen.models = Some(self.ask_for_models(Step::ListModels, holder).await);
        }
        let finding = match seen.models.as_ref().expect("it was just asked for") {
            Ok(listed) if listed.ids.is_empty() => {
                Finding::failed_as(&findings::NO_MODELS, &listed.answer.evidence).with_ids_of(&listed.answer)
            }
            Ok(listed) => passed(&listed.answer),
            Err(failure) => failed(failure),
        };
        self.progress.report(Step::ListModels, started, finding).await;
    }

    async fn count_tokens(&mut self, holder: &Holder, seen: &mut Seen) {
        let started = Instant::now();
        if !self.has(Feature::TokenCounting) {
            return self.skip(&[Step::CountTokens], &not_enabled(Feature::TokenCounting)).await;
        }
        if seen.tokens.is_none() {
            let model = seen.first_model().to_owned();
            seen.tokens = Some(self.ask_for_tokens(Step::CountTokens, holder, &model).await);
        }
        let finding = finding(seen.tokens.take().expect("it was just asked for"));
        self.progress.report(Step::CountTokens, started, finding).await;
    }

    async fn inference(&mut self, holder: &Holder, mut seen: Seen) {
        let started = Instant::now();
        if !self.options.inference {
            return self.skip(&[Step::Inference], "not asked for: it costs a request of one token").await;
        }
        let answer = match seen.inference.take() {
            Some(answer) => answer,
            None => self.ask_for_inference(Step::Inference, holder, &seen).await,
        };
        self.progress.report(Step::Inference, started, finding(answer)).await;
    }

    async fn ask_for_models(&self, step: Step, holder: &Holder) -> Asked<ListedModels> {
        let (probe, platform) = (&*self.verifier.probe, &self.subject.platform);
        self.ask(step, || probe.list_models(platform, holder.credentials())).await
    }

    async fn ask_for_tokens(&self, step: Step, holder: &Holder, model: &str) -> Asked<ProbeAnswer> {
        let (probe, platform): (&dyn ProbesPlatform, _) = (&*self.verifier.probe, &self.subject.platform);
        self.ask(step, || probe.count_tokens(platform, holder.credentials(), model)).await
    }

    async fn ask_for_inference(&self, step: Step, holder: &Holder, seen: &Seen) -> Asked<ProbeAnswer> {
        let (probe, platform): (&dyn ProbesPlatform, _) = (&*self.verifier.probe, &self.subject.platform);
        let model = seen.cheap_model();
        self.ask(step, || probe.infer(platform, holder.credentials(), model)).await
    }

    /// Asks; again when the service says that it cannot just now.
    async fn ask<'f, T>(&self, step: Step, ask: impl Fn() -> BoxFuture<'f, Asked<T>>) -> Asked<T> {
        for pause in PAUSES {
            match in_time(ask()).await {
                Err(failure) if is_passing(&failure) => {
                    self.progress.wait(step, pause, &failure.evidence).await
                }
                answer => return answer,
            }
        }
        in_time(ask()).await
    }

    fn has(&self, feature: Feature) -> bool {
        self.subject.platform.features.contains(feature)
    }
}

/// What the requests tell of federation.
#[derive(PartialEq)]
enum Federation<'a> {
    On,
    Off(&'a ProbeFailure),
    Untold,
}

impl Seen {
    fn federation(&self) -> Federation<'_> {
        let models = self.models.as_ref().map(|asked| asked.as_ref().map(drop));
        let tokens = self.tokens.as_ref().map(|asked| asked.as_ref().map(drop));
        let inference = self.inference.as_ref().map(|asked| asked.as_ref().map(drop));
        let answers = [Some(self.workspace.as_ref().map(drop)), models, tokens, inference];
        for answer in answers.into_iter().flatten() {
            match answer {
                Ok(()) => return Federation::On,
                Err(failure) if is_about_federation(failure) => return Federation::Off(failure),
                Err(_) => {}
            }
        }
        Federation::Untold
    }

    /// Whether neither federation nor the workspace is known of.
    fn tells_nothing(&self) -> bool {
        self.federation() == Federation::Untold && self.missing_workspace().is_none()
    }

    /// What was answered in the workspace, other than its own entry.
    fn answered_in_workspace(&self) -> Option<&'static str> {
        if matches!(self.models, Some(Ok(_))) {
            Some("models are listed")
        } else if matches!(self.tokens, Some(Ok(_))) {
            Some("tokens are counted")
        } else if matches!(self.inference, Some(Ok(_))) {
            Some("a message is answered")
        } else {
            None
        }
    }

    /// The refusal that says that there is no such workspace.
    fn missing_workspace(&self) -> Option<&ProbeFailure> {
        let failures = [
            self.workspace.as_ref().err(),
            self.models.as_ref().and_then(|asked| asked.as_ref().err()),
            self.tokens.as_ref().and_then(|asked| asked.as_ref().err()),
            self.inference.as_ref().and_then(|asked| asked.as_ref().err()),
        ];
        let is_missing = |failure: &&ProbeFailure| failure.cause == Some(UpstreamCause::WorkspaceNotFound);
        failures.into_iter().flatten().find(is_missing)
    }

    fn models(&self) -> &[String] {
        self.models.as_ref().and_then(|asked| asked.as_ref().ok()).map_or(&[], |listed| &listed.ids)
    }

    fn first_model(&self) -> &str {
        self.models().first().map_or(USUAL_MODEL, String::as_str)
    }

    /// The first of the cheapest family, or else the first.
    fn cheap_model(&self) -> &str {
        let cheap = self.models().iter().find(|id| id.contains("haiku"));
        cheap.map_or_else(|| self.first_model(), String::as_str)
    }
}

/// Whether a failure is the account's switch, or the role's permission to have tokens minted.
fn is_about_federation(failure: &ProbeFailure) -> bool {
    match &failure.cause {
        Some(UpstreamCause::FederationDisabled) => true,
        Some(UpstreamCause::NotAuthorized(denial)) => {
            denial.action.as_deref().is_some_and(|action| ABOUT_TOKENS.contains(&action))
        }
        _ => false,
    }
}

/// Whether something else than the service seems to have answered: then nothing makes up for it.
fn is_strange(failure: &ProbeFailure) -> bool {
    failure.explained.code == network::BAD_UPSTREAM_RESPONSE.code
}

fn is_passing(failure: &ProbeFailure) -> bool {
    use UpstreamCause as C;
    matches!(failure.cause, Some(C::RateLimited | C::Overloaded | C::UpstreamFailed | C::Timeout))
}

async fn in_time<T>(answer: BoxFuture<'_, Asked<T>>) -> Asked<T> {
    let late = || ProbeFailure {
        cause: None,
        status: None,
        evidence: format!("no answer within {} s", PROBE_LIMIT.as_secs()),
        explained: Box::new(Explained::new(&network::UPSTREAM_TIMEOUT, &Denial::default())),
        request_id: None,
        aws_request_id: None,
    };
    tokio::time::timeout(PROBE_LIMIT, answer).await.unwrap_or_else(|_| Err(late()))
}

fn finding(answer: Asked<ProbeAnswer>) -> Finding {
    match answer {
        Ok(answer) => passed(&answer),
        Err(failure) => failed(&failure),
    }
}

fn passed(answer: &ProbeAnswer) -> Finding {
    Finding::passed(&answer.evidence).with_ids_of(answer)
}

fn failed(failure: &ProbeFailure) -> Finding {
    Finding::failed(&failure.evidence, Explained::clone(&failure.explained)).with_ids_of(failure)
}

fn not_enabled(feature: Feature) -> String {
    format!("the integration's features do not include `{feature}`")
}

/// What bears the ids of a request.
trait HasIds {
    fn ids(&self) -> (Option<&str>, Option<&str>);
}

impl HasIds for ProbeAnswer {
    fn ids(&self) -> (Option<&str>, Option<&str>) {
        (self.request_id.as_deref(), self.aws_request_id.as_deref())
    }
}

impl HasIds for ProbeFailure {
    fn ids(&self) -> (Option<&str>, Option<&str>) {
        (self.request_id.as_deref(), self.aws_request_id.as_deref())
    }
}

impl Finding {
    fn with_ids_of(self, of: &impl HasIds) -> Self {
        let (request_id, aws_request_id) = of.ids();
        self.with_ids(request_id, aws_request_id)
    }
}
