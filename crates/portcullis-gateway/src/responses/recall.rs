//! Responses found again: the one that a request continues, and those whose items it names.

use std::collections::BTreeSet;

use portcullis_catalog::CatalogError;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::responses::stored::{StoredResponse, StoredTurn};
use portcullis_provider::{InvalidCode, InvalidRequest};
use portcullis_types::{ResponseId, TenantWorkspaceId};
use tracing::warn;

use crate::error::GatewayError;
use crate::gateway::Parts;

/// So many responses are looked up for the items that one request names.
const MOST_OTHERS: usize = 64;

/// What a request recalls; nothing when it names nothing.
///
/// # Errors
/// 400 when the response it continues is not kept, 503 when that cannot be told.
pub(crate) async fn turn(
    gateway: &Parts,
    workspace: TenantWorkspaceId,
    asked: &ResponsesRequest<'_>,
) -> Result<Option<StoredTurn>, GatewayError> {
    if gateway.settings.response_retention.is_none() {
        return Ok(None);
    }
    let mut turn = None;
    if let Some(id) = asked.previous_response_id() {
        let previous = find(gateway, workspace, id).await?.ok_or_else(|| not_found(id))?;
        turn = Some(StoredTurn::following(previous));
    }
    let previous = asked.previous_response_id();
    let others: BTreeSet<String> = asked.item_ids().iter().filter_map(|id| response_of(id)).collect();
    for id in others.iter().filter(|id| Some(id.as_str()) != previous).take(MOST_OTHERS) {
        if let Some(other) = find(gateway, workspace, id).await? {
            turn = Some(turn.unwrap_or_default().with_items_of(other));
        }
    }
    Ok(turn)
}

/// The response of an item whose id is derived from it: `rs_S_2` is of `resp_S`.
fn response_of(item: &str) -> Option<String> {
    let rest = ["rs_", "msg_", "cmp_"].iter().find_map(|prefix| item.strip_prefix(prefix))?;
    let (response, _place) = rest.rsplit_once('_')?;
    Some(format!("resp_{response}"))
}

/// A response of the workspace, if it is kept.
pub(super) async fn find(
    gateway: &Parts,
    workspace: TenantWorkspaceId,
    id: &str,
) -> Result<Option<StoredResponse>, GatewayError> {
    let Ok(id) = id.parse::<ResponseId>() else { return Ok(None) };
    let row = match gateway.catalog.response(workspace, &id).await {
        Ok(row) => row,
        Err(CatalogError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let read = serde_json::from_slice(&row.document);
    if read.is_err() {
        // Never with the text: it is a conversation.
        warn!(response.id = %id, "a response that was kept cannot be read");
    }
    Ok(read.ok())
}

fn not_found(id: &str) -> InvalidRequest {
    let shown: String = id.chars().take(64).filter(|c| c.is_ascii_graphic()).collect();
    InvalidRequest::at(
        InvalidCode::PreviousResponseNotFound,
        "previous_response_id",
        format!("there is no response `{shown}` here: it was not kept, was deleted, or its time is over"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_id_says_whose_it_is() {
        assert_eq!(response_of("rs_01A_2").as_deref(), Some("resp_01A"));
        assert_eq!(response_of("msg_a_b_in0").as_deref(), Some("resp_a_b"));
        assert_eq!(response_of("ws_srvtoolu_1"), None);
        assert_eq!(response_of("rs_"), None);
    }
}
