//! What all connections share: the world, the sessions that STS gave out, switches for faults, the journal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::caller::Caller;
use crate::clock::Clock;
use crate::journal::Journal;
use crate::platform::Resources;
use crate::session::{Session, SessionOrigin};
use crate::sigv4::KnownKey;
use crate::sources::Sources;
use crate::sts::{StsBehaviour, StsMode};
use crate::world::World;

#[derive(Debug)]
pub(crate) struct State {
    clock: Clock,
    clock_offset_seconds: AtomicI64,
    world: Mutex<World>,
    sessions: Mutex<BTreeMap<String, Session>>,
    sts: Mutex<StsBehaviour>,
    /// How many connections there have been.
    connections: AtomicU64,
    /// Seconds that sessions are said to last, however long they do; 0 for the truth.
    announced_seconds: AtomicU32,
    /// Directives for the next answers of the platform, first in, first out.
    queued_directives: Mutex<VecDeque<String>>,
    pub(crate) sources: Sources,
    /// What workspaces hold.
    pub(crate) resources: Resources,
    pub(crate) journal: Journal,
}

impl State {
    pub(crate) fn new(world: World, clock: Clock) -> Self {
        Self {
            clock,
            clock_offset_seconds: AtomicI64::new(0),
            world: Mutex::new(world),
            sessions: Mutex::default(),
            sts: Mutex::default(),
            connections: AtomicU64::new(0),
            announced_seconds: AtomicU32::new(0),
            queued_directives: Mutex::default(),
            sources: Sources::default(),
            resources: Resources::default(),
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

    /// How STS behaves to the next request on this connection, whose signature claims this region.
    pub(crate) fn next_sts_mode(&self, region: Option<&str>, connection: u64) -> StsMode {
        locked(&self.sts).next(region, connection)
    }

    pub(crate) fn set_sts(&self, behaviour: StsBehaviour) {
        let since_connection = self.connections.load(Ordering::SeqCst);
        *locked(&self.sts) = StsBehaviour { since_connection, ..behaviour };
    }

    /// Numbers connections from 1.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
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

    pub(crate) fn keep_session(&self, session: Session) {
        locked(&self.sessions).insert(session.access_key_id.clone(), session);
    }

    pub(crate) fn session_origin(&self, access_key_id: &str) -> Option<SessionOrigin> {
        locked(&self.sessions).get(access_key_id).map(Session::origin)
    }

    /// Lets all sessions end now. Their keys stay known, so that the answer is "expired", not "invalid".
    pub(crate) fn expire_sessions(&self) -> usize {
        self.expire_sessions_where(|_| true)
    }

    /// Lets the chosen sessions end now, and counts them.
    pub(crate) fn expire_sessions_where(&self, chosen: impl Fn(&Session) -> bool) -> usize {
        let now = self.now();
        let mut sessions = locked(&self.sessions);
        let ended = sessions.values_mut().filter(|session| chosen(session));
        ended.map(|session| session.grant.expires_at = session.grant.expires_at.min(now)).count()
    }

    /// Ends what sources of credentials handed out, and counts it; the next one who asks gets new credentials.
    pub(crate) fn rotate_sources(&self) -> usize {
        self.sources.forget();
        self.expire_sessions_where(|session| session.grant.is_source)
    }

    pub(crate) fn known_key(&self, access_key_id: &str) -> Option<KnownKey> {
        if let Some(session) = locked(&self.sessions).get(access_key_id) {
            return Some(KnownKey {
                secret: session.secret_access_key.clone(),
                session_token: Some(session.session_token.clone()),
                expires_at: Some(session.grant.expires_at),
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
            return Some(Caller::of_session(&world, session));
        }
        let principal = world.principals.iter().find(|principal| principal.access_key_id == access_key_id)?;
        Some(Caller::of_principal(&world, principal))
    }
}

/// Locks, also after a panic elsewhere: a broken test must not hang the others.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// AWS announces whole seconds; what it keeps must be what it announced.
pub(crate) fn whole_seconds(at: SystemTime) -> SystemTime {
    at.duration_since(UNIX_EPOCH).map_or(at, |since| UNIX_EPOCH + Duration::from_secs(since.as_secs()))
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
