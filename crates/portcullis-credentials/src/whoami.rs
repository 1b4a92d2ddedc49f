//! Who the gateway is, as AWS sees it: asked of STS, and remembered for a minute.
//!
//! Whoever may ask through an API could have STS called for each request. So one asks at a time, the others get its answer,
//! a refusal is repeated for a few seconds, and the call waits for its turn in the budget; but not for long, because
//! somebody looks at the screen.

use portcullis_types::AccessKeyId;
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant};

use crate::error::CredentialsError;
use crate::maker::Workshop;
use crate::source::Source;
use crate::sts::CallerIdentity;

/// An identity does not change while its keys stay the same; this is for whoever has just moved an account.
const KNOWN_FOR: Duration = Duration::from_secs(60);
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// How long the call waits for its turn. Then it goes ahead: there is one of them at a time.
const PATIENCE: Duration = Duration::from_secs(5);

/// What STS said last.
#[derive(Debug, Default)]
pub(crate) struct Whoami {
    /// Held while STS is asked: whoever comes meanwhile waits for the answer.
    last: Mutex<Option<Answer>>,
}

#[derive(Debug)]
struct Answer {
    /// Of whom it tells.
    access_key_id: AccessKeyId,
    said: Result<CallerIdentity, CredentialsError>,
    until: Instant,
}

impl Whoami {
    /// Whom STS sees in `source`.
    pub(crate) async fn ask(
        &self,
        workshop: &Workshop,
        source: &Source,
    ) -> Result<CallerIdentity, CredentialsError> {
        let access_key_id = &source.credentials.access_key_id;
        let mut last = self.last.lock().await;
        if let Some(answer) = last.as_ref().filter(|answer| answer.is_about(access_key_id)) {
            return answer.said.clone();
        }
        workshop.budget.wait_at_most(PATIENCE).await;
        let said = workshop.sts.caller_identity(&source.credentials, None).await;
        if matches!(said, Err(CredentialsError::SourceRejected(_))) {
            workshop.identity.forget_rejected(access_key_id.as_str());
        }
        let until = Instant::now() + if said.is_ok() { KNOWN_FOR } else { REFUSED_FOR };
        *last = Some(Answer { access_key_id: access_key_id.clone(), said: said.clone(), until });
        said
    }
}

impl Answer {
    fn is_about(&self, access_key_id: &AccessKeyId) -> bool {
        self.access_key_id == *access_key_id && Instant::now() < self.until
    }
}
