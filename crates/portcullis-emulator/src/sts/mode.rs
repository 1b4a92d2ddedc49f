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
            | Self::Slow { .. }
            | Self::Garbage
            | Self::Truncated
            | Self::Incomplete
            | Self::Unreachable
            | Self::Stall => None,
        }
    }
}

/// A mode, and the regions that it befalls.
#[derive(Clone, Debug, Default)]
pub(crate) struct StsBehaviour {
    pub(crate) mode: StsMode,
    /// `None` for all.
    pub(crate) regions: Option<Vec<String>>,
}

impl StsBehaviour {
    /// The mode for a request whose signature claims this region; an unsigned request claims none.
    pub(crate) fn in_region(&self, region: Option<&str>) -> StsMode {
        match &self.regions {
            None => self.mode,
            Some(regions) if regions.iter().any(|named| Some(named.as_str()) == region) => self.mode,
            Some(_) => StsMode::Ok,
        }
    }
}
