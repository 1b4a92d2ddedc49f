//! One line of the input as it goes upstream, and what the way back needs to know of it.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use portcullis_catalog::CatalogError;
use portcullis_provider::error::ApiError;
use portcullis_provider::models::ModelTable;
use portcullis_provider::openai_batch::{BatchEndpoint, InlineItem, InputLine, LineError};
use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::warnings::WarningKind;
use portcullis_provider::{
    ChatRequest, Envelope, InvalidCode, InvalidRequest, KnownFiles, ResponseContext, Target, Warnings,
};
use portcullis_types::{ModelId, TranslationOptions};

use super::document::Form;
use super::job::Job;
use super::lines::FileLine;
use crate::anthropic::tenancy;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::openai::known_files::known_files;
use crate::way::{self, Admitted};
use crate::{fidelity, responses, retirement};

/// A line that can be sent.
pub(super) struct Prepared {
    pub(super) custom_id: String,
    /// The upstream's `params`.
    pub(super) params: Bytes,
    pub(super) betas: Vec<String>,
    pub(super) warnings: Warnings,
    pub(super) context: LineContext,
}

/// What the translation of the answer needs to know about the line.
pub(super) enum LineContext {
    Chat(Box<ResponseContext>),
    Responses(Box<ResponsesContext>),
}

impl LineContext {
    /// For errors of the upstream's, which read alike in both.
    pub(super) fn of_errors(&self) -> &ResponseContext {
        match self {
            Self::Chat(context) => context,
            Self::Responses(context) => &context.upstream,
        }
    }
}

impl LineContext {
    /// What is assumed of a line that can be translated no more: an answer to it is of its endpoint's kind all the same.
    pub(super) fn unknown(form: Form) -> Self {
        match form {
            Form::Lines(BatchEndpoint::Responses) => Self::Responses(Box::default()),
            Form::Lines(BatchEndpoint::ChatCompletions) | Form::Requests => Self::Chat(Box::default()),
        }
    }
}

impl Prepared {
    /// What is assumed of a line that was sent, and that can be prepared no more.
    pub(super) fn unknown(form: Form, custom_id: String) -> Self {
        let context = LineContext::unknown(form);
        Self { custom_id, context, ..Self::plain(Bytes::new()) }
    }

    fn plain(params: Bytes) -> Self {
        Self {
            custom_id: String::new(),
            params,
            betas: Vec::new(),
            warnings: Warnings::default(),
            context: LineContext::Chat(Box::default()),
        }
    }
}

/// A line that cannot be sent; its line of the error file says why.
pub(super) struct Unsendable {
    pub(super) custom_id: String,
    pub(super) error: ApiError,
}

/// How the lines of a batch are translated: the same for all of them.
pub(super) struct Translator<'a> {
    gateway: &'a Parts,
    form: Form,
    admitted: &'a Admitted,
    headers: HeaderMap,
    options: TranslationOptions,
    models: Arc<ModelTable>,
}

impl<'a> Translator<'a> {
    pub(super) fn new(job: &Job<'a>, admitted: &'a Admitted) -> Self {
        let settings = &job.gateway.settings;
        let headers = job.document.asked_by.headers();
        // The headers were read when the batch was made.
        let options = fidelity::options(job.gateway, admitted, &headers).unwrap_or(settings.translation);
        let (gateway, form, models) = (job.gateway, job.document.form, settings.models.load_full());
        Self { gateway, form, admitted, headers, options, models }
    }

    /// Prepares a line that validation let through.
    ///
    /// # Errors
    /// When the catalog cannot be asked for what the line names.
    pub(super) async fn prepare(
        &self,
        line: &FileLine,
    ) -> Result<Result<Prepared, Unsendable>, CatalogError> {
        match self.form {
            Form::Requests => match InlineItem::parse(&line.bytes, line.number) {
                Ok(item) => settled(&item.custom_id, self.native(&item).await),
                Err(error) => Ok(Err(changed(&error))),
            },
            Form::Lines(endpoint) => match InputLine::parse(&line.bytes, line.number, endpoint) {
                Ok(item) => settled(&item.custom_id, self.translate(endpoint, &item).await),
                Err(error) => Ok(Err(changed(&error))),
            },
        }
    }

    async fn translate(
        &self,
        endpoint: BatchEndpoint,
        line: &InputLine<'_>,
    ) -> Result<Prepared, GatewayError> {
        let prepared = match endpoint {
            BatchEndpoint::ChatCompletions => self.chat(line.body.as_bytes()).await?,
            BatchEndpoint::Responses => self.response(line.body.as_bytes()).await?,
        };
        self.check_references(&prepared.params).await?;
        Ok(prepared)
    }

    async fn chat(&self, body: &[u8]) -> Result<Prepared, GatewayError> {
        let chat = ChatRequest::parse(body)?.with_header_betas(way::client_betas(&self.headers));
        let model = self.model(chat.model())?;
        let files = self.files(chat.file_ids()).await?;
        let translated = chat.into_messages(&self.target(&model, &files))?;
        let params = translated.to_batch_params()?.into();
        let context = LineContext::Chat(Box::new(translated.context));
        Ok(Prepared {
            betas: translated.betas,
            warnings: translated.warnings,
            context,
            ..Prepared::plain(params)
        })
    }

    /// Responses of a batch are not kept: nobody waits for them to continue.
    async fn response(&self, body: &[u8]) -> Result<Prepared, GatewayError> {
        let asked = ResponsesRequest::parse(body)?.with_header_betas(way::client_betas(&self.headers));
        let model = self.model(asked.model())?;
        let recalled = responses::recalled(self.gateway, self.admitted.workspace, &asked).await?;
        let files = self.files(asked.file_ids()).await?;
        let translated = asked.to_messages(&self.target(&model, &files), recalled.as_ref())?;
        let params = translated.to_batch_params()?.into();
        let (mut context, mut warnings) = (translated.context, translated.warnings);
        context.store = false;
        if asked.store() == Some(true) {
            warnings.add(WarningKind::Ignored, "store");
        }
        let context = LineContext::Responses(Box::new(context));
        Ok(Prepared { betas: translated.betas, warnings, context, ..Prepared::plain(params) })
    }

    /// A request in the upstream's own dialect: its bytes but for the model.
    async fn native(&self, item: &InlineItem<'_>) -> Result<Prepared, GatewayError> {
        let params = Bytes::copy_from_slice(item.params.as_bytes());
        let envelope = Envelope::scan(&params)?;
        let model = self.model(&envelope.model)?;
        let params = envelope.splice_model(&params, &model);
        self.check_references(&params).await?;
        Ok(Prepared { betas: way::client_betas(&self.headers).collect(), ..Prepared::plain(params) })
    }

    fn target<'t>(&'t self, model: &'t ModelId, files: &'t KnownFiles) -> Target<'t> {
        Target { model, facts: self.models.find(model), files, options: self.options }
    }

    async fn files(&self, ids: impl IntoIterator<Item = String>) -> Result<KnownFiles, GatewayError> {
        Ok(known_files(self.gateway, self.admitted.workspace, &self.admitted.provider, ids).await?)
    }

    async fn check_references(&self, params: &Bytes) -> Result<(), GatewayError> {
        tenancy::check_references(self.gateway, self.admitted, &self.headers, params).await
    }

    /// The upstream's id of a line's model, unless it is one that is no more.
    fn model(&self, text: &str) -> Result<ModelId, GatewayError> {
        let model = way::parse_model(text)?.model;
        retirement::check(self.gateway, &model)?;
        Ok(model)
    }
}

/// A line's own id, read without anything that its translation needs.
pub(super) fn custom_id(form: Form, line: &FileLine) -> String {
    let read = match form {
        Form::Requests => InlineItem::parse(&line.bytes, line.number).map(|item| item.custom_id),
        Form::Lines(endpoint) => {
            InputLine::parse(&line.bytes, line.number, endpoint).map(|line| line.custom_id)
        }
    };
    read.map(std::borrow::Cow::into_owned).unwrap_or_default()
}

/// What is wrong with a line is the line's; that the catalog cannot be asked is not.
fn settled(
    custom_id: &str,
    prepared: Result<Prepared, GatewayError>,
) -> Result<Result<Prepared, Unsendable>, CatalogError> {
    let custom_id = custom_id.to_owned();
    match prepared {
        Ok(prepared) => Ok(Ok(Prepared { custom_id, ..prepared })),
        Err(GatewayError::Catalog(error)) => Err(error),
        Err(error) => Ok(Err(Unsendable { custom_id, error: error.to_client() })),
    }
}

/// Validation let the line through, and now it is another: somebody writes into the database.
fn changed(error: &LineError) -> Unsendable {
    let error =
        InvalidRequest { code: InvalidCode::InvalidJson, param: None, message: error.message.clone() };
    Unsendable { custom_id: String::new(), error: error.into() }
}
