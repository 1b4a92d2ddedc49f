//! Responses found again: the one that a request continues, and those whose items it names.

use std::collections::HashSet;

use portcullis_catalog::CatalogError;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::responses::stored::{StoredResponse, StoredTurn};
use portcullis_provider::{InvalidCode, InvalidRequest};
use portcullis_types::{ResponseId, TenantWorkspaceId};
use tracing::warn;

use crate::error::GatewayError;
use crate::gateway::Parts;

/// What may still be read for the items that a request names: each response holds the conversation before it too, so a
/// few long ones would fill the memory of a gateway.
#[derive(Debug)]
struct Allowance {
    responses: usize,
    /// Of their documents. The last one may go beyond it.
    bytes: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { responses: 16, bytes: 32 << 20 }
    }
}

impl Allowance {
    fn is_spent(&self) -> bool {
        self.responses == 0 || self.bytes == 0
    }

    /// Another response was looked for, and its document had so many bytes.
    fn spend(&mut self, bytes: usize) {
        self.responses = self.responses.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

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
    let previous = asked.previous_response_id();
    if let Some(id) = previous {
        let kept = find(gateway, workspace, id).await?.ok_or_else(|| not_found(id))?;
        turn = Some(StoredTurn::following(kept));
    }
    let mut allowance = Allowance::default();
    for id in others(&asked.item_ids(), previous) {
        if allowance.is_spent() {
            return Ok(Some(turn.unwrap_or_default().partial()));
        }
        let (other, bytes) = read(gateway, workspace, &id).await?;
        allowance.spend(bytes);
        if let Some(other) = other {
            turn = Some(turn.unwrap_or_default().with_items_of(other));
        }
    }
    Ok(turn)
}

/// The responses that hold these items, once each, and without the one that is continued. The last comes first: what the
/// conversation ends with is needed most.
fn others(items: &[String], previous: Option<&str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let ids = items.iter().rev().filter_map(|item| response_of(item));
    ids.filter(|id| Some(id.as_str()) != previous && seen.insert(id.clone())).collect()
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
    let (response, _) = read(gateway, workspace, id).await?;
    Ok(response)
}

/// The same, and how many bytes its document has.
async fn read(
    gateway: &Parts,
    workspace: TenantWorkspaceId,
    id: &str,
) -> Result<(Option<StoredResponse>, usize), GatewayError> {
    let Ok(id) = id.parse::<ResponseId>() else { return Ok((None, 0)) };
    let row = match gateway.catalog.response(workspace, &id).await {
        Ok(row) => row,
        Err(CatalogError::NotFound { .. }) => return Ok((None, 0)),
        Err(error) => return Err(error.into()),
    };
    let read = serde_json::from_slice(&row.document);
    if read.is_err() {
        // Never with the text: it is a conversation.
        warn!(response.id = %id, "a response that was kept cannot be read");
    }
    Ok((read.ok(), row.document.len()))
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

    #[test]
    fn responses_are_looked_for_once_each_and_the_latest_first() {
        let items = ["rs_A_0", "msg_A_1", "rs_B_0", "ws_1", "msg_C_0", "rs_A_3", "rs_D_0"].map(str::to_owned);
        assert_eq!(others(&items, Some("resp_D")), ["resp_A", "resp_C", "resp_B"]);
        assert_eq!(others(&items[..2], None), ["resp_A"]);
    }

    #[test]
    fn reading_ends_with_the_number_of_responses_or_with_their_bytes() {
        let spent = |allowance: &mut Allowance, bytes| {
            allowance.spend(bytes);
            allowance.is_spent()
        };
        let mut allowance = Allowance::default();
        assert_eq!((0..16).filter(|_| !spent(&mut allowance, 1)).count(), 15);
        let mut allowance = Allowance::default();
        assert!(!allowance.is_spent());
        assert!(!spent(&mut allowance, 31 << 20));
        assert!(spent(&mut allowance, 8 << 20));
    }
}
