//! A part of a batch goes upstream: as many lines as fit into one batch there.
//!
//! First the part is put together, then the intent is written down, then it is sent, then its id is written down. Whoever
//! finds an intent without an id goes by `recover`.

use std::ops::Range;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use portcullis_catalog::{CatalogError, UpstreamObject, UpstreamObjectKind};
use portcullis_provider::ResponseContext;
use portcullis_provider::error::{ApiError, UpstreamError};
use portcullis_provider::openai_batch::LineError;
use time::OffsetDateTime;

use super::document::{Part, PartState};
use super::draft::Draft;
use super::job::{Job, Next, Stop};
use super::wire::{self, UpstreamBatch};
use crate::content::Content;
use crate::error::GatewayError;
use crate::openai::errand::{Reply, payload};
use crate::spool::Spool;
use crate::way::Admitted;

pub(super) const BATCHES: &str = "/v1/messages/batches";

/// How long sending may take. Shorter than a lease: nobody else may look for the part while it is on its way.
pub(super) const SEND_LIMIT: Duration = Duration::from_secs(240);
const _: () = assert!(SEND_LIMIT.as_secs() < portcullis_catalog::BATCH_LEASE.as_secs());
/// After the first failure to send; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The upstream keeps results for 29 days, and knows of a batch a little longer.
const KNOWN_UPSTREAM: time::Duration = time::Duration::days(31);
const USER_PROFILE: HeaderName = HeaderName::from_static("anthropic-user-profile-id");

/// What came of sending a part.
enum Sent {
    Accepted(UpstreamBatch),
    /// It is not there, and would not be if it were sent again.
    Refused(ApiError),
    /// It is not there, and may be sent again.
    NotNow,
    /// Nobody knows.
    Unknown,
}

impl Job<'_> {
    /// Sends the next lines.
    pub(super) async fn send_part(&mut self) -> Result<Next, Stop> {
        let admitted = match self.admit("POST", BATCHES) {
            Ok(admitted) => admitted,
            Err(error) => return Ok(self.give_up(error.to_client())),
        };
        let lines = self.document.next_lines();
        let first = lines.start;
        let Draft { end, n_requests, betas, spool } = self.draft(&admitted, lines).await?;
        let state = if n_requests == 0 { PartState::Empty } else { PartState::Sending { since: self.now() } };
        let part_idx = self.document.add_part(Part { first, end, n_requests, state });
        self.save().await?;
        if n_requests == 0 {
            return Ok(Next::Again);
        }
        let sent = self.post(&admitted, spool, &betas).await;
        self.note_sent(&admitted, part_idx, sent).await
    }

    async fn post(&self, admitted: &Admitted, spool: Spool, betas: &[String]) -> Sent {
        let content = Content::Spooled { kind: HeaderValue::from_static("application/json"), spool };
        let mut payload = match payload(Method::POST, BATCHES, None, content, betas) {
            Ok(payload) => payload,
            Err(error) => return Sent::Refused(error.to_client()),
        };
        if let Some(profile) = self.document.asked_by.headers().remove(USER_PROFILE) {
            payload.headers.insert(USER_PROFILE, profile);
        }
        let errand = self.errand(admitted);
        match tokio::time::timeout(SEND_LIMIT, errand.ask(&payload)).await {
            Ok(Ok(Reply::Done(body))) => wire::batch(&body).map_or(Sent::Unknown, Sent::Accepted),
            Ok(Ok(Reply::Refused(error))) => after_refusal(&error),
            Ok(Err(error)) => after_failure(&error),
            Err(_) => Sent::Unknown,
        }
    }

    async fn note_sent(&mut self, admitted: &Admitted, part_idx: usize, sent: Sent) -> Result<Next, Stop> {
        match sent {
            Sent::Accepted(accepted) => {
                self.accept(admitted, part_idx, accepted).await?;
                Ok(Next::Again)
            }
            Sent::Refused(error) => {
                self.document.parts.remove(part_idx);
                Ok(self.give_up(error))
            }
            Sent::NotNow => {
                self.document.parts.remove(part_idx);
                Ok(Next::Wait(self.pause_after_failure()))
            }
            Sent::Unknown => Ok(Next::Wait(self.gateway.settings.batches.recover_after)),
        }
    }

    /// The upstream said under which id it has a part.
    async fn accept(
        &mut self,
        admitted: &Admitted,
        part_idx: usize,
        batch: UpstreamBatch,
    ) -> Result<(), CatalogError> {
        self.document.n_failures = 0;
        self.document.times.expires = self.document.times.expires.max(batch.expires_at());
        self.document.parts[part_idx].state = PartState::Sent { id: batch.id.clone(), unsure_since: None };
        self.save().await?;
        self.record(admitted, batch.id).await
    }

    /// Records that an upstream batch is the workspace's.
    pub(super) async fn record(&self, admitted: &Admitted, upstream_id: String) -> Result<(), CatalogError> {
        let now = OffsetDateTime::from(self.gateway.clock.now());
        let object = UpstreamObject {
            kind: UpstreamObjectKind::Batch,
            anthropic_workspace_id: admitted.provider.platform.workspace_id.clone(),
            upstream_id,
            workspace_id: self.batch.workspace_id,
            provider_id: admitted.provider.provider_id,
            created_at: now,
            expires_at: Some(now + KNOWN_UPSTREAM),
        };
        match self.gateway.catalog.record_upstream_object(object).await {
            // Somebody says it is theirs: nothing is gained by stopping here.
            Err(CatalogError::Conflict { .. }) => Ok(()),
            recorded => recorded,
        }
    }

    /// Whoever was killed between sending and recording left no record.
    pub(super) async fn record_if_missing(
        &self,
        admitted: &Admitted,
        upstream_id: String,
    ) -> Result<(), CatalogError> {
        let (workspace, kind) = (self.batch.workspace_id, UpstreamObjectKind::Batch);
        match self.gateway.catalog.upstream_object(workspace, kind, &upstream_id).await? {
            Some(_) => Ok(()),
            None => self.record(admitted, upstream_id).await,
        }
    }

    /// The rest cannot be sent. With nothing sent yet the batch failed; else its lines are told so one by one.
    fn give_up(&mut self, error: ApiError) -> Next {
        let code = error.code.as_deref().unwrap_or("invalid_request").to_owned();
        let is_first = self.document.parts.iter().all(|part| part.state == PartState::Empty);
        if is_first {
            let errors =
                vec![LineError { code: code.into(), line: None, message: error.message, param: None }];
            self.fail(errors);
        } else {
            let Range { start: first, end } = self.document.next_lines();
            let state = PartState::Lost { status: error.status, code, message: error.message };
            self.document.add_part(Part { first, end, n_requests: 0, state });
        }
        Next::Again
    }

    /// How long to wait after yet another failure.
    pub(super) fn pause_after_failure(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.document.n_failures.min(10));
        self.document.n_failures += 1;
        pause.min(LONGEST_PAUSE)
    }
}

/// The upstream answered. What it refuses it has not taken on; of a failure of its own nobody knows.
fn after_refusal(error: &UpstreamError) -> Sent {
    match error.status {
        408 | 409 | 425 | 429 | 529 => Sent::NotNow,
        400..=499 => Sent::Refused(error.to_openai(&ResponseContext::default())),
        _ => Sent::Unknown,
    }
}

/// Nothing came back. Whether it went out is known only when it could not.
fn after_failure(error: &GatewayError) -> Sent {
    match error {
        GatewayError::Credentials(error) if error.is_retryable() => Sent::NotNow,
        GatewayError::Unreachable(source) if source.is_connect() => Sent::NotNow,
        GatewayError::Credentials(_) | GatewayError::Sign(_) | GatewayError::UnusableApiKey => {
            Sent::Refused(error.to_client())
        }
        _ => Sent::Unknown,
    }
}
