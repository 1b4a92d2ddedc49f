//! Who is calling: from the headers to a key that is known, live and allowed to do what it asks.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::AdminState;
use crate::error::AdminError;
use crate::permissions::{self, Operation};

/// Where the SDKs put the key.
pub const API_KEY: HeaderName = HeaderName::from_static("x-portkey-api-key");

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
/// [`AdminError::Unauthenticated`], whatever the reason: unknown, malformed, revoked and expired keys look alike.
fn authenticate(state: &AdminState, headers: &HeaderMap) -> Result<Caller, AdminError> {
    let key = presented_key(headers).ok_or(AdminError::Unauthenticated)?;
    let caller = state.catalog.snapshot().caller(key).cloned().ok_or(AdminError::Unauthenticated)?;
    if caller.expires_at.is_some_and(|end| end <= state.clock.now()) {
        return Err(AdminError::Unauthenticated);
    }
    Ok(Caller(caller))
}

/// The key a request presents: `x-portkey-api-key`, or else a bearer token.
///
/// The first wins when both are there, because the SDKs add a placeholder as bearer token. A header given twice is no
/// key: a proxy in front may have looked at the other one.
fn presented_key(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key(API_KEY) {
        return only(headers, &API_KEY);
    }
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    if second.is_some() { None } else { first.to_str().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[(&str, &str)], expect: Option<&str>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        assert_eq!(presented_key(&headers), expect, "{given:?}");
    }

    #[test]
    fn the_portkey_header_wins_over_the_bearer_token() {
        check(&[], None);
        check(&[("x-portkey-api-key", "k")], Some("k"));
        check(&[("authorization", "Bearer k")], Some("k"));
        check(&[("authorization", "bearer  k")], Some("k"));
        check(&[("authorization", "Basic k")], None);
        check(&[("authorization", "k")], None);
        check(&[("x-portkey-api-key", "k"), ("authorization", "Bearer OPENAI_API_KEY")], Some("k"));
        check(&[("x-portkey-api-key", ""), ("authorization", "Bearer k")], Some(""));
        check(&[("x-portkey-api-key", "a"), ("x-portkey-api-key", "b")], None);
        check(&[("authorization", "Bearer a"), ("authorization", "Bearer b")], None);
        check(&[("x-api-key", "k")], None);
    }
}
