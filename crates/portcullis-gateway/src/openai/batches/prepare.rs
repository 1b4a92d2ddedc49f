//! One line of the input as it goes upstream, and what the way back needs to know of it.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_catalog::{CatalogError, ResolvedProvider};
use portcullis_provider::anthropic::body::batch_params;
use portcullis_provider::error::ApiError;
use portcullis_provider::models::ModelTable;
use portcullis_provider::openai_batch::{BatchEndpoint, InlineItem, InputLine, LineError};
use portcullis_provider::{
    ChatRequest, Envelope, InvalidCode, InvalidRequest, ResponseContext, Target, Warnings,
};
use portcullis_types::{ModelId, ModelRef, TranslationOptions};

use super::document::Form;
use super::job::Job;
use super::lines::FileLine;
use crate::fidelity;
use crate::openai::known_files::known_files;
use crate::way::Admitted;

/// A line that can be sent.
pub(super) struct Prepared {
    pub(super) custom_id: String,
    /// The upstream's `params`.
    pub(super) params: Bytes,
    pub(super) betas: Vec<String>,
    pub(super) warnings: Warnings,
    pub(super) context: ResponseContext,
}

impl Prepared {
    /// What is assumed of a line that was sent, and that can be prepared no more.
    pub(super) fn unknown() -> Self {
        Self {
            custom_id: String::new(),
            params: Bytes::new(),
            betas: Vec::new(),
            warnings: Warnings::default(),
            context: ResponseContext::default(),
        }
    }
}

/// A line that cannot be sent; its line of the error file says why.
pub(super) struct Unsendable {
    pub(super) custom_id: String,
    pub(super) error: ApiError,
}

/// How the lines of a batch are translated: the same for all of them.
pub(super) struct Translator {
    form: Form,
    provider: Arc<ResolvedProvider>,
    options: TranslationOptions,
    models: Arc<ModelTable>,
}

impl Translator {
    pub(super) fn new(job: &Job<'_>, admitted: &Admitted) -> Self {
        let settings = &job.gateway.settings;
        let headers = job.document.asked_by.fidelity_headers();
        // The headers were read when the batch was made.
        let options = fidelity::options(job.gateway, admitted, &headers).unwrap_or(settings.translation);
        let provider = Arc::clone(&admitted.provider);
        Self { form: job.document.form, provider, options, models: settings.models.load_full() }
    }

    /// Prepares a line that validation let through.
    ///
    /// # Errors
    /// When the catalog cannot be asked for the files that the line names.
    pub(super) async fn prepare(
        &self,
        job: &Job<'_>,
        line: &FileLine,
    ) -> Result<Result<Prepared, Unsendable>, CatalogError> {
        let custom_id = |text: &str| text.to_owned();
        match self.form {
            Form::Requests => {
                let item = match InlineItem::parse(&line.bytes, line.number) {
                    Ok(item) => item,
                    Err(error) => return Ok(Err(changed(&error))),
                };
                Ok(native(&item).map_err(|error| Unsendable { custom_id: custom_id(&item.custom_id), error }))
            }
            Form::Lines(endpoint) => {
                let item = match InputLine::parse(&line.bytes, line.number, endpoint) {
                    Ok(item) => item,
                    Err(error) => return Ok(Err(changed(&error))),
                };
                let prepared = self.translate(job, endpoint, &item).await?;
                Ok(prepared.map_err(|error| Unsendable { custom_id: custom_id(&item.custom_id), error }))
            }
        }
    }

    async fn translate(
        &self,
        job: &Job<'_>,
        endpoint: BatchEndpoint,
        line: &InputLine<'_>,
    ) -> Result<Result<Prepared, ApiError>, CatalogError> {
        match endpoint {
            BatchEndpoint::ChatCompletions => self.chat(job, line).await,
            BatchEndpoint::Responses => {
                let message = "responses cannot be asked for in a batch here: use `/v1/chat/completions`";
                Ok(Err(InvalidRequest::at(InvalidCode::UnsupportedValue, "url", message).into()))
            }
        }
    }

    async fn chat(
        &self,
        job: &Job<'_>,
        line: &InputLine<'_>,
    ) -> Result<Result<Prepared, ApiError>, CatalogError> {
        let chat = match ChatRequest::parse(line.body.as_bytes()) {
            Ok(chat) => chat,
            Err(error) => return Ok(Err(error.into())),
        };
        let model = match self.model(job, chat.model()) {
            Ok(model) => model,
            Err(error) => return Ok(Err(error)),
        };
        let files = known_files(job.gateway, job.batch.workspace_id, &self.provider, chat.file_ids()).await?;
        let (facts, options) = (self.models.find(&model), self.options);
        let translated = chat.into_messages(&Target { model: &model, facts, files: &files, options });
        Ok(translated.map_err(ApiError::from).and_then(|translated| {
            let context = translated.context;
            let params = batch_params(&translated.body, context.client_streams, context.max_tokens_field)?;
            Ok(Prepared {
                custom_id: line.custom_id.clone().into_owned(),
                params: params.into(),
                betas: translated.betas,
                warnings: translated.warnings,
                context,
            })
        }))
    }

    /// The upstream's id of a line's model, unless it is one that is no more.
    fn model(&self, job: &Job<'_>, text: &str) -> Result<ModelId, ApiError> {
        let model = upstream_model(text)?;
        let today = time::OffsetDateTime::from(job.gateway.clock.now()).date();
        match self.models.refusal(&model, today) {
            Some(refusal) => Err(refusal),
            None => Ok(model),
        }
    }
}

/// A request in the upstream's own dialect: its bytes but for the model.
fn native(item: &InlineItem<'_>) -> Result<Prepared, ApiError> {
    let params = Bytes::copy_from_slice(item.params.as_bytes());
    let envelope = Envelope::scan(&params)?;
    let model = upstream_model(&envelope.model)?;
    Ok(Prepared {
        custom_id: item.custom_id.clone().into_owned(),
        params: envelope.splice_model(&params, &model),
        betas: Vec::new(),
        warnings: Warnings::default(),
        context: ResponseContext::default(),
    })
}

fn upstream_model(text: &str) -> Result<ModelId, ApiError> {
    let ModelRef { model, .. } = text.parse().map_err(|error| {
        InvalidRequest::at(InvalidCode::InvalidValue, "model", format!("`model` is no model: {error}"))
    })?;
    Ok(model)
}

/// Validation let the line through, and now it is another: somebody writes into the database.
fn changed(error: &LineError) -> Unsendable {
    let error = InvalidRequest::body(error.message.clone()).into();
    Unsendable { custom_id: String::new(), error }
}
