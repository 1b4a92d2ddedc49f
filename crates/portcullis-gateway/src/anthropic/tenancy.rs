//! Who may reach what, where several tenants share one workspace of the upstream.
//!
//! The upstream knows nothing of our tenants: to it an id is an id. So whoever makes an object is recorded, and in a
//! shared workspace (see `Snapshot::is_shared`) an object can be reached, listed and referred to by the tenant that made
//! it alone. Where nobody shares, everything in the workspace is its tenant's, whoever made it, and nothing is looked up.

use std::collections::HashSet;
use std::time::Duration;

use http::HeaderMap;
use portcullis_catalog::{CatalogError, UpstreamObject, UpstreamObjectKind as Kind};
use portcullis_provider::envelope::answers;
use portcullis_provider::envelope::made::Made;
use portcullis_provider::envelope::references::{Reference, references};
use portcullis_types::{Feature, ProviderId, TenantWorkspaceId, WorkspaceId};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::error;

use super::route::Native;
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::way::Admitted;

/// The upstream keeps results for 29 days, and tells of an expired file for 30.
const KEPT_AFTERWARDS: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Ids that one statement asks for. A batch may name a hundred thousand.
const MOST_IDS: usize = 1000;

/// The kind of object that a feature is about.
pub(super) const fn kind_of(feature: Feature) -> Option<Kind> {
    match feature {
        Feature::Batches => Some(Kind::Batch),
        Feature::Files => Some(Kind::File),
        Feature::Skills => Some(Kind::Skill),
        Feature::UserProfiles => Some(Kind::UserProfile),
        Feature::Inference | Feature::TokenCounting | Feature::Models => None,
    }
}

/// Whether it is somebody's at all: Anthropic's own skills are everybody's, and have plain names for ids.
pub(super) fn has_maker(kind: Kind, id: &str) -> bool {
    kind != Kind::Skill || id.starts_with("skill_")
}

/// Refuses a request about an object that is another tenant's, as if there were none.
pub(super) async fn check_object(
    gateway: &Parts,
    admitted: &Admitted,
    native: &Native,
) -> Result<(), GatewayError> {
    let (Some(kind), Some(id)) = (kind_of(native.feature), native.object.as_deref()) else { return Ok(()) };
    if !admitted.is_shared || !has_maker(kind, id) {
        return Ok(());
    }
    match gateway.catalog.upstream_object(admitted.workspace, kind, id).await? {
        Some(_) => Ok(()),
        None => Err(no_such(kind, id)),
    }
}

/// Refuses a Messages body, or a batch of them, that refers to another tenant's objects.
///
/// - `headers`: the client's; one of them may name a user profile.
/// - `body`: JSON.
///
/// # Errors
/// [`GatewayError::NoSuchObject`] names the first of them.
pub(crate) async fn check_references(
    gateway: &Parts,
    admitted: &Admitted,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), GatewayError> {
    if !admitted.is_shared {
        return Ok(());
    }
    check_found(gateway, admitted, headers, &found_in(body)).await
}

/// What a body refers to. It was read as JSON before, which is UTF-8.
pub(super) fn found_in(body: &[u8]) -> Vec<Reference> {
    std::str::from_utf8(body).map(references).unwrap_or_default()
}

/// As [`check_references`], for a body that has been walked already.
pub(super) async fn check_found(
    gateway: &Parts,
    admitted: &Admitted,
    headers: &HeaderMap,
    found: &[Reference],
) -> Result<(), GatewayError> {
    if !admitted.is_shared {
        return Ok(());
    }
    // Which threads there are is not recorded, so nobody goes on with one.
    if let Some(thread) = found.iter().find_map(|one| match one {
        Reference::Thread(id) => Some(id),
        _ => None,
    }) {
        return Err(nothing_of("thread", thread));
    }
    let profile = headers.get("anthropic-user-profile-id").and_then(|value| value.to_str().ok());
    let profile = profile.map(|id| Reference::UserProfile(id.to_owned()));
    for kind in [Kind::Container, Kind::File, Kind::Skill, Kind::UserProfile] {
        let of_kind = found.iter().chain(&profile).filter_map(|reference| id_of_kind(reference, kind));
        check_all(gateway, admitted, kind, of_kind.collect()).await?;
    }
    Ok(())
}

fn id_of_kind(reference: &Reference, kind: Kind) -> Option<String> {
    match (reference, kind) {
        (Reference::File(id), Kind::File)
        | (Reference::Skill(id), Kind::Skill)
        | (Reference::UserProfile(id), Kind::UserProfile)
        | (Reference::Container(id), Kind::Container) => Some(id.clone()),
        _ => None,
    }
}

async fn check_all(
    gateway: &Parts,
    admitted: &Admitted,
    kind: Kind,
    ids: Vec<String>,
) -> Result<(), GatewayError> {
    if ids.is_empty() {
        return Ok(());
    }
    let own = own(gateway, admitted, kind, &ids).await?;
    match ids.into_iter().find(|id| has_maker(kind, id) && !own.contains(id)) {
        None => Ok(()),
        Some(foreign) => Err(no_such(kind, &foreign)),
    }
}

/// Which of these objects the tenant made.
pub(super) async fn own(
    gateway: &Parts,
    admitted: &Admitted,
    kind: Kind,
    ids: &[String],
) -> Result<HashSet<String>, CatalogError> {
    let mut own = HashSet::new();
    for some in ids.chunks(MOST_IDS) {
        own.extend(gateway.catalog.own_upstream_objects(admitted.workspace, kind, some).await?);
    }
    Ok(own)
}

fn no_such(kind: Kind, id: &str) -> GatewayError {
    let what = match kind {
        Kind::Batch => "batch",
        Kind::Container => "container",
        Kind::File => "file",
        Kind::Skill => "skill",
        Kind::UserProfile => "user profile",
    };
    nothing_of(what, id)
}

fn nothing_of(what: &'static str, id: &str) -> GatewayError {
    GatewayError::NoSuchObject { what, id: id.chars().take(80).flat_map(char::escape_default).collect() }
}

/// Keeps the record up to date with an answer that made an object, or deleted one.
///
/// An object is recorded whether the workspace is shared or not: it may be one day. It is there at the upstream by now,
/// so a record that cannot be written is told to the operator, and the client gets its answer.
pub(super) async fn note(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    native: &Native,
    answer: &[u8],
) {
    let Some(kind) = kind_of(native.feature) else { return };
    let noted = if native.creates() {
        record(gateway, admitted, kind, answer).await
    } else if let Some(id) = native.deletes() {
        gateway.catalog.forget_upstream_object(admitted.workspace, kind, id).await.map(drop)
    } else {
        return;
    };
    if let Err(cause) = noted {
        error!(
            request.id = %arrival.request_id,
            integration.id = %admitted.provider.integration_id,
            error.cause = %cause,
            "whose a {} is could not be recorded: where its workspace is shared, its maker cannot reach it",
            kind.as_str()
        );
    }
}

async fn record(gateway: &Parts, admitted: &Admitted, kind: Kind, answer: &[u8]) -> Result<(), CatalogError> {
    let Some(upstream_id) = answers::id_of(answer) else { return Ok(()) };
    let created_at = OffsetDateTime::from(gateway.clock.now());
    let ends_at = match kind {
        Kind::Batch => Some(created_at),
        Kind::File => expiry_of(answer),
        // A container is no route's to make.
        Kind::Container | Kind::Skill | Kind::UserProfile => None,
    };
    let object = Maker::of(admitted).object(kind, upstream_id, created_at, ends_at);
    gateway.catalog.record_upstream_object(object).await
}

/// Who makes an object, and where.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    pub(super) workspace: TenantWorkspaceId,
    provider: ProviderId,
    place: WorkspaceId,
}

impl Maker {
    pub(super) fn of(admitted: &Admitted) -> Self {
        Self {
            workspace: admitted.workspace,
            provider: admitted.provider.provider_id,
            place: admitted.provider.platform.workspace_id.clone(),
        }
    }

    fn object(
        &self,
        kind: Kind,
        upstream_id: String,
        created_at: OffsetDateTime,
        ends_at: Option<OffsetDateTime>,
    ) -> UpstreamObject {
        UpstreamObject {
            kind,
            anthropic_workspace_id: self.place.clone(),
            upstream_id,
            workspace_id: self.workspace,
            provider_id: self.provider,
            created_at,
            expires_at: ends_at.map(|end| end + KEPT_AFTERWARDS),
        }
    }
}

/// The record of what an answer named.
pub(super) fn made_object(maker: &Maker, made: &Made, now: OffsetDateTime) -> UpstreamObject {
    match made {
        Made::File(id) => maker.object(Kind::File, id.clone(), now, None),
        Made::Container { id, expires_at } => {
            let end = expires_at.as_deref().and_then(|end| OffsetDateTime::parse(end, &Rfc3339).ok());
            maker.object(Kind::Container, id.clone(), now, Some(end.unwrap_or(now)))
        }
    }
}

fn expiry_of(answer: &[u8]) -> Option<OffsetDateTime> {
    #[derive(serde::Deserialize)]
    struct WithExpiry {
        expires_at: Option<String>,
    }
    let WithExpiry { expires_at } = serde_json::from_slice(answer).ok()?;
    OffsetDateTime::parse(&expires_at?, &Rfc3339).ok()
}
