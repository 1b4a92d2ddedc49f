//! What all connections share: the world, the sessions that STS gave out, switches for faults, the journal.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::clock::Clock;
use crate::iam::Policy;
use crate::journal::Journal;
use crate::sigv4::KnownKey;
use crate::world::World;

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

/// Temporary credentials that STS gave out.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    pub(crate) expires_at: SystemTime,
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) assumed_role_id: String,
    pub(crate) role_name: String,
    pub(crate) session_policy: Option<Policy>,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("arn", &self.arn).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct State {
    clock: Clock,
    clock_offset_seconds: AtomicI64,
    world: Mutex<World>,
    sessions: Mutex<BTreeMap<String, Session>>,
    sts_mode: Mutex<StsMode>,
    /// Seconds that sessions are said to last, however long they do; 0 for the truth.
    announced_seconds: AtomicU32,
    /// Directives for the next answers of the platform, first in, first out.
    queued_directives: Mutex<VecDeque<String>>,
    pub(crate) journal: Journal,
}

impl State {
    pub(crate) fn new(world: World, clock: Clock) -> Self {
        Self {
            clock,
            clock_offset_seconds: AtomicI64::new(0),
            world: Mutex::new(world),
            sessions: Mutex::default(),
            sts_mode: Mutex::default(),
            announced_seconds: AtomicU32::new(0),
            queued_directives: Mutex::default(),
            journal: Journal::default(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        let offset = self.clock_offset_seconds.load(Ordering::Relaxed);
        let by = Duration::from_secs(offset.unsigned_abs());
        let now = self.clock.now();
        if offset < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }

    pub(crate) fn set_clock_offset(&self, seconds: i64) {
        self.clock_offset_seconds.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    pub(crate) fn sts_mode(&self) -> StsMode {
        *locked(&self.sts_mode)
    }

    pub(crate) fn set_sts_mode(&self, mode: StsMode) {
        *locked(&self.sts_mode) = mode;
    }

    /// How long a session is said to last that lasts `seconds`.
    pub(crate) fn announced_seconds(&self, seconds: u32) -> u32 {
        match self.announced_seconds.load(Ordering::Relaxed) {
            0 => seconds,
            announced => announced,
        }
    }

    pub(crate) fn announce_seconds(&self, seconds: Option<u32>) {
        self.announced_seconds.store(seconds.unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn queue_directive(&self, directive: &str, times: u32) {
        locked(&self.queued_directives).extend((0..times).map(|_| directive.to_owned()));
    }

    pub(crate) fn next_directive(&self) -> Option<String> {
        locked(&self.queued_directives).pop_front()
    }

    pub(crate) fn keep_session(&self, access_key_id: String, session: Session) {
        locked(&self.sessions).insert(access_key_id, session);
    }

    /// Lets all sessions end now. Their keys stay known, so that the answer is "expired", not "invalid".
    pub(crate) fn expire_sessions(&self) -> usize {
        let now = self.now();
        let mut sessions = locked(&self.sessions);
        sessions.values_mut().for_each(|session| session.expires_at = session.expires_at.min(now));
        sessions.len()
    }

    pub(crate) fn known_key(&self, access_key_id: &str) -> Option<KnownKey> {
        if let Some(session) = locked(&self.sessions).get(access_key_id) {
            return Some(KnownKey {
                secret: session.secret_access_key.clone(),
                session_token: Some(session.session_token.clone()),
                expires_at: Some(session.expires_at),
            });
        }
        let world = self.world();
        let principal = world.principals.iter().find(|principal| principal.access_key_id == access_key_id)?;
        Some(KnownKey { secret: principal.secret_access_key.clone(), session_token: None, expires_at: None })
    }

    /// Who holds this key, with the policies as they stand now.
    pub(crate) fn caller(&self, access_key_id: &str) -> Option<Caller> {
        let world = self.world();
        if let Some(session) = locked(&self.sessions).get(access_key_id) {
            // A deleted role has no permissions any more, but its sessions keep their name.
            let role = world.roles.get(&session.role_name).filter(|role| role.account == session.account);
            let role_arn = role.map(|role| role.arn(&session.role_name));
            return Some(Caller {
                arn: session.arn.clone(),
                account: session.account.clone(),
                user_id: session.assumed_role_id.clone(),
                identities: std::iter::once(session.arn.clone()).chain(role_arn).collect(),
                policy: role.map(|role| role.permissions_policy.clone()),
                session_policy: session.session_policy.clone(),
                session_ends_at: Some(session.expires_at),
            });
        }
        let principal = world.principals.iter().find(|principal| principal.access_key_id == access_key_id)?;
        Some(Caller {
            arn: principal.arn.clone(),
            account: principal.account.clone(),
            user_id: format!("AIDA{}", &principal.access_key_id.get(4..).unwrap_or_default()),
            identities: vec![principal.arn.clone()],
            policy: Some(principal.policy.clone()),
            session_policy: None,
            session_ends_at: None,
        })
    }
}

/// Locks, also after a panic elsewhere: a broken test must not hang the others.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `n` random characters of `alphabet`.
pub(crate) fn random_text(alphabet: &[u8], n: usize) -> String {
    let mut bytes = vec![0; n];
    getrandom::fill(&mut bytes).expect("the system has randomness; without it no AWS client works either");
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

pub(crate) const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A request id of AWS's form.
pub(crate) fn aws_request_id() -> String {
    let hex = random_text(b"0123456789abcdef", 32);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
