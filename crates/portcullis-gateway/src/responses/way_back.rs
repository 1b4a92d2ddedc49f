//! A message becomes a response, its events the response's events, and either is kept.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use portcullis_catalog::{Catalog, StoredResponse as Row};
use portcullis_provider::anthropic::accumulator::Flow;
use portcullis_provider::anthropic::paused::PausedTurn;
use portcullis_provider::error::{ApiError, UpstreamError};
use portcullis_provider::responses::request::{ResponsesRequest, TranslatedResponses};
use portcullis_provider::responses::response::{Answer, to_response};
use portcullis_provider::responses::stored::StoredResponse;
use portcullis_provider::responses::stream::ResponsesStream;
use portcullis_provider::sse::Event;
use portcullis_provider::usage::Usage;
use portcullis_types::{ProviderId, SharedClock, TenantWorkspaceId};
use tracing::warn;

use crate::arrival::Arrival;
use crate::body::errands::{Keep, Keepsake};
use crate::body::translation::Translates;
use crate::exchange::{WayBack, Whole};
use crate::gateway::Parts;
use crate::way::Admitted;

/// How long an answer waits for being kept.
const LONGEST: Duration = Duration::from_secs(5);

/// Where answers are kept, for whom, and how long.
#[derive(Clone)]
pub(super) struct Keeping {
    catalog: Catalog,
    workspace: TenantWorkspaceId,
    provider: ProviderId,
    retention: Duration,
    clock: SharedClock,
}

impl Keeping {
    pub(super) fn of(gateway: &Parts, admitted: &Admitted) -> Self {
        Self {
            catalog: gateway.catalog.clone(),
            workspace: admitted.workspace,
            provider: admitted.provider.provider_id,
            retention: gateway.settings.response_retention.unwrap_or_default(),
            clock: Arc::clone(&gateway.clock),
        }
    }

    /// Keeps an answer, whoever still listens. One that cannot be kept is answered all the same: it was paid for.
    async fn keep(self, Keepsake { id, model, document }: Keepsake) {
        let Ok(response_id) = id.parse() else {
            warn!("a response could not be kept: its id is none");
            return;
        };
        let now = self.clock.now();
        let row = Row {
            id: response_id,
            workspace_id: self.workspace,
            provider_id: self.provider,
            model,
            created_at: now.into(),
            expires_at: (now + self.retention).into(),
            document,
        };
        let writing = tokio::spawn(async move { self.catalog.put_response(&row).await });
        match tokio::time::timeout(LONGEST, writing).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => {
                warn!(response.id = id, error.cause = %error, "a response could not be kept")
            }
            Ok(Err(_)) => warn!(response.id = id, "a response could not be kept: a defect"),
            Err(_) => {
                warn!(response.id = id, "keeping a response takes long; the answer did not wait for it")
            }
        }
    }
}

/// Messages become responses.
pub(super) struct ResponsesWayBack {
    asked: Arc<Asked>,
    keeping: Option<Keeping>,
    created: u64,
    continuations: u8,
    clock: SharedClock,
}

/// What was asked: the client's own bytes, and what they became.
struct Asked {
    body: Bytes,
    translated: TranslatedResponses,
}

impl Asked {
    fn keepsake(&self, answer: &Answer) -> Option<Keepsake> {
        let request = ResponsesRequest::parse(&self.body).ok()?;
        let stored = StoredResponse::new(&request, &self.translated, answer);
        let document = serde_json::to_vec(&stored).ok()?;
        Some(Keepsake { id: answer.id.clone(), model: answer.model.clone(), document })
    }
}

impl ResponsesWayBack {
    pub(super) fn new(
        arrival: &Arrival,
        body: Bytes,
        translated: TranslatedResponses,
        keeping: Option<Keeping>,
        continuations: u8,
        clock: SharedClock,
    ) -> Self {
        let asked = Arc::new(Asked { body, translated });
        Self { asked, keeping, created: arrival.created, continuations, clock }
    }
}

impl WayBack for ResponsesWayBack {
    type Stream = KeptStream;

    fn streams(&self) -> bool {
        self.asked.translated.context.client_streams
    }

    fn refusal(&self, error: &UpstreamError) -> ApiError {
        error.to_openai(&self.asked.translated.context.upstream)
    }

    fn continuations(&self) -> u8 {
        self.continuations
    }

    fn whole(&self, message: &[u8]) -> Result<Whole, ApiError> {
        let now = unix_seconds(&self.clock);
        let answer = to_response(message, &self.asked.translated.context, self.created, now)?;
        let keepsake = self.keeping.as_ref().and_then(|_| self.asked.keepsake(&answer));
        let Answer { body, usage, stop_reason, .. } = answer;
        Ok(Whole { body, usage, stop_reason, keepsake })
    }

    fn stream(&self) -> KeptStream {
        let stream = ResponsesStream::new(self.asked.translated.context.clone(), self.created);
        KeptStream {
            stream: stream.with_continuations(self.continuations),
            asked: self.keeping.is_some().then(|| Arc::clone(&self.asked)),
            clock: Arc::clone(&self.clock),
        }
    }

    fn keeper(&self) -> Option<Keep> {
        let keeping = self.keeping.clone()?;
        Some(Arc::new(move |keepsake| keeping.clone().keep(keepsake).boxed()))
    }
}

fn unix_seconds(clock: &SharedClock) -> u64 {
    clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A translation whose answer may be kept.
pub(super) struct KeptStream {
    stream: ResponsesStream,
    /// Present when the answer is to be kept.
    asked: Option<Arc<Asked>>,
    clock: SharedClock,
}

impl Translates for KeptStream {
    fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<Flow, ApiError> {
        self.stream.set_now(unix_seconds(&self.clock));
        self.stream.push(event, out)
    }

    fn end(&self) -> Result<(), ApiError> {
        self.stream.end()
    }

    fn is_started(&self) -> bool {
        self.stream.is_started()
    }

    fn fail(&mut self, error: &ApiError) -> Vec<u8> {
        let mut out = Vec::new();
        self.stream.fail(error, &mut out);
        out
    }

    fn usage(&self) -> (&Usage, Option<&str>) {
        (self.stream.usage(), self.stream.stop_reason())
    }

    fn paused(&self) -> Option<PausedTurn> {
        self.stream.paused()
    }

    fn resume(&mut self) {
        self.stream.resume();
    }

    fn keepsake(&self) -> Option<Keepsake> {
        self.asked.as_ref()?.keepsake(self.stream.answer()?)
    }
}
