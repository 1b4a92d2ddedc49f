//! Proving an integration, step by step as it goes, and what the last proof found.

mod record;
mod running;
mod wire;

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use http::HeaderMap;
use http::header::ACCEPT;
use portcullis_catalog::{Catalog, Integration, LastVerification};
use portcullis_credentials::verification::{ExternalIdProof, VerificationEvent};
use portcullis_credentials::{VerificationSubject, VerifyOptions};
use portcullis_types::VerificationStatus;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::AdminState;
use crate::authentication::Caller;
use crate::error::AdminError;
use crate::permissions::Action;
use crate::{integrations, timestamp};
pub use record::{Recording, record};
pub(crate) use running::Running;
use wire::Told;

/// Comments keep proxies from taking a step that waits for a dead connection.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// More events than a verification has: a client that reads slowly misses none, and holds up nothing.
const EVENTS: usize = 256;

/// `POST /v1/integrations/{slug}/verify`: as events when the client accepts them, else all at the end.
///
/// It goes on, and is recorded, when the client hangs up.
pub(crate) async fn verify_integration(
    caller: Caller,
    State(state): State<AdminState>,
    Path(slug): Path<String>,
    request: Request,
) -> Result<Response, AdminError> {
    let integration = integrations::find(&state.catalog, &caller, &slug, Action::Update).await?;
    let streams = accepts_events(request.headers());
    let options = wire::read_options(request).await?;
    let events = start(&state, integration, options)?;
    if streams {
        let keep_alive = KeepAlive::new().interval(SIGN_OF_LIFE).text("verifying");
        return Ok(Sse::new(as_events(events)).keep_alive(keep_alive).into_response());
    }
    Ok(Json(all_of(events).await?).into_response())
}

/// `GET /v1/integrations/{slug}/verification`: what the last one found, of whichever revision.
pub(crate) async fn show_verification(
    caller: Caller,
    State(catalog): State<Catalog>,
    Path(slug): Path<String>,
) -> Result<Json<Value>, AdminError> {
    let integration = integrations::find(&catalog, &caller, &slug, Action::Read).await?;
    let last = catalog.last_verification(caller.organisation_id, &integration.id.to_string()).await?;
    let mut answer = last.as_ref().map_or_else(never, render);
    answer["object"] = json!("verification");
    answer["integration_id"] = json!(integration.id);
    // Of the integration as it is now: a changed one has not been verified, whatever the last report says.
    answer["status"] = json!(integration.verification.status);
    Ok(Json(answer))
}

fn never() -> Value {
    json!({ "status": VerificationStatus::Unverified, "verified_at": null, "report": null })
}

fn render(last: &LastVerification) -> Value {
    json!({
        "status": last.status,
        "verified_at": timestamp::format(last.verified_at),
        "worsened_at": last.worsened_at.map(timestamp::format),
        "verified_revision": last.revision,
        "report": last.report,
    })
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| one.trim().starts_with("text/event-stream"))
}

/// The integration as a verification takes it.
#[must_use]
pub fn subject(integration: &Integration) -> VerificationSubject {
    let workspace = integration.workspace_slug.as_ref().unwrap_or(&integration.organisation_slug);
    VerificationSubject {
        platform: integration.platform.clone(),
        organisation: integration.organisation_slug.to_string(),
        workspace: workspace.to_string(),
        integration: integration.slug.to_string(),
    }
}

/// Verifies in a task of its own, which records the verdict whoever listens.
fn start(
    state: &AdminState,
    integration: Integration,
    options: VerifyOptions,
) -> Result<mpsc::Receiver<Told>, AdminError> {
    let mine = state.running.begin(integration.id).ok_or(AdminError::VerificationRuns)?;
    let before = ExternalIdProof::recorded(integration.verification.external_id_enforced);
    let options = VerifyOptions { before, ..options };
    let mut found = state.verifier.verify(subject(&integration), options);
    let (recording, credentials) = (state.recording.clone(), state.credentials.clone());
    let (tell, told) = mpsc::channel(EVENTS);
    tokio::spawn(async move {
        let _mine = mine;
        while let Some(event) = found.recv().await {
            let recorded = match &event {
                VerificationEvent::Done(verdict) => {
                    // Somebody may have raised the role's longest session, and now looks whether it works.
                    if verdict.status == VerificationStatus::Verified {
                        credentials.ask_for_longer_sessions(integration.id);
                    }
                    record(&recording, &integration, verdict).await
                }
                VerificationEvent::Waiting { .. } | VerificationEvent::Step(_) => None,
            };
            // Nobody may be listening any more.
            let _ = tell.try_send(Told { event, recorded });
        }
    });
    Ok(told)
}

/// Each event as it comes; one of our own when the last one does not.
fn as_events(told: mpsc::Receiver<Told>) -> impl Stream<Item = Result<Event, Infallible>> {
    let rest = stream::unfold(Some((told, false)), async |state| {
        let (mut told, is_done) = state?;
        match told.recv().await {
            Some(one) => {
                let is_done = one.verdict().is_some();
                Some((one.to_event(), Some((told, is_done))))
            }
            None if is_done => None,
            None => Some((wire::broken_off(), None)),
        }
    });
    rest.map(Ok)
}

/// Waits for the verdict.
async fn all_of(mut told: mpsc::Receiver<Told>) -> Result<Value, AdminError> {
    while let Some(one) = told.recv().await {
        if one.verdict().is_some() {
            let mut answer = one.data();
            answer["object"] = json!("verification");
            return Ok(answer);
        }
    }
    Err(AdminError::VerificationBrokeOff)
}
