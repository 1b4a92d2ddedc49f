//! How an integration's sessions fare, and what the engine has done, for whoever looks at it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portcullis_types::IntegrationId;
use portcullis_types::session::SessionDuration;

use crate::error::{CredentialsError, Fault};

/// How the sessions of one integration fare. What is absent has not happened since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegrationHealth {
    /// When its role was last assumed.
    pub last_success: Option<SystemTime>,
    /// What went wrong last, if that was after the last success.
    pub last_error: Option<HealthError>,
    /// The first end among the live sessions that are in use.
    pub expires_at: Option<SystemTime>,
    /// Live sessions.
    pub n_sessions: usize,
    /// Requests that were served by the workspace's common session, because there were too many distinct ones, or because
    /// there was no getting another just then.
    pub sessions_over_cap: u64,
    /// How long the sessions last that AWS grants, by the last call.
    pub granted_duration: Option<SessionDuration>,
    /// What is not as the settings say, and why.
    pub notices: Vec<Notice>,
}

/// Why there was no new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthError {
    /// When.
    pub at: SystemTime,
    /// Its stable name.
    pub code: &'static str,
    /// AWS's sentence, with ours before it. Never a secret.
    pub message: Arc<str>,
    /// Who has to act.
    pub fault: Fault,
    /// The id under which AWS knows the call.
    pub request_id: Option<Arc<str>>,
}

impl HealthError {
    pub(crate) fn of(error: &CredentialsError, at: SystemTime) -> Self {
        Self {
            at,
            code: error.code(),
            message: error.to_string().into(),
            fault: error.fault(),
            request_id: error.explanation().request_id.clone(),
        }
    }
}

/// Something that is not as the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Sessions last an hour, because a role that assumes a role gets no more.
    ChainedToOneHour {
        /// What the settings ask for.
        asked: SessionDuration,
    },
    /// Sessions last less than the settings say, because AWS refused more.
    Shortened {
        /// What was asked for first.
        asked: SessionDuration,
        /// What AWS granted.
        granted: SessionDuration,
    },
}

impl Notice {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChainedToOneHour { .. } => "session_limited_by_role_chaining",
            Self::Shortened { .. } => "session_shortened",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChainedToOneHour { asked } => write!(
                f,
                "`duration_seconds` is {} and sessions last 3600 s: the gateway's own identity is a role, or `role_chain` goes through one, and AWS gives a role that assumes a role no more than an hour",
                asked.seconds()
            ),
            Self::Shortened { asked, granted } => write!(
                f,
                "`duration_seconds` is {} and sessions last {} s: AWS refused more; raise the role's maximum session duration, or lower the setting",
                asked.seconds(),
                granted.seconds()
            ),
        }
    }
}

/// What the engine has done since it started, and how its sessions stand now, over all integrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Calls of `AssumeRole` by outcome: `ok`, or the error's code. Sorted.
    pub assume_role_calls: Vec<(&'static str, u64)>,
    /// How late sessions are replaced.
    pub refresh_lag: RefreshLag,
    /// Live sessions, over all integrations.
    pub n_sessions: usize,
    /// Requests that were served by a common session, because there were too many distinct ones, or because there was no
    /// getting another just then.
    pub sessions_over_cap: u64,
}

/// How the sessions of some integrations stand now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Live sessions of theirs.
    pub n_sessions: usize,
    /// Requests of theirs that were served by a common session.
    pub sessions_over_cap: u64,
    /// How late the most late session of theirs is that is in use and not replaced yet.
    pub worst_pending: Duration,
    /// Seconds until the first session in use of each integration ends; those that have none are left out. In the order in
    /// which they were asked for.
    pub seconds_to_expiry: Vec<(IntegrationId, u64)>,
}

/// How long after it was due a session is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshLag {
    /// Of the last one that was replaced.
    pub last: Duration,
    /// Of the most late one that is in use and not replaced yet. Grows while STS is down.
    pub worst_pending: Duration,
}
