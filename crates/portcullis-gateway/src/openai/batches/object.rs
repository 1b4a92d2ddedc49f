//! A batch as clients read it.

use portcullis_catalog::{BatchState, CatalogError, StoredBatch};
use portcullis_provider::openai_batch::{BatchErrors, BatchObject};

use super::document::{Document, Form, Times};

/// The object of a stored batch.
///
/// - `base`: the gateway's own address, for `results_url`; none leaves it out.
pub(super) fn batch_object(batch: &StoredBatch, base: Option<&str>) -> Result<BatchObject, CatalogError> {
    let document = Document::of(batch)?;
    let id = batch.id.to_string();
    let Times { in_progress, expires, finalizing, completed, failed, expired, cancelling, cancelled } =
        document.times;
    let has_results = batch.output_file_id.is_some() || batch.error_file_id.is_some();
    let results_url = base.filter(|_| has_results).map(|base| format!("{base}/v1/batches/{id}/output"));
    let requested = batch.cancel_requested_at.filter(|_| !batch.state.is_over());
    Ok(BatchObject {
        id,
        object: "batch",
        endpoint: match document.form {
            Form::Lines(endpoint) => endpoint.as_str().to_owned(),
            Form::Requests => "/v1/batches".to_owned(),
        },
        model: document.model,
        errors: BatchErrors::of(&document.errors),
        input_file_id: batch.input_file_id.map(|id| id.to_string()),
        completion_window: "24h",
        status: status(batch),
        output_file_id: batch.output_file_id.map(|id| id.to_string()),
        error_file_id: batch.error_file_id.map(|id| id.to_string()),
        created_at: batch.created_at.unix_timestamp(),
        in_progress_at: in_progress,
        expires_at: expires,
        finalizing_at: finalizing,
        completed_at: completed,
        failed_at: failed,
        expired_at: expired,
        cancelling_at: cancelling.or(requested.map(time::OffsetDateTime::unix_timestamp)),
        cancelled_at: cancelled,
        request_counts: document.counts,
        usage: document.usage,
        metadata: document.metadata,
        results_url,
    })
}

/// OpenAI's word. A cancellation shows from the moment it was asked for.
fn status(batch: &StoredBatch) -> &'static str {
    match batch.state {
        BatchState::Validating | BatchState::InProgress if batch.cancel_requested_at.is_some() => {
            BatchState::Cancelling.as_str()
        }
        state => state.as_str(),
    }
}
