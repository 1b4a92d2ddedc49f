//! How STS behaves on command: the failures of a regional endpoint.

use serde::{Deserialize, Serialize};

use super::StsError;

/// How STS behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum StsMode {
    /// As documented.
    #[default]
    Ok,
    /// 400 `Throttling`.
    Throttling,
    /// 503 `ServiceUnavailable`.
    Unavailable,
    /// 500 `InternalFailure`.
    InternalFailure,
    /// 403 `RegionDisabledException`.
    RegionDisabled,
    /// 403 `AccessDenied` for every `AssumeRole`, once the signature holds.
    AccessDenied,
    /// As `AccessDenied`, but only on connections that were open when the mode was set, as a host that has not yet
    /// heard of a new role does; a fresh connection finds another host.
    StaleConnections,
    /// Answers late.
    Slow {
        /// Milliseconds before it looks at the request.
        ms: u64,
    },
    /// 200 with something that is not XML.
    Garbage,
    /// 200 with half an answer, well framed.
    Truncated,
    /// 200 without the credentials.
    Incomplete,
    /// The connection is reset.
    Unreachable,
    /// Never answers.
    Stall,
}

impl StsMode {
    /// The error that a broken endpoint answers before it looks at the request.
    pub(super) fn failure(self) -> Option<StsError> {
        let error = |status, code, message: &str| Some(StsError::new(status, code, message));
        match self {
            Self::Throttling => error(400, "Throttling", "Rate exceeded"),
            Self::Unavailable => error(503, "ServiceUnavailable", "Service is currently unavailable."),
            Self::InternalFailure => error(500, "InternalFailure", "An internal error occurred."),
            Self::RegionDisabled => Some(StsError::region_disabled("111122223333")),
            Self::Ok
            | Self::AccessDenied
            | Self::StaleConnections
            | Self::Slow { .. }
            | Self::Garbage
            | Self::Truncated
            | Self::Incomplete
            | Self::Unreachable
            | Self::Stall => None,
        }
    }
}

/// A mode, where it befalls requests, and how many.
#[derive(Clone, Debug, Default)]
pub(crate) struct StsBehaviour {
    pub(crate) mode: StsMode,
    /// `None` for all regions.
    pub(crate) regions: Option<Vec<String>>,
    /// How many requests more; `None` for all.
    pub(crate) times: Option<u32>,
    /// The newest connection when the mode was set.
    pub(crate) since_connection: u64,
}

impl From<StsMode> for StsBehaviour {
    fn from(mode: StsMode) -> Self {
        Self { mode, ..Self::default() }
    }
}

impl StsBehaviour {
    /// The mode for the next request on this connection. `region` is what its signature claims; an unsigned request
    /// claims none.
    pub(crate) fn next(&mut self, region: Option<&str>, connection: u64) -> StsMode {
        let is_elsewhere = self
            .regions
            .as_ref()
            .is_some_and(|regions| !regions.iter().any(|named| Some(named.as_str()) == region));
        let is_fresh = self.mode == StsMode::StaleConnections && connection > self.since_connection;
        if is_elsewhere || is_fresh || self.times == Some(0) {
            return StsMode::Ok;
        }
        self.times = self.times.map(|times| times - 1);
        self.mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_connections_are_those_that_were_open_when_the_mode_was_set() {
        let mut behaviour = StsBehaviour { since_connection: 2, ..StsMode::StaleConnections.into() };
        let modes = [1, 2, 3, 1].map(|connection| behaviour.next(None, connection));
        assert_eq!(modes.map(|mode| mode == StsMode::StaleConnections), [true, true, false, true]);
    }

    #[test]
    fn only_requests_of_the_named_regions_count_towards_the_number() {
        let regions = Some(vec!["us-west-2".to_owned()]);
        let mut behaviour = StsBehaviour { regions, times: Some(1), ..StsMode::Throttling.into() };
        let modes = [None, Some("eu-west-1"), Some("us-west-2"), Some("us-west-2")]
            .map(|region| behaviour.next(region, 1));
        assert_eq!(modes, [StsMode::Ok, StsMode::Ok, StsMode::Throttling, StsMode::Ok]);
    }
}
