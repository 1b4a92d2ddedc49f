//! Who is calling: from the headers to a key that is known, live and allowed to do what it asks.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_types::presented_key;

use crate::AdminState;
use crate::error::AdminError;
use crate::permissions::{self, Operation};

/// Where the SDKs put the key.
pub const API_KEY: HeaderName = HeaderName::from_static(presented_key::PORTKEY_KEY);

/// The authenticated caller of a request that may do what it asks. There is no other way to get one than to pass
/// [`authorise`], which stands before every route.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Arc<portcullis_catalog::Caller>);

impl std::ops::Deref for Caller {
    type Target = portcullis_catalog::Caller;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AdminError> {
        // A route mounted without `authorise` fails closed.
        parts.extensions.get::<Self>().cloned().ok_or(AdminError::Unauthenticated)
    }
}

/// Lets a request pass whose key is live and holds a scope that `operation` asks for; the body is not touched before.
pub(crate) async fn authorise(
    State((state, operation)): State<(AdminState, Operation)>,
    mut request: Request,
    next: Next,
) -> Result<Response, AdminError> {
    let caller = authenticate(&state, request.headers())?;
    permissions::check(&caller, operation)?;
    let key_id = caller.key_id;
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if permissions::changes_something(operation) {
        let status = response.status().as_u16();
        // The path names the object; it is percent-encoded, so it cannot break a log line.
        tracing::info!(key.id = %key_id, operation = ?operation, url.path = path, http.status = status, "admin change");
    }
    Ok(response)
}

/// The caller behind the presented key.
///
/// # Errors
/// [`AdminError::NoKey`] when the headers present none, else [`AdminError::Unauthenticated`], whatever the reason:
/// unknown, malformed, revoked and expired keys look alike.
fn authenticate(state: &AdminState, headers: &HeaderMap) -> Result<Caller, AdminError> {
    let key = presented_key(|name| headers.get_all(name).iter().map(HeaderValue::as_bytes))?;
    let caller = state.catalog.snapshot().caller(key).cloned().ok_or(AdminError::Unauthenticated)?;
    if caller.is_expired(state.clock.now()) {
        return Err(AdminError::Unauthenticated);
    }
    Ok(Caller(caller))
}
