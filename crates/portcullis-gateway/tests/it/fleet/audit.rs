//! Compares what AWS saw with what was meant, entry by entry, while the fleet runs.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use portcullis_emulator::LoggedRequest;

use super::members::{Edition, member_of, role_arn};
use super::traffic::Fleet;

/// What the journal tells. It is emptied as it is read, so that its length does not matter.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) n_served: usize,
    /// Requests refused because their session had ended, as AWS knows.
    pub(super) n_expired: usize,
    pub(super) n_sessions: usize,
    /// Calls of STS refused because an edit had withdrawn their external ID.
    pub(super) n_withdrawn: usize,
    pub(super) n_violations: usize,
    /// The first few of them.
    pub(super) violations: Vec<String>,
    /// Which integration, at which revision, each session has signed for.
    owners: Owners,
}

#[derive(Default)]
struct Owners(HashMap<String, (usize, i64)>);

impl std::fmt::Debug for Owners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sessions", self.0.len())
    }
}

impl Audit {
    /// Examines everything that has come since the last time.
    pub(super) fn examine(&mut self, fleet: &Fleet) {
        for entry in fleet.aws().take_requests() {
            let verdict = match entry.workspace.as_deref() {
                Some(workspace) => self.request(fleet, &entry, workspace),
                None => self.call_of_sts(&entry),
            };
            if let Err(why) = verdict {
                self.n_violations += 1;
                if self.violations.len() < 10 {
                    self.violations.push(why);
                }
            }
        }
    }

    /// A request to the platform: signed by a session that was opened for this very integration, as it was at the time.
    fn request(&mut self, fleet: &Fleet, entry: &LoggedRequest, workspace: &str) -> Result<(), String> {
        let edition = sender(fleet, entry, workspace).ok_or_else(|| format!("from nowhere: {entry:?}"))?;
        let (member, revision) = (edition.member, edition.revision.0);
        let key = entry.access_key_id.as_deref().unwrap_or_default();
        let origin = fleet.aws().session_origin(key).ok_or_else(|| format!("no session: {entry:?}"))?;
        let opened_for = (origin.role_arn.as_str(), origin.external_id.as_deref());
        if opened_for != (&role_arn(edition.role), Some(&edition.external_id)) {
            return Err(format!(
                "integration {member} at {revision} signed with a session for {opened_for:?}"
            ));
        }
        let owner = *self.owners.0.entry(key.to_owned()).or_insert((member, revision));
        if owner != (member, revision) {
            return Err(format!("integration {member} at {revision} signed with a session of {owner:?}"));
        }
        match &entry.refusal {
            None if entry.verified => self.n_served += 1,
            Some(why) if why.contains("is expired") && origin.expires_at <= time(entry.at_ms) => {
                self.n_expired += 1
            }
            _ => return Err(format!("refused for no reason of this test: {entry:?}")),
        }
        Ok(())
    }

    fn call_of_sts(&mut self, entry: &LoggedRequest) -> Result<(), String> {
        match &entry.refusal {
            None if entry.verified => self.n_sessions += 1,
            Some(why) if why.contains("AccessDenied") => self.n_withdrawn += 1,
            _ => return Err(format!("STS refused for no reason of this test: {entry:?}")),
        }
        Ok(())
    }
}

/// Who sent a request, by its signed headers.
fn sender(fleet: &Fleet, entry: &LoggedRequest, workspace: &str) -> Option<std::sync::Arc<Edition>> {
    let (_, revision) = entry.headers.iter().find(|(name, _)| name == "x-revision")?;
    let revision = revision.strip_prefix("revision-")?.parse().ok()?;
    fleet.members().edition(member_of(workspace)?, revision)
}

/// To the end of the millisecond.
fn time(at_ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms + 1)
}
