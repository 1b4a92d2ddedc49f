//! Requests that show whether an integration works: few, small, and sent as any other request is.
//!
//! Start at [`PlatformProbe`]. What is asked stands here, how a request goes out and what its answer means in `send`.

mod send;

use std::sync::Arc;

use http::Method;
use portcullis_credentials::BoxFuture;
use portcullis_credentials::verification::{
    ListedModels, PlatformCredentials, ProbeAnswer, ProbeFailure, ProbesPlatform,
};
use portcullis_signer::Signer;
use portcullis_types::{ClaudePlatformAws, ClockSkew, SharedClock};
use serde_json::{Value, json};

use crate::content::Content;
use crate::settings::GatewaySettings;
use crate::upstream::Upstream;
use send::{Probe, Replied};

/// Claude Platform on AWS as the data plane reaches it, over connections of its own.
pub struct PlatformProbe {
    upstream: Upstream,
    signer: Signer,
    clock: SharedClock,
    skew: Arc<ClockSkew>,
}

impl std::fmt::Debug for PlatformProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlatformProbe").finish_non_exhaustive()
    }
}

impl PlatformProbe {
    /// A probe that goes where the data plane goes.
    ///
    /// - `skew`: the credential engine's own.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up, such as without any certificate authority on the system.
    pub fn new(
        settings: &GatewaySettings,
        clock: SharedClock,
        skew: Arc<ClockSkew>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self { upstream: Upstream::new(settings)?, signer: Signer::new(), clock, skew })
    }
}

impl ProbesPlatform for PlatformProbe {
    fn resolve<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        Box::pin(self.connect(&platform.region))
    }

    fn get_workspace<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        Box::pin(async move {
            let (id, region) = (&platform.workspace_id, &platform.region);
            let path = format!("/v1/organizations/workspaces/{id}");
            let replied = self.ask(platform, credentials, Probe::get(&path)).await?;
            if replied.body["id"] != id.as_str() {
                return Err(replied.without("the workspace's `/id`"));
            }
            let name = replied.body["name"].as_str().map(shown).unwrap_or_default();
            Ok(replied.answer(format!("`{id}` is in {region}: {name}")))
        })
    }

    fn list_models<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
    ) -> BoxFuture<'a, Result<ListedModels, ProbeFailure>> {
        Box::pin(async move {
            let probe = Probe { query: Some("limit=1000"), ..Probe::get("/v1/models") };
            let replied = self.ask(platform, credentials, probe).await?;
            let ids = replied.ids()?;
            let first = ids.first().map(|id| format!(", the first is `{id}`")).unwrap_or_default();
            let answer = replied.answer(format!("{} model(s){first}", ids.len()));
            Ok(ListedModels { answer, ids })
        })
    }

    fn count_tokens<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
        model: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        Box::pin(async move {
            let body = json!({"model": model, "messages": greeting()});
            let replied = self.ask(platform, credentials, post("/v1/messages/count_tokens", &body)).await?;
            let counted = replied.number("/input_tokens")?;
            Ok(replied.answer(format!("`{model}` counts {counted} tokens")))
        })
    }

    fn infer<'a>(
        &'a self,
        platform: &'a ClaudePlatformAws,
        credentials: PlatformCredentials<'a>,
        model: &'a str,
    ) -> BoxFuture<'a, Result<ProbeAnswer, ProbeFailure>> {
        Box::pin(async move {
            let body = json!({"model": model, "max_tokens": 1, "messages": greeting()});
            let replied = self.ask(platform, credentials, post("/v1/messages", &body)).await?;
            let n_in = replied.number("/usage/input_tokens")?;
            let n_out = replied.number("/usage/output_tokens")?;
            Ok(replied.answer(format!("`{model}` answered: {n_in} tokens in, {n_out} out")))
        })
    }
}

/// The shortest message there is.
fn greeting() -> Value {
    json!([{"role": "user", "content": "Hi"}])
}

fn post<'a>(path: &'a str, body: &Value) -> Probe<'a> {
    Probe { method: Method::POST, path, query: None, content: Content::json(body.to_string().into()) }
}

/// A name of the upstream's, for one line of a report.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl Replied {
    /// The ids in a list.
    fn ids(&self) -> Result<Vec<String>, ProbeFailure> {
        let listed = self.body["data"].as_array();
        let ids = listed.map(|data| data.iter().map(|one| one["id"].as_str().map(shown)));
        ids.and_then(Iterator::collect).ok_or_else(|| self.without("`/data/*/id`"))
    }

    fn answer(&self, evidence: String) -> ProbeAnswer {
        let (request_id, aws_request_id) = (self.request_id.clone(), self.aws_request_id.clone());
        ProbeAnswer { status: self.status, evidence, request_id, aws_request_id }
    }
}
