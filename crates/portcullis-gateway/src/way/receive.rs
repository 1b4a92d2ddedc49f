//! The body of a request from somebody we know.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use portcullis_catalog::Snapshot;

use super::{Authenticated, authenticate};
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::inbound::read_json_body;

/// Authenticates, then reads the body, then looks again.
///
/// Nobody unknown gets us to read a body. And whoever was known when the body began must still be when it is whole: a
/// body may take minutes to arrive, and a key may be revoked meanwhile. The snapshot that comes back is the one of then.
pub(crate) async fn receive(
    gateway: &Parts,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Authenticated, Bytes, Arc<Snapshot>), GatewayError> {
    let settings = &gateway.settings;
    let read = read_json_body(headers, body, settings.max_request_bytes, settings.request_body_timeout);
    receive_as(gateway, headers, read).await
}

/// The same with a body that `read` makes something of.
pub(crate) async fn receive_as<T>(
    gateway: &Parts,
    headers: &HeaderMap,
    read: impl Future<Output = Result<T, GatewayError>>,
) -> Result<(Authenticated, T, Arc<Snapshot>), GatewayError> {
    let before = gateway.catalog.snapshot();
    let now = gateway.clock.now();
    let caller = authenticate(headers, &before, now)?;
    let version = before.version();
    drop(before);
    let body = read.await?;
    let snapshot = gateway.catalog.snapshot();
    if snapshot.version() == version && !caller.0.is_expired(gateway.clock.now()) {
        return Ok((caller, body, snapshot));
    }
    let caller = authenticate(headers, &snapshot, gateway.clock.now())?;
    Ok((caller, body, snapshot))
}
