//! What a stream may have to do on its way: ask the upstream to go on, and keep the answer.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use portcullis_provider::envelope::made::Made;

use crate::error::GatewayError;
use crate::upstream::UpstreamBody;
use crate::way::Settlement;

/// What comes of asking the upstream to go on: the stream that goes on, with a record of its own.
pub(crate) type Continued = Result<(UpstreamBody, Settlement), GatewayError>;

/// Sends a body that continues a paused turn.
pub(crate) type Continue = Box<dyn Fn(Bytes) -> BoxFuture<'static, Continued> + Send>;

/// Is told what was made on the way of an answer, and does not wait.
pub(crate) type Told = Box<dyn Fn(Vec<Made>) + Send>;

/// Keeps an answer. It ends in its own time, whether it could be kept or not.
pub(crate) type Keep = Arc<dyn Fn(Keepsake) -> BoxFuture<'static, ()> + Send + Sync>;

/// What is kept of an answer.
#[derive(Clone)]
pub(crate) struct Keepsake {
    /// `resp_…`
    pub(crate) id: String,
    /// The model that answered.
    pub(crate) model: String,
    /// The whole record, in a form of its dialect.
    pub(crate) document: Vec<u8>,
}

/// What a stream may have to do on its way. Without any of it, a pause ends a stream with an error.
#[derive(Default)]
pub(crate) struct Errands {
    pub(crate) continues: Option<Continue>,
    pub(crate) keeps: Option<Keep>,
}
