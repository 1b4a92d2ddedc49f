//! A stream put together into the message it would have been: for clients that do not stream, where the upstream does.

use bytes::Bytes;
use http_body_util::BodyExt;
use portcullis_provider::anthropic::accumulator::{Flow, MessageAccumulator};
use portcullis_provider::sse;

use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::upstream::UpstreamBody;
use crate::way::Settlement;

/// Reads a stream to its end.
///
/// # Errors
/// When it fails, breaks off, is silent or takes too long, or is too large. The record is closed then, with what was
/// counted.
pub(super) async fn aggregate(
    gateway: &Parts,
    body: UpstreamBody,
    settlement: Settlement,
) -> Result<(Bytes, Settlement), GatewayError> {
    let mut aggregation = Aggregation { message: MessageAccumulator::new(), settlement };
    let limit = gateway.settings.answer_timeout;
    let read = tokio::time::timeout(limit, aggregation.read(gateway, body)).await;
    aggregation.note_usage();
    let (message, settlement) = (std::mem::take(&mut aggregation.message), aggregation.settlement.take());
    let read = read.unwrap_or(Err(GatewayError::UpstreamTimeout { limit }));
    match read.and_then(|()| Ok(message.finish()?)) {
        Ok(message) => Ok((message.into(), settlement)),
        Err(error) => Err(settlement.refused(error)),
    }
}

/// A message that is being put together. What was counted is noted also when it never becomes whole.
struct Aggregation {
    message: MessageAccumulator,
    settlement: Settlement,
}

impl Aggregation {
    async fn read(&mut self, gateway: &Parts, mut body: UpstreamBody) -> Result<(), GatewayError> {
        let mut decoder = sse::Decoder::new(gateway.settings.max_event_bytes);
        let (patience, limit) = (gateway.settings.stream_idle_timeout, gateway.settings.max_answer_bytes);
        let (mut n_bytes, mut done) = (0, false);
        while !done {
            let frame = tokio::time::timeout(patience, body.frame()).await;
            let frame = frame.map_err(|_| GatewayError::UpstreamTimeout { limit: patience })?;
            let Some(frame) = frame else { break };
            let data: Bytes = frame.map_err(GatewayError::broken_answer)?.into_data().unwrap_or_default();
            n_bytes += data.len();
            if n_bytes > limit {
                return Err(GatewayError::AnswerTooLarge { limit });
            }
            decoder.push(&data, |event| {
                done |= matches!(self.message.push(event)?, Flow::Done);
                Ok::<_, GatewayError>(())
            })?;
        }
        Ok(())
    }

    fn note_usage(&mut self) {
        self.settlement.used(self.message.usage(), None);
    }
}

impl Drop for Aggregation {
    fn drop(&mut self) {
        self.note_usage();
    }
}
