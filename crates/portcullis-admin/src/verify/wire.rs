//! A verification on the wire: what is asked for, and its events.

use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use axum::response::sse::Event;
use http::header::CONTENT_TYPE;
use portcullis_catalog::{Change, Recorded};
use portcullis_credentials::VerifyOptions;
use portcullis_credentials::verification::{Verdict, VerificationEvent};
use portcullis_types::VerificationStatus;
use serde_json::{Map, Value, json};

use crate::body::JsonObject;
use crate::error::AdminError;
use crate::fields::{Fields, read};
use crate::problem::Problems;

/// Reads what is asked for; nothing need be.
///
/// # Errors
/// What is wrong with the body.
pub(super) async fn read_options(request: Request) -> Result<VerifyOptions, AdminError> {
    let is_empty =
        request.body().size_hint().exact() == Some(0) && !request.headers().contains_key(CONTENT_TYPE);
    let body = if is_empty { Map::new() } else { JsonObject::from_request(request, &()).await?.0 };
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let inference = fields.optional(&["inference"], read::boolean).unwrap_or(false);
    fields.finish();
    Ok(VerifyOptions::interactive(problems.settle(Some(inference))?))
}

/// An event of a verification, to be told.
pub(super) struct Told {
    pub(super) event: VerificationEvent,
    /// What a verdict changed; `None` when it could not be recorded.
    pub(super) recorded: Option<Recorded>,
}

impl Told {
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        match &self.event {
            VerificationEvent::Done(verdict) => Some(verdict),
            VerificationEvent::Waiting { .. } | VerificationEvent::Step(_) => None,
        }
    }

    /// What the event says. Beside a verdict stands whether it was recorded; one that is says how the integration stands
    /// now, which is unsafe until the door was seen closed.
    pub(super) fn data(&self) -> Value {
        let mut data = json!(self.event);
        if self.verdict().is_some() {
            let recorded = self.recorded.filter(|recorded| recorded.change != Change::Outdated);
            data["recorded"] = json!(recorded.is_some());
            if let Some(Recorded { now, .. }) = recorded {
                data["status"] = json!(now);
                data["unsafe"] = json!(now == VerificationStatus::Unsafe);
            }
        }
        data
    }

    pub(super) fn to_event(&self) -> Event {
        Event::default().event(self.event.name()).data(self.data().to_string())
    }
}

/// The last event of a verification that ends without a verdict.
pub(super) fn broken_off() -> Event {
    let message = AdminError::VerificationBrokeOff.to_string();
    let data =
        json!({ "error": { "message": message, "type": "server_error", "code": "verification_broke_off" } });
    Event::default().event("error").data(data.to_string())
}
