//! Where a translated request goes, and what holds for it there: its provider and model, the facts about that model, the
//! files it names, how faithful its translation must be.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_catalog::Snapshot;
use portcullis_provider::models::ModelTable;
use portcullis_provider::routes::Route;
use portcullis_provider::{KnownFiles, Target, Warnings};
use portcullis_types::{ModelId, TranslationOptions};

use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::fidelity;
use crate::gateway::Parts;
use crate::openai::known_files::known_files;
use crate::retirement;
use crate::way::{self, Admitted, Authenticated};

/// Where a request goes. It owns what a translation reads.
pub(crate) struct Destination {
    pub(crate) admitted: Admitted,
    pub(crate) model: ModelId,
    pub(crate) options: TranslationOptions,
    models: Arc<ModelTable>,
    files: KnownFiles,
}

impl Destination {
    /// Resolves and admits a request for `model`, and looks up what its translation needs to know.
    ///
    /// - `files`: ids that the request names; nothing is looked up when there are none.
    pub(crate) async fn of(
        gateway: &Parts,
        caller: Authenticated,
        (headers, snapshot): (&HeaderMap, Arc<Snapshot>),
        (model, route): (&str, &'static Route),
        files: impl IntoIterator<Item = String>,
    ) -> Result<Self, GatewayError> {
        let (resolved, model) = way::resolve(caller, headers, &snapshot, model)?;
        let admitted = way::admit(resolved, route)?;
        drop(snapshot);
        retirement::check(gateway, &model)?;
        let options = fidelity::options(gateway, &admitted, headers)?;
        let files = known_files(gateway, admitted.workspace, &admitted.provider, files).await?;
        Ok(Self { admitted, model, options, models: gateway.settings.models.load_full(), files })
    }

    /// What a translation goes by.
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            model: &self.model,
            facts: self.models.find(&self.model),
            files: &self.files,
            options: self.options,
        }
    }
}

/// Says in the head of an answer which model was asked for, what was lost on the way, and what concerns that model's life.
pub(crate) fn tell(
    gateway: &Parts,
    arrival: &Arrival,
    (model, warnings): (&ModelId, &Warnings),
    status: StatusCode,
    headers: &mut HeaderMap,
) {
    arrival.stamp(headers);
    fidelity::tell(headers, warnings);
    retirement::tell(gateway, model, status, headers);
    // The answer's own `model` is the one that served.
    if let Ok(value) = HeaderValue::from_str(model.as_str()) {
        headers.insert("x-portcullis-model", value);
    }
}
