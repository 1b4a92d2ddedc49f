//! A Chat Completions request becomes a Messages request.

mod context;

pub use context::{OnUnsupported, ResponseContext, SamplingPolicy, TranslatedRequest, TranslationOptions};

/// A parsed Chat Completions request.
#[derive(Debug)]
pub struct ChatRequest {}
