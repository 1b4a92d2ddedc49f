//! AWS's time in calls to STS: they are signed by it, and answers say it.
//!
//! Two kinds of answer teach: one to a signature that was accepted, and one that refuses a signature for its time. What
//! else comes back may come from anybody on the way.

use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use portcullis_types::{ClockSkew, Exchange, SharedClock};

use crate::error::CredentialsError;

/// AWS's time as far as it is known. As the SDK's clock it dates signatures; as an interceptor it learns from the answers.
#[derive(Clone, Debug)]
pub(super) struct AwsTime {
    local: SharedClock,
    skew: Arc<ClockSkew>,
}

/// When a call was signed, by the local clock, and how that was corrected.
#[derive(Clone, Copy, Debug)]
struct Signed {
    at: SystemTime,
    offset_seconds: i64,
}

impl Storable for Signed {
    type Storer = StoreReplace<Self>;
}

impl AwsTime {
    pub(super) const fn new(local: SharedClock, skew: Arc<ClockSkew>) -> Self {
        Self { local, skew }
    }

    /// Seconds by which the local clock is corrected now.
    pub(super) fn offset_seconds(&self) -> i64 {
        self.skew.offset_seconds()
    }
}

impl TimeSource for AwsTime {
    fn now(&self) -> SystemTime {
        self.skew.for_signatures(self.local.now())
    }
}

impl Intercept for AwsTime {
    fn name(&self) -> &'static str {
        "AwsTime"
    }

    fn read_before_signing(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let signed = Signed { at: self.local.now(), offset_seconds: self.offset_seconds() };
        bag.interceptor_state().store_put(signed);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (answer, received) = (context.response(), self.local.now());
        let Some(&Signed { at: sent, offset_seconds }) = bag.load::<Signed>() else { return Ok(()) };
        let date = answer.headers().get("date");
        if answer.status().is_success() {
            // What does not come from AWS has accepted nothing.
            if answer.headers().contains_key("x-amzn-requestid") {
                self.skew.learn_from_success(date, &Exchange { sent, received, offset_seconds });
            }
        } else if answer.body().bytes().is_some_and(|body| says_time(&String::from_utf8_lossy(body))) {
            self.skew.learn_from_refusal(date, received, offset_seconds);
        }
        Ok(())
    }
}

/// Whether STS refused a signature for its time.
pub(super) fn is_about_time(error: &CredentialsError) -> bool {
    let CredentialsError::SourceRejected(why) = error else { return false };
    says_time(why.aws_code.as_deref().unwrap_or_default()) || says_time(&why.message)
}

/// Whether a code or a text of STS is about the time of a signature.
fn says_time(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["requestexpired", "requesttimetooskewed", "signature expired", "signature not yet current"]
        .iter()
        .any(|text| said.contains(text))
}
