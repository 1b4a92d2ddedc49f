//! The limits that the data plane keeps.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis_provider::models::ModelTable;
use portcullis_types::TranslationOptions;

use crate::endpoint::UpstreamBase;
use crate::openai::batches::BatchSettings;

/// The facts about models, which an operator may change while the gateway runs. One `load` holds for one request.
pub type SharedModels = Arc<ArcSwap<ModelTable>>;

/// The limits of the data plane. The defaults are those of the Messages API and of its own clients.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Where requests go: by region, or to an operator's own address.
    pub upstream_base: UpstreamBase,
    /// Largest request body, in bytes. The Messages API takes 32 MB.
    pub max_request_bytes: usize,
    /// Largest body of a batch, in bytes. The Messages API takes 256 MB.
    pub max_batch_bytes: usize,
    /// Largest upload, in bytes. The Files API takes 500 MB.
    pub max_upload_bytes: usize,
    /// How long an upload may take to arrive whole.
    pub upload_timeout: Duration,
    /// Bytes of an upload that are held in memory; a larger one waits in a file.
    pub spool_memory_bytes: usize,
    /// The folder of such files; `None` for the system's own for temporary files (`TMPDIR`).
    pub spool_folder: Option<PathBuf>,
    /// The gateway's own address as clients know it, without a slash at its end; `None` to take it from each request.
    pub public_url: Option<String>,
    /// How long a request's body may take to arrive whole.
    pub request_body_timeout: Duration,
    /// Largest whole (not streamed) answer of the upstream, in bytes.
    pub max_answer_bytes: usize,
    /// Largest single event of a stream, in bytes.
    pub max_event_bytes: usize,
    /// How long a connection to the upstream may take.
    pub connect_timeout: Duration,
    /// How long the upstream may take until the head of a streamed answer.
    pub stream_head_timeout: Duration,
    /// How long the upstream may take for a whole answer.
    pub answer_timeout: Duration,
    /// How long a stream may be silent before it counts as broken.
    pub stream_idle_timeout: Duration,
    /// How long a stream may be silent before the client gets a sign of life.
    pub ping_interval: Duration,
    /// Whether `HTTP_PROXY` and its kin are obeyed on the way upstream.
    pub use_system_proxy: bool,
    /// How long answers of the Responses API are kept; `None` keeps none.
    pub response_retention: Option<Duration>,
    /// How requests are translated that cannot be said exactly.
    pub translation: TranslationOptions,
    /// How OpenAI's batches are worked on.
    pub batches: BatchSettings,
    /// What is known of each model.
    pub models: SharedModels,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            upstream_base: UpstreamBase::ByRegion,
            max_request_bytes: 32 * 1024 * 1024,
            max_batch_bytes: 256 * 1024 * 1024,
            max_upload_bytes: 500 * 1024 * 1024,
            upload_timeout: Duration::from_secs(1800),
            spool_memory_bytes: 1024 * 1024,
            spool_folder: None,
            public_url: None,
            request_body_timeout: Duration::from_secs(300),
            max_answer_bytes: 64 * 1024 * 1024,
            max_event_bytes: portcullis_provider::sse::DEFAULT_EVENT_LIMIT,
            connect_timeout: Duration::from_secs(5),
            stream_head_timeout: Duration::from_secs(120),
            answer_timeout: Duration::from_secs(600),
            stream_idle_timeout: Duration::from_secs(120),
            ping_interval: Duration::from_secs(15),
            use_system_proxy: false,
            response_retention: Some(Duration::from_secs(30 * 24 * 60 * 60)),
            translation: TranslationOptions::default(),
            batches: BatchSettings::default(),
            models: SharedModels::default(),
        }
    }
}
