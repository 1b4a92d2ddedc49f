//! Where a workload inside AWS gets its first credentials: the metadata service of a machine, the endpoint of a
//! container, single sign-on. (Web identities go to STS.)
//!
//! All hand out sessions of one role, `World::sources`, as real role sessions: its trust policy must name the service,
//! and what is assumed from them is a chained session.

mod container;
mod machine;
mod single_sign_on;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answer::Answer;
use crate::iam::{AccessRequest, Decision};
use crate::server::Arrival;
use crate::session::{Grant, Session};
use crate::state::{State, aws_request_id, locked, whole_seconds};
use crate::world::{Role, World};

/// AWS hands out new credentials before the old ones end.
const RENEWED_BEFORE_THE_END: Duration = Duration::from_secs(300);

/// What has been handed out.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// By service.
    sessions: Mutex<BTreeMap<&'static str, Session>>,
    /// Tokens of the metadata service, with their ends.
    machine_tokens: Mutex<BTreeMap<String, SystemTime>>,
}

impl Sources {
    /// The next one who asks gets new credentials.
    pub(crate) fn forget(&self) {
        locked(&self.sessions).clear();
    }
}

/// Why a source gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The world has no such role.
    NoRole,
    /// The role's trust policy does not name the service.
    NotTrusted,
}

/// Answers a request to a source of credentials; `None` if the path is none.
pub(crate) fn answer(state: &State, arrival: &Arrival) -> Option<Answer> {
    let answer = if let Some(path) = arrival.path.strip_prefix("/latest/") {
        machine::answer(state, arrival, path)
    } else if arrival.path == "/_credentials/container" {
        container::answer(state, arrival)
    } else if arrival.path == "/federation/credentials" {
        single_sign_on::answer(state, arrival)
    } else {
        return None;
    };
    let mut entry = arrival.log_entry(state.now(), &aws_request_id());
    entry.status = answer.status;
    state.journal.record(entry);
    Some(answer)
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::whole(status, "application/json", body.to_string())
}

fn text_answer(status: u16, body: &str) -> Answer {
    Answer::whole(status, "text/plain", body.to_owned())
}

/// The session that `service` has for the workload now, or a new one.
fn session(
    state: &State,
    service: &'static str,
    session_name: &str,
    tags: BTreeMap<String, String>,
) -> Result<Session, Refusal> {
    let mut sessions = locked(&state.sources.sessions);
    let now = state.now();
    if let Some(current) = sessions.get(service)
        && current.grant.expires_at > now + RENEWED_BEFORE_THE_END
    {
        return Ok(current.clone());
    }
    let grant = grant(&state.world(), service, session_name, tags, whole_seconds(now))?;
    let session = Session::open(grant);
    sessions.insert(service, session.clone());
    state.keep_session(session.clone());
    Ok(session)
}

fn grant(
    world: &World,
    service: &'static str,
    session_name: &str,
    tags: BTreeMap<String, String>,
    now: SystemTime,
) -> Result<Grant, Refusal> {
    let name = world.sources.role.as_deref().ok_or(Refusal::NoRole)?;
    let role = world.roles.get(name).ok_or(Refusal::NoRole)?;
    let mut actions = vec!["sts:AssumeRole"];
    actions.extend((!tags.is_empty()).then_some("sts:TagSession"));
    if service != single_sign_on::SERVICE && !actions.iter().all(|action| trusts(role, name, service, action))
    {
        return Err(Refusal::NotTrusted);
    }
    Ok(Grant {
        account: role.account.clone(),
        role_name: name.to_owned(),
        role_arn: role.arn(name),
        session_name: session_name.to_owned(),
        expires_at: now + Duration::from_secs(u64::from(world.sources.session_seconds)),
        policy: None,
        transitive_tag_keys: tags.keys().map(|key| key.to_ascii_lowercase()).collect(),
        tags,
        source_identity: None,
        external_id: None,
        opened_by: service.to_owned(),
        is_source: true,
    })
}

fn trusts(role: &Role, name: &str, service: &str, action: &str) -> bool {
    let request = AccessRequest {
        identities: &[service.to_owned()],
        account: "",
        action,
        resource: &role.arn(name),
        context: &[("aws:SecureTransport", "true")],
    };
    role.trust_policy.decide(&request) == Decision::Allowed
}

fn rfc3339(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(&Rfc3339).expect("a time of this century has an RFC 3339 form")
}

/// The form that machine and container share.
fn credentials_json(session: &Session) -> Value {
    json!({
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": rfc3339(session.grant.expires_at),
    })
}
