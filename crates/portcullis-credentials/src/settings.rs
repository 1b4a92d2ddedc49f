//! What an engine is made from.

use std::sync::Arc;
use std::time::Duration;

use portcullis_types::{ClockSkew, Region, SharedClock};

/// How credentials are got and kept. [`EngineSettings::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// What time it is, by this machine.
    pub clock: SharedClock,
    /// How far that is from AWS's time. Calls to STS are signed by it and teach it; others may share it.
    pub skew: Arc<ClockSkew>,
    /// Where STS is, if not where the AWS SDK would look (`AWS_ENDPOINT_URL_STS`, else the regional endpoint).
    pub sts_endpoint: Option<String>,
    /// Asked in this order when the STS of an integration's region does not answer as STS would.
    pub sts_fallbacks: Vec<StsEndpoint>,
    /// A session that nobody has used for so long is not refreshed any more, and comes to its end.
    pub idle_after: Duration,
    /// Distinct sessions of one integration whose sessions depend on the caller; at least 1.
    pub sessions_per_integration: usize,
    /// Distinct sessions that depend on the caller, over all integrations; no fewer than one integration may have.
    pub most_sessions: usize,
    /// Integrations of which the engine remembers how many sessions they have and how they fare.
    pub most_integrations: u64,
    /// How often STS is called for nobody in particular.
    pub budget: StsBudget,
}

impl EngineSettings {
    /// The defaults: sessions idle after an hour, 100 sessions per integration and 10,000 in all, 5 calls a second, no fall-backs.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            skew: Arc::default(),
            sts_endpoint: None,
            sts_fallbacks: Vec::new(),
            idle_after: Duration::from_secs(3600),
            sessions_per_integration: 100,
            most_sessions: 10_000,
            most_integrations: 50_000,
            budget: StsBudget::default(),
        }
    }
}

/// An STS besides that of an integration's own region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsEndpoint {
    /// Signed for, and where it is unless `url` says otherwise.
    pub region: Region,
    /// An origin of its own, such as that of a VPC endpoint.
    pub url: Option<String>,
}

/// A rate of calls to STS, over all integrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StsBudget {
    /// Calls a second in the long run, 1 to 1000.
    pub per_second: u32,
    /// Calls at once after a quiet time; at least 1.
    pub burst: u32,
}

impl Default for StsBudget {
    fn default() -> Self {
        Self { per_second: 5, burst: 10 }
    }
}
