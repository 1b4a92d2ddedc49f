//! Refuses an answer that was cut off.
//!
//! The SDK's XML reader is content once it has seen the fields it knows: an answer that ends in the middle of its last
//! value would pass, with half a key in it. HTTP notices a cut, but a proxy on the way may have made it whole again.

use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;

/// Lets a success pass only if its document is closed.
#[derive(Debug)]
pub(super) struct WholeAnswer;

impl Intercept for WholeAnswer {
    fn name(&self) -> &'static str {
        "WholeAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let is_whole = answer.body().bytes().is_some_and(is_closed);
        if is_whole || !answer.status().is_success() { Ok(()) } else { Err("the answer was cut off".into()) }
    }
}

/// Whether a document of STS, whose outermost element is `…Response`, has its end.
fn is_closed(document: &[u8]) -> bool {
    document.trim_ascii_end().ends_with(b"Response>")
}
