//! Who sends a request to the platform: whoever signed it, or whoever an API key stands for.

use super::SERVICE;
use super::error::PlatformError;
use crate::caller::Caller;
use crate::journal::LoggedRequest;
use crate::server::Arrival;
use crate::sigv4::{self, ExpectedScope, SHORT_TERM_KEY_PREFIX, SignatureFault, WorkspaceHeader};
use crate::state::State;
use crate::world::{ApiKeyKind, Workspace, World};

/// A caller, and the region whose endpoint it is at.
#[derive(Debug)]
pub(super) struct Authenticated {
    pub(super) caller: Caller,
    /// `None` when nothing tells: one listener stands for every region.
    pub(super) region: Option<String>,
    /// What the API key is, if one was sent instead of a signature.
    pub(super) bearer: Option<ApiKeyKind>,
}

pub(super) fn authenticate(
    state: &State,
    arrival: &Arrival,
    entry: &mut LoggedRequest,
) -> Result<Authenticated, PlatformError> {
    let authenticated = match sent_key(arrival)? {
        Some((header, key)) => {
            entry.api_key_header = Some(header.to_owned());
            if key.starts_with(SHORT_TERM_KEY_PREFIX) {
                maker_of_key(state, arrival, key, entry)?
            } else {
                holder_of_key(state, arrival, key, entry)?
            }
        }
        None => signer(state, arrival, entry)?,
    };
    let caller = &authenticated.caller;
    entry.principal_arn = Some(caller.arn.clone());
    entry.session_tags.clone_from(&caller.tags);
    entry.source_identity.clone_from(&caller.source_identity);
    Ok(authenticated)
}

fn unauthenticated(message: impl Into<String>) -> PlatformError {
    PlatformError::new(401, "authentication_error", message)
}

/// The header and the key of a request that is not signed.
fn sent_key(arrival: &Arrival) -> Result<Option<(&'static str, &str)>, PlatformError> {
    let bearer = arrival.only("authorization")?.and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    match (arrival.header("authorization"), bearer, arrival.only("x-api-key")?) {
        (Some(_), _, Some(_)) => {
            Err(unauthenticated("Invalid bearer token: send either authorization or x-api-key, not both"))
        }
        (_, Some(key), None) => Ok(Some(("authorization", key))),
        (None, _, Some(key)) => Ok(Some(("x-api-key", key))),
        (_, None, None) => Ok(None),
    }
}

/// Whose credentials a short-term key was computed from.
fn maker_of_key(
    state: &State,
    arrival: &Arrival,
    sent: &str,
    entry: &mut LoggedRequest,
) -> Result<Authenticated, PlatformError> {
    let invalid = || unauthenticated("Invalid bearer token");
    let now = state.now();
    let key = sigv4::verify_short_term_key(sent, |id| state.known_key(id), now).ok_or_else(invalid)?;
    let of_workspace = named_workspace(&state.world(), arrival).map(|workspace| workspace.region.clone());
    if of_workspace.is_some_and(|region| region != key.region) {
        return Err(invalid());
    }
    if key.expires_at <= now {
        return Err(unauthenticated("Invalid bearer token: it has expired"));
    }
    let caller = state.caller(&key.access_key_id).ok_or_else(invalid)?;
    entry.verified = true;
    entry.access_key_id = Some(key.access_key_id);
    Ok(Authenticated { caller, region: Some(key.region), bearer: Some(ApiKeyKind::ShortTerm) })
}

/// Whom a key of the world stands for.
fn holder_of_key(
    state: &State,
    arrival: &Arrival,
    sent: &str,
    entry: &mut LoggedRequest,
) -> Result<Authenticated, PlatformError> {
    let world = state.world();
    let of_workspace = named_workspace(&world, arrival).map(|workspace| workspace.region.clone());
    let works_here = |region: &String| of_workspace.as_ref().is_none_or(|here| here == region);
    let key = world
        .api_keys
        .iter()
        .find(|key| !sent.is_empty() && key.key == sent && key.region.as_ref().is_none_or(works_here))
        .ok_or_else(|| unauthenticated("Invalid bearer token"))?;
    entry.verified = true;
    Ok(Authenticated {
        caller: Caller::of_api_key(&world, key),
        region: key.region.clone().or(of_workspace),
        bearer: Some(key.kind),
    })
}

fn signer(
    state: &State,
    arrival: &Arrival,
    entry: &mut LoggedRequest,
) -> Result<Authenticated, PlatformError> {
    let headers = arrival.header_pairs();
    let request = arrival.as_received(&headers);
    let (region, rule) = {
        let world = state.world();
        let named = named_workspace(&world, arrival).filter(|_| !world.regional_endpoints);
        // The workspace says which region's signature is the right one. Without one, any region's is.
        let region =
            named.map(|workspace| workspace.region.clone()).or_else(|| sigv4::claimed_region(&request));
        let rule = if world.workspace_header_must_be_signed {
            WorkspaceHeader::MustBeSigned
        } else {
            WorkspaceHeader::MayBeUnsigned
        };
        (region.unwrap_or_default(), rule)
    };
    let expected = ExpectedScope { region: &region, service: SERVICE };
    let verified = sigv4::verify_with(&request, |id| state.known_key(id), expected, state.now(), rule)
        .map_err(|fault| {
            // The signature is right, so whose it is can be told.
            if fault == SignatureFault::ExpiredToken {
                entry.access_key_id = sigv4::claimed_access_key_id(&request);
            }
            unauthenticated(fault.message())
        })?;
    entry.note_verified(&verified);
    let caller = state
        .caller(&verified.access_key_id)
        .ok_or_else(|| unauthenticated("The security token included in the request is invalid."))?;
    Ok(Authenticated { caller, region: Some(region), bearer: None })
}

fn named_workspace<'a>(world: &'a World, arrival: &Arrival) -> Option<&'a Workspace> {
    world.workspaces.get(arrival.header("anthropic-workspace-id")?)
}
