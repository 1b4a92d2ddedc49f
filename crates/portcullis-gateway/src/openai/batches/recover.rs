//! A part whose sending was begun, and of which nobody knows whether it arrived.
//!
//! The process was killed, or the upstream broke off. The part must not be sent a second time if it is there: it is looked
//! for among the upstream's batches, by the time it was sent at and the number of its requests, those left out that
//! somebody's record explains. None: it never arrived, and is sent again. Otherwise the first is taken for it until it has
//! ended: the ids in its results tell whether it was (see `poll`), and if not, the next one is looked at.

use std::time::Duration;

use http::Method;
use portcullis_catalog::{CatalogError, UpstreamObjectKind};

use super::document::{Part, PartState};
use super::job::{Job, Next, Stop};
use super::send::{BATCHES, SEND_LIMIT};
use super::wire::{self, UpstreamBatch};
use crate::openai::errand::{Reply, bare};
use crate::way::Admitted;

/// How far the upstream's clock may be from ours, in seconds.
const CLOCKS_APART: i64 = 120;
const PAGE: usize = 100;
/// More pages are not looked through: the part is among the newest.
const MOST_PAGES: usize = 50;

impl Job<'_> {
    /// The part whose sending was begun, if there is one.
    pub(super) fn unsure_part(&self) -> Option<(usize, i64)> {
        self.document.parts.iter().enumerate().find_map(|(idx, part)| match part.state {
            PartState::Sending { since } => Some((idx, since)),
            _ => None,
        })
    }

    /// Finds out what became of it.
    ///
    /// - `since`: when its sending was begun, in Unix seconds.
    pub(super) async fn recover(&mut self, part_idx: usize, since: i64) -> Result<Next, Stop> {
        let patience = self.gateway.settings.batches.recover_after;
        let waited = Duration::from_secs(u64::try_from(self.now() - since).unwrap_or(0));
        if waited < patience {
            return Ok(Next::Wait(patience - waited));
        }
        let Ok(admitted) = self.admit("GET", BATCHES) else {
            return Ok(Next::Wait(self.pause_after_failure()));
        };
        let part = self.document.parts[part_idx].clone();
        let Some(found) = self.look_for(&admitted, &part, since).await? else {
            return Ok(Next::Wait(self.pause_after_failure()));
        };
        self.document.n_failures = 0;
        tracing::warn!(batch.id = %self.batch.id, candidates = found.len(), "a part of a batch was left while it was sent");
        match found.into_iter().next() {
            None => drop(self.document.parts.remove(part_idx)),
            Some(UpstreamBatch { id, .. }) => {
                self.document.parts[part_idx].state = PartState::Sent { id, unsure_since: Some(since) };
            }
        }
        Ok(Next::Again)
    }

    /// What may be the part; nothing when the upstream cannot be asked now.
    async fn look_for(
        &self,
        admitted: &Admitted,
        part: &Part,
        since: i64,
    ) -> Result<Option<Vec<UpstreamBatch>>, CatalogError> {
        let latest = since + i64::try_from(SEND_LIMIT.as_secs()).unwrap_or(0) + CLOCKS_APART;
        let times = (since - CLOCKS_APART)..=latest;
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let Some(page) = self.page(admitted, after.as_deref()).await else { return Ok(None) };
            let is_past = page.data.iter().any(|one| one.created_at().is_some_and(|at| at < *times.start()));
            for one in page.data {
                let fits = one.created_at().is_some_and(|at| times.contains(&at))
                    && one.request_counts.total() == part.n_requests;
                if fits && !self.is_explained(admitted, &one.id).await? {
                    found.push(one);
                }
            }
            match page.last_id {
                Some(last) if page.has_more && !is_past => after = Some(last),
                _ => return Ok(Some(found)),
            }
        }
        Ok(None)
    }

    async fn page(&self, admitted: &Admitted, after: Option<&str>) -> Option<wire::UpstreamBatches> {
        let mut query = format!("limit={PAGE}");
        if let Some(after) = after {
            query = format!("after_id={after}&{query}");
        }
        match self.errand(admitted).ask(&bare(Method::GET, BATCHES, Some(&query))).await {
            Ok(Reply::Done(body)) => wire::batches(&body).ok(),
            Ok(Reply::Refused(_)) | Err(_) => None,
        }
    }

    async fn is_explained(&self, admitted: &Admitted, upstream_id: &str) -> Result<bool, CatalogError> {
        let workspace = &admitted.provider.platform.workspace_id;
        let kind = UpstreamObjectKind::Batch;
        let is_ours = self.document.parts.iter().any(|part| part.state.id() == Some(upstream_id))
            || self.document.not_ours.iter().any(|id| id == upstream_id);
        let known = self.gateway.catalog.upstream_object_of_anybody(workspace, kind, upstream_id).await?;
        Ok(is_ours || known.is_some())
    }
}
