//! Whether anybody gets into the role who does not know its external ID.
//!
//! A refusal proves something only if the role's trust policy refused, at an STS that knows the role. Two things could look
//! like it and are not: another policy refuses before the trust policy is asked, and AWS names it; or the STS has not heard
//! of the role yet, and denies everything. So the STS that granted the role is asked, no other; the calls that must be
//! refused stand between calls that must be granted; and for a role that may be new all of it is done several times.

use std::time::Duration;

use portcullis_provider::error::{Because, Denial, PolicyKind};
use portcullis_types::ExternalId;
use portcullis_types::session::SessionDuration;
use tokio::time::Instant;

use super::entry::{Assumed, Granted};
use super::findings;
use super::report::{ExternalIdProof, Finding, Step};
use super::run::Run;
use crate::error::CredentialsError;
use crate::session::AssumeRole;

/// How often what must be refused is asked for when nothing was proven before, or when AWS may not know the role everywhere.
const ROUNDS_WHEN_FRESH: usize = 3;
/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(5);
/// A refusal proves something only beside a success.
const NO_SESSION: &str =
    "the role could not be assumed with its own external ID, so a refusal would prove nothing";
const WHY_AGAIN: &str = "the refusals to be repeated, since AWS may not know the role everywhere yet";

/// A way in that must be closed.
struct Door {
    step: Step,
    /// What is tried, in a sentence: `without an external ID`.
    how: &'static str,
    calls: Vec<AssumeRole>,
    /// The last refusal by the role itself, or what else was seen. `None` before it was tried.
    seen: Option<Result<CredentialsError, Finding>>,
    n_rounds: usize,
    took: Duration,
}

/// Who refused, by AWS's own words.
enum Refuser {
    Role,
    AnotherPolicy,
    /// That was no refusal.
    Nobody,
}

impl Run<'_> {
    /// The steps that must be refused, round by round: both, then a call that must be granted.
    pub(super) async fn doors(&mut self, assumed: Option<&Assumed>) {
        let Some(assumed) = assumed else {
            return self.skip(&Step::ALL[3..5], NO_SESSION).await;
        };
        let mut doors = Door::both(assumed);
        self.knock_again_and_again(&mut doors, &assumed.granted).await;
        for door in doors {
            self.progress.report_took(door.step, door.took, door.finding()).await;
        }
    }

    async fn knock_again_and_again(&mut self, doors: &mut [Door; 2], granted: &Granted) {
        let until = Instant::now() + self.options.patience;
        let mut n_rounds = 0;
        loop {
            for door in doors.iter_mut() {
                self.knock(door, granted).await;
            }
            if doors.iter().any(|door| matches!(door.seen, Some(Err(_)))) {
                return;
            }
            match self.assume(&granted.caller, &granted.call, Some(&granted.station)).await {
                Ok(_) => n_rounds += 1,
                // Whoever denied this may have denied the others for the same reason: the round does not count.
                Err(CredentialsError::AccessDenied(_)) if Instant::now() + PAUSE <= until => {
                    self.is_fresh = true;
                }
                Err(error) => return doors.iter_mut().for_each(|door| door.proves_nothing(&error)),
            }
            if n_rounds >= self.rounds() {
                return;
            }
            self.progress.wait(Step::RefusedWithoutExternalId, PAUSE, WHY_AGAIN).await;
        }
    }

    fn rounds(&self) -> usize {
        let is_known = self.options.before == ExternalIdProof::Enforced && !self.is_fresh;
        if is_known { 1 } else { ROUNDS_WHEN_FRESH }
    }

    async fn knock(&self, door: &mut Door, granted: &Granted) {
        let started = Instant::now();
        for call in &door.calls {
            let seen = match self.assume(&granted.caller, call, Some(&granted.station)).await {
                Ok(_) => Err(not_enforced(&granted.call, door.how)),
                Err(error) => match refuser(&error) {
                    Refuser::Role => Ok(error),
                    Refuser::AnotherPolicy => Err(refused_elsewhere(&error, door.how)),
                    Refuser::Nobody => Err(not_proven(&error, door.how)),
                },
            };
            let is_decided = seen.is_err();
            door.seen = Some(seen);
            if is_decided {
                break;
            }
        }
        door.n_rounds += 1;
        door.took += started.elapsed();
    }
}

impl Door {
    fn both(assumed: &Assumed) -> [Self; 2] {
        let new = |step, how, ids: &[Option<ExternalId>]| {
            let calls = ids.iter().flat_map(|id| calls(assumed, id.as_ref())).collect();
            Self { step, how, calls, seen: None, n_rounds: 0, took: Duration::ZERO }
        };
        let own = assumed.granted.call.external_id.as_ref().expect("an integration's own role has one");
        [
            new(Step::RefusedWithoutExternalId, "without an external ID", &[None]),
            new(Step::RefusedWithWrongExternalId, "with a wrong external ID", &wrong_ids(own).map(Some)),
        ]
    }

    fn proves_nothing(&mut self, error: &CredentialsError) {
        self.seen = Some(Err(not_proven(error, "with the role's own external ID after that")));
    }

    fn finding(self) -> Finding {
        let refusal = match self.seen.expect("every door is tried in the first round") {
            Ok(refusal) => refusal,
            Err(finding) => return finding,
        };
        let times = if self.n_rounds > 1 { format!(" in {} rounds", self.n_rounds) } else { String::new() };
        let said = refusal.explanation();
        Finding::passed(format!("STS refused {}{times}: {said}", self.how))
            .with_ids(None, said.request_id.as_deref())
    }
}

/// The calls that must be refused: those that were granted, with another external ID; and one that says nothing but who
/// asks for what, because a trust policy may refuse tags alone.
fn calls(assumed: &Assumed, external_id: Option<&ExternalId>) -> Vec<AssumeRole> {
    let granted = [&assumed.granted].into_iter().chain(&assumed.common).map(|granted| &granted.call);
    let mut calls: Vec<AssumeRole> = Vec::new();
    for call in granted.clone().map(said_as_granted).chain(granted.take(1).map(bare)) {
        let call =
            AssumeRole { external_id: external_id.cloned(), duration: SessionDuration::SHORTEST, ..call };
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

fn said_as_granted(granted: &AssumeRole) -> AssumeRole {
    let says_more = !granted.tags.is_empty() || granted.source_identity.is_some();
    if says_more { granted.clone() } else { bare(granted) }
}

fn bare(granted: &AssumeRole) -> AssumeRole {
    AssumeRole {
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        ..granted.clone()
    }
}

/// IDs that are not `own` and that no other integration has: one of the gateway's own making, and a neighbour of `own`.
/// Conditions with a wildcard let in the one or the other.
fn wrong_ids(own: &ExternalId) -> [ExternalId; 2] {
    let fresh =
        ExternalId::generate().expect("the system has randomness, as every connection to AWS needs it");
    let (rest, last) = own.as_str().split_at(own.as_str().len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    let neighbour =
        format!("{rest}{other}").parse().expect("as long as `own`, and a digit is within AWS's set");
    [fresh, neighbour]
}

fn refuser(error: &CredentialsError) -> Refuser {
    use PolicyKind as K;
    let CredentialsError::AccessDenied(said) = error else { return Refuser::Nobody };
    match Denial::parse(&said.message).because {
        Because::Unsaid
        | Because::NotAllowed(K::RoleTrust | K::Resource)
        | Because::Denied { kind: K::RoleTrust | K::Resource, .. } => Refuser::Role,
        Because::NotAllowed(_) | Because::Denied { .. } => Refuser::AnotherPolicy,
    }
}

fn not_enforced(granted: &AssumeRole, how: &str) -> Finding {
    let AssumeRole { role_arn, external_id, .. } = granted;
    let external_id = external_id.as_ref().map(ExternalId::as_str).unwrap_or_default();
    let condition = serde_json::json!({"StringEquals": {"sts:ExternalId": external_id}});
    Finding::failed_as(&findings::NOT_ENFORCED, format!("STS let the gateway into `{role_arn}` {how}")).with_fix(
        format!(
            "Add this to every statement of the trust policy of `{role_arn}` that lets the gateway in: \"Condition\": {condition}"
        ),
    )
}

fn refused_elsewhere(error: &CredentialsError, how: &str) -> Finding {
    Finding::failed_as(&findings::REFUSED_ELSEWHERE, format!("asked {how}, STS answered: {error}"))
        .with_ids(None, error.explanation().request_id.as_deref())
}

fn not_proven(error: &CredentialsError, how: &str) -> Finding {
    let explained = error.explain();
    let cause = format!("{} ({}: {})", findings::NOT_PROVEN.meaning, explained.code, explained.meaning);
    Finding::failed_as(&findings::NOT_PROVEN, format!("asked {how}, STS answered: {error}"))
        .with_cause(cause)
        .with_fix(explained.fix.unwrap_or_else(|| findings::NOT_PROVEN.fix.to_owned()))
        .with_ids(None, error.explanation().request_id.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_external_ids_are_one_of_ours_and_a_neighbour() {
        for own in ["pcs-acme", "acme-0", "00"] {
            let own: ExternalId = own.parse().unwrap();
            let [fresh, neighbour] = wrong_ids(&own);
            assert!(fresh.as_str().starts_with("pcs-") && fresh.as_str().len() == 36, "{fresh}");
            assert_ne!(neighbour, own);
            let common = own.as_str().len() - 1;
            assert_eq!(neighbour.as_str()[..common], own.as_str()[..common]);
        }
    }

    #[test]
    fn only_the_roles_own_policy_counts_as_the_one_that_refused() {
        let is_role = |because: &str| {
            let said = format!(
                "User: arn:aws:iam::111122223333:user/gateway is not authorized to perform: sts:AssumeRole on \
                 resource: arn:aws:iam::123456789012:role/claude{because}"
            );
            let error = CredentialsError::AccessDenied(crate::error::Explanation::new(&said));
            matches!(refuser(&error), Refuser::Role)
        };
        for own in [
            "",
            " because no role trust policy allows the sts:AssumeRole action",
            " because no resource-based policy allows the sts:AssumeRole action",
            " with an explicit deny in a role trust policy",
            " with an explicit deny in a resource-based policy",
        ] {
            assert!(is_role(own), "{own}");
        }
        for other in [
            " because no identity-based policy allows the sts:AssumeRole action",
            " because no service control policy allows the sts:AssumeRole action",
            " because no VPC endpoint policy allows the sts:AssumeRole action",
            " because no permissions boundary allows the sts:AssumeRole action",
            " because no session policy allows the sts:AssumeRole action",
            " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
            " with an explicit deny in an identity-based policy",
            " with an explicit deny in a resource control policy",
        ] {
            assert!(!is_role(other), "{other}");
        }
    }
}
