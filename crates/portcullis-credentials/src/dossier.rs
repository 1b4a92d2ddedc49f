//! What the engine knows of one integration: its plan, its sessions, and how they fare.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use portcullis_types::Revision;
use portcullis_types::session::SessionDuration;

use crate::engine::CredentialRequest;
use crate::error::CredentialsError;
use crate::health::{HealthError, IntegrationHealth, Notice};
use crate::plan::Plan;
use crate::roster::Roster;
use crate::session::SessionKey;
use crate::source::SourceFingerprint;

/// How often more than AWS granted last is asked for: a role's longest session may have been made longer.
const ASKED_IN_FULL_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

#[derive(Debug)]
pub(crate) struct Dossier {
    /// The newest revision that was asked for.
    current: ArcSwapOption<Chapter>,
    roster: Mutex<Roster>,
    record: Mutex<Record>,
    n_over_cap: AtomicU64,
}

#[derive(Debug)]
struct Chapter {
    revision: Revision,
    plan: Arc<Plan>,
}

#[derive(Debug, Default)]
struct Record {
    last_success: Option<SystemTime>,
    last_error: Option<HealthError>,
    granted: Option<Granted>,
    notices: Vec<Notice>,
}

/// How long AWS lets sessions last, which is less than was asked for: later calls begin there.
#[derive(Debug)]
struct Granted {
    revision: Revision,
    source: Arc<SourceFingerprint>,
    duration: SessionDuration,
    /// From here on the next call asks for everything again.
    full_again_at: SystemTime,
}

impl Granted {
    fn is_for(&self, key: &SessionKey, source: &SourceFingerprint) -> bool {
        self.revision == key.revision && *self.source == *source
    }
}

impl Dossier {
    pub(crate) fn new() -> Self {
        Self {
            current: ArcSwapOption::empty(),
            roster: Mutex::default(),
            record: Mutex::default(),
            n_over_cap: AtomicU64::new(0),
        }
    }

    /// The plan for `request`. `None` for ways that need no session.
    pub(crate) fn plan(
        &self,
        request: &CredentialRequest<'_>,
    ) -> Result<Option<Arc<Plan>>, CredentialsError> {
        if let Some(chapter) = self.current.load().as_deref()
            && chapter.revision == request.revision
            && chapter.plan.is_for(request.platform)
        {
            return Ok(Some(Arc::clone(&chapter.plan)));
        }
        let Some(plan) = Plan::of(request.platform)?.map(Arc::new) else { return Ok(None) };
        // Requests of an old revision may still be under way; they do not bring it back.
        if self.current.load().as_deref().is_none_or(|chapter| chapter.revision <= request.revision) {
            let chapter = Chapter { revision: request.revision, plan: Arc::clone(&plan) };
            self.current.store(Some(Arc::new(chapter)));
        }
        Ok(Some(plan))
    }

    /// Whether no newer revision has been asked for.
    pub(crate) fn is_current(&self, revision: Revision) -> bool {
        self.current.load().as_deref().is_none_or(|chapter| chapter.revision <= revision)
    }

    pub(crate) fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the session of `key` may last: what is `wanted`, or less if AWS has refused that not long ago.
    pub(crate) fn duration(
        &self,
        key: &SessionKey,
        source: &SourceFingerprint,
        wanted: SessionDuration,
        now: SystemTime,
    ) -> SessionDuration {
        let mut record = self.record();
        let granted = record.granted.as_mut();
        let Some(granted) = granted.filter(|granted| granted.is_for(key, source)) else { return wanted };
        if now < granted.full_again_at {
            return granted.duration.min(wanted);
        }
        // One call tries. Those that begin before it has an answer keep to what is known.
        granted.full_again_at = now + ASKED_IN_FULL_EVERY;
        wanted
    }

    /// Notes what AWS `granted`, where that is not what the settings ask for.
    ///
    /// - `asked`: what this call asked for first. One that asked for less from the start teaches nothing.
    pub(crate) fn note_duration(
        &self,
        key: &SessionKey,
        source: &Arc<SourceFingerprint>,
        (asked, granted): (SessionDuration, SessionDuration),
        now: SystemTime,
    ) {
        let longest = key.plan.longest(source.kind);
        if asked == granted && granted < longest {
            return;
        }
        let mut notices = Vec::new();
        let asked = key.plan.asked();
        if longest < asked {
            notices.push(Notice::ChainedToOneHour { asked });
        }
        if granted < longest {
            notices.push(Notice::Shortened { asked: longest, granted });
        }
        let mut record = self.record();
        if record.notices != notices {
            for notice in &notices {
                tracing::warn!(integration.id = %key.integration, notice.code = notice.code(), "{notice}");
            }
        }
        record.notices = notices;
        record.granted = Some(Granted {
            revision: key.revision,
            source: Arc::clone(source),
            duration: granted,
            full_again_at: now + ASKED_IN_FULL_EVERY,
        });
    }

    /// Has the next call ask for everything again, whatever AWS granted last.
    pub(crate) fn ask_in_full(&self) {
        if let Some(granted) = &mut self.record().granted {
            granted.full_again_at = SystemTime::UNIX_EPOCH;
        }
    }

    pub(crate) fn succeeded(&self, at: SystemTime) {
        let mut record = self.record();
        record.last_success = Some(at);
        record.last_error = None;
    }

    pub(crate) fn failed(&self, error: HealthError) {
        self.record().last_error = Some(error);
    }

    /// One more request was served by a common session.
    pub(crate) fn count_over_cap(&self) {
        self.n_over_cap.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn health(&self) -> IntegrationHealth {
        let live: Vec<_> = self.roster().sessions().filter(|slot| slot.expires_at().is_some()).collect();
        let in_use = live.iter().filter(|slot| slot.is_in_use() && slot.is_wanted());
        let record = self.record();
        IntegrationHealth {
            last_success: record.last_success,
            last_error: record.last_error.clone(),
            expires_at: in_use.filter_map(|slot| slot.expires_at()).min(),
            n_sessions: live.len(),
            sessions_over_cap: self.n_over_cap.load(Ordering::Relaxed),
            granted_duration: record.granted.as_ref().map(|granted| granted.duration),
            notices: record.notices.clone(),
        }
    }

    /// How many sessions live.
    pub(crate) fn n_live(&self) -> usize {
        self.roster().sessions().filter(|slot| slot.expires_at().is_some()).count()
    }

    /// How late the most late session is that is in use and due to be replaced.
    pub(crate) fn overdue_by(&self) -> Duration {
        self.roster().sessions().filter_map(|slot| slot.overdue_by()).max().unwrap_or_default()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
