//! Metrics, for whoever scrapes with a key. What they are is the binary's to say; who sees which is decided here.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use portcullis_credentials::BoxFuture;
use portcullis_types::OrganisationId;

use crate::AdminState;
use crate::authentication::Caller;
use crate::error::AdminError;
use crate::permissions;

/// Makes a page of metrics.
pub trait ShowsMetrics: Send + Sync {
    /// The page, as of now.
    ///
    /// - `organisation`: the one whose integrations it names; `None` for all.
    fn page(&self, organisation: Option<OrganisationId>) -> BoxFuture<'_, String>;

    /// The page's media type.
    fn media_type(&self) -> &'static str;
}

/// Where metrics are shown.
#[derive(Clone)]
pub enum Metrics {
    /// Here, at `/metrics`, to an organisation's key.
    Here(Arc<dyn ShowsMetrics>),
    /// On a listener of their own, or nowhere: here there are none.
    Elsewhere,
}

/// `GET /metrics`.
pub(crate) async fn show_metrics(
    caller: Caller,
    State(state): State<AdminState>,
) -> Result<Response, AdminError> {
    permissions::require_organisation(&caller, "see metrics")?;
    match &state.metrics {
        Metrics::Here(metrics) => {
            let page = metrics.page(Some(caller.organisation_id)).await;
            Ok(([(CONTENT_TYPE, metrics.media_type())], page).into_response())
        }
        Metrics::Elsewhere => Err(AdminError::NotFound(
            "page: metrics have a listener of their own (`PORTCULLIS_METRICS_LISTEN`)",
        )),
    }
}
