//! How batches are worked on.

use std::time::Duration;

/// The limits of the work on OpenAI's batches.
#[derive(Clone, Copy, Debug)]
pub struct BatchSettings {
    /// Bytes of one batch at the upstream, which takes 256 MB.
    pub most_bytes: u64,
    /// Requests of one batch at the upstream, which takes 100,000.
    pub most_requests: u64,
    /// How often the upstream is asked how far a batch is.
    pub poll_interval: Duration,
    /// What was worked on so lately is not looked at again when a client asks.
    pub look_interval: Duration,
    /// After how long a part is looked for of which nobody knows whether it arrived: longer than sending may take.
    pub recover_after: Duration,
    /// Bytes of an input file. OpenAI takes 200 MB.
    pub most_input_bytes: u64,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            // A little less than the limit, which the upstream may count in another way.
            most_bytes: 250_000_000,
            most_requests: 100_000,
            poll_interval: Duration::from_secs(15),
            look_interval: Duration::from_secs(1),
            recover_after: Duration::from_secs(300),
            most_input_bytes: 200 * 1024 * 1024,
        }
    }
}
