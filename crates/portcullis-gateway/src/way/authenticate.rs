//! Who is calling: from a key in one of three headers to a caller of the snapshot.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};
use portcullis_catalog::{Caller, Snapshot};
use portcullis_types::presented_key;

use crate::error::GatewayError;

/// A caller whose key is known and has not expired.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated(pub(crate) Arc<Caller>);

/// Finds the caller.
///
/// Nothing in the answer tells an unknown key from a revoked or an expired one.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    snapshot: &Snapshot,
    now: SystemTime,
) -> Result<Authenticated, GatewayError> {
    let key = presented_key(|name| headers.get_all(name).iter().map(HeaderValue::as_bytes))?;
    let caller = snapshot.caller(key).ok_or(GatewayError::UnknownKey)?;
    if caller.is_expired(now) {
        return Err(GatewayError::UnknownKey);
    }
    Ok(Authenticated(Arc::clone(caller)))
}
