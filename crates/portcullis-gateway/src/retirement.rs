//! What the table of model facts says of a model's end: refused when it is gone, announced before.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portcullis_provider::error::ApiError;
use portcullis_provider::models::deprecation_headers;
use portcullis_types::ModelId;
use time::{Date, OffsetDateTime};

use crate::error::GatewayError;
use crate::gateway::Parts;

const NEAREST: HeaderName = HeaderName::from_static("x-portcullis-nearest-model");

fn today(gateway: &Parts) -> Date {
    OffsetDateTime::from(gateway.clock.now()).date()
}

/// Refuses a model that is known to be gone, and names the nearest that lives. An unknown one is the upstream's to judge.
pub(crate) fn check(gateway: &Parts, model: &ModelId) -> Result<(), GatewayError> {
    match gateway.settings.models.load().refusal(model, today(gateway)) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Says in an answer's head what concerns the life of its model: the nearest that lives if there is no such model, the
/// end if it is near.
pub(crate) fn tell(gateway: &Parts, model: &ModelId, status: StatusCode, headers: &mut HeaderMap) {
    match status {
        StatusCode::NOT_FOUND => name_nearest(gateway, model, headers),
        _ => announce(gateway, model, headers),
    }
}

/// The upstream's refusal of a model, with the nearest that lives named behind its words.
pub(crate) fn with_nearest(gateway: &Parts, error: ApiError, model: &ModelId) -> ApiError {
    gateway.settings.models.load().with_nearest(error, model, today(gateway))
}

/// Adds the headers that announce the end of a model, for an answer of it.
fn announce(gateway: &Parts, model: &ModelId, headers: &mut HeaderMap) {
    let table = gateway.settings.models.load();
    let Some(row) = table.find(model) else { return };
    for (name, text) in deprecation_headers(row, today(gateway)) {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Names the nearest living model in a header of an answer that there is none such: the body stays the upstream's own.
fn name_nearest(gateway: &Parts, model: &ModelId, headers: &mut HeaderMap) {
    let table = gateway.settings.models.load();
    let nearest = table.nearest_living(model, today(gateway));
    if let Some(value) = nearest.and_then(|row| HeaderValue::from_str(&row.id).ok()) {
        headers.insert(NEAREST, value);
    }
}
