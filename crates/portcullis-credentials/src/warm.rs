//! Sessions made before anybody asks.

use futures_util::{StreamExt, stream};
use portcullis_types::{ClaudePlatformAws, IntegrationId, Revision, SessionSubject};

use crate::engine::{CredentialEngine, CredentialRequest};

/// So many are made at the same time: enough that one slow role does not hold up the others.
const AT_THE_SAME_TIME: usize = 4;

/// An integration whose workspace's session is wanted, with everything that goes into it.
#[derive(Clone, Debug)]
pub struct WarmRequest {
    /// Whose it is.
    pub integration: IntegrationId,
    /// Which version of it.
    pub revision: Revision,
    /// Where it leads and as whom.
    pub platform: ClaudePlatformAws,
    /// The organisation's slug.
    pub organisation: String,
    /// The workspace's slug.
    pub workspace: String,
    /// The integration's slug.
    pub integration_slug: String,
}

impl WarmRequest {
    fn request(&self) -> CredentialRequest<'_> {
        CredentialRequest {
            integration: self.integration,
            revision: self.revision,
            platform: &self.platform,
            subject: SessionSubject {
                organisation: &self.organisation,
                workspace: &self.workspace,
                integration: &self.integration_slug,
                key: None,
                user: None,
                metadata: None,
            },
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmedUp {
    /// Integrations whose session is at hand.
    pub n_ready: usize,
    /// Integrations that have none. Why is in their health.
    pub n_failed: usize,
}

impl CredentialEngine {
    /// Makes the sessions of these integrations, a few at the same time and within the budget of calls to STS.
    ///
    /// A caller who needs one of them meanwhile does not wait for its turn.
    pub async fn warm(&self, requests: Vec<WarmRequest>) -> WarmedUp {
        let made = stream::iter(requests)
            .map(|request| async move { self.prepare(&request.request()).await.is_ok() })
            .buffer_unordered(AT_THE_SAME_TIME);
        made.fold(WarmedUp::default(), |sum, is_ready| async move {
            WarmedUp {
                n_ready: sum.n_ready + usize::from(is_ready),
                n_failed: sum.n_failed + usize::from(!is_ready),
            }
        })
        .await
    }
}
