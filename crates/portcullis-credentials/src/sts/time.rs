//! AWS's time in calls to STS: they are signed by it, and each answer says it.

use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use portcullis_types::{Clock, ClockSkew, CorrectedClock, SharedClock};

use crate::error::CredentialsError;

/// AWS's time as far as it is known. As the SDK's clock it dates signatures; as an interceptor it learns from the answers.
#[derive(Clone, Debug)]
pub(super) struct AwsTime(CorrectedClock);

impl AwsTime {
    pub(super) fn new(local: SharedClock, skew: Arc<ClockSkew>) -> Self {
        Self(CorrectedClock { local, skew })
    }

    /// Seconds by which the local clock is corrected now.
    pub(super) fn offset_seconds(&self) -> i64 {
        self.0.skew.offset_seconds()
    }
}

impl TimeSource for AwsTime {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

impl Intercept for AwsTime {
    fn name(&self) -> &'static str {
        "AwsTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        // What does not come from AWS tells nothing of AWS's time.
        if headers.contains_key("x-amzn-requestid") {
            self.0.skew.learn_from_success(headers.get("date"), self.0.local.now());
        }
        Ok(())
    }
}

/// Whether STS refused a signature for its time.
pub(super) fn is_about_time(error: &CredentialsError) -> bool {
    let CredentialsError::SourceRejected(why) = error else { return false };
    let code = why.aws_code.as_deref().unwrap_or_default();
    let said = why.message.to_ascii_lowercase();
    matches!(code, "RequestExpired" | "RequestTimeTooSkewed")
        || ["signature expired", "signature not yet current"].iter().any(|text| said.contains(text))
}
