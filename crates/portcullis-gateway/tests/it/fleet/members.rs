//! The integrations of the fleet: what each says at each of its revisions, and the roles that trust them.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use portcullis_emulator::world::{CUSTOMER_ACCOUNT, GATEWAY_ARN, REGION, Role, Workspace, inference_access};
use portcullis_emulator::{EmulatorHandle, World, iam};
use portcullis_types::{
    AwsAuth, ClaudePlatformAws, FeatureSet, IntegrationId, Revision, RoleSettings, SessionSubject,
};
use serde_json::json;

pub(super) const N_INTEGRATIONS: usize = 200;
const N_ROLES: usize = 20;

/// An integration at one revision.
#[derive(Debug)]
pub(super) struct Edition {
    pub(super) member: usize,
    pub(super) integration: IntegrationId,
    pub(super) revision: Revision,
    pub(super) role: usize,
    pub(super) external_id: String,
    pub(super) platform: ClaudePlatformAws,
}

impl Edition {
    fn new(
        member: usize,
        integration: IntegrationId,
        revision: i64,
        role: usize,
        external_id: String,
    ) -> Arc<Self> {
        let settings: RoleSettings = match member % 2 {
            0 => RoleSettings::default(),
            _ => serde_json::from_value(json!({"session_policy": "off"})).unwrap(),
        };
        let platform = ClaudePlatformAws {
            region: REGION.parse().unwrap(),
            workspace_id: workspace(member).parse().unwrap(),
            auth: AwsAuth::AssumedRole {
                role_arn: role_arn(role).parse().unwrap(),
                external_id: external_id.parse().unwrap(),
                settings: Arc::new(settings),
            },
            features: FeatureSet::default(),
        };
        Arc::new(Self { member, integration, revision: Revision(revision), role, external_id, platform })
    }

    /// The next revision, with this role and this external ID.
    fn next(&self, role: usize, external_id: &str) -> Arc<Self> {
        Self::new(self.member, self.integration, self.revision.0 + 1, role, external_id.to_owned())
    }
}

/// Every edition of every integration; the last one counts.
pub(super) struct Members(Mutex<Vec<Vec<Arc<Edition>>>>);

impl Members {
    /// 200 integrations, ten for each role, with external IDs in another order than their own.
    pub(super) fn new() -> Self {
        let first = |member: usize| {
            let external_id = format!("fleet-{}", (member * 77 + 13) % N_INTEGRATIONS);
            let id = IntegrationId::generate(SystemTime::UNIX_EPOCH);
            vec![Edition::new(member, id, 1, member % N_ROLES, external_id)]
        };
        Self(Mutex::new((0..N_INTEGRATIONS).map(first).collect()))
    }

    pub(super) fn current(&self, member: usize) -> Arc<Edition> {
        Arc::clone(self.0.lock().unwrap()[member].last().unwrap())
    }

    pub(super) fn edition(&self, member: usize, revision: usize) -> Option<Arc<Edition>> {
        self.0.lock().unwrap()[member].get(revision.checked_sub(1)?).cloned()
    }

    /// A new revision that changes nothing of the session.
    pub(super) fn rename(&self, member: usize) {
        let mut all = self.0.lock().unwrap();
        let old = Arc::clone(all[member].last().unwrap());
        all[member].push(old.next(old.role, &old.external_id));
    }

    /// A new revision with an external ID of its own; the role trusts the old one no longer.
    pub(super) fn replace_external_id(&self, member: usize, aws: &EmulatorHandle) {
        let mut all = self.0.lock().unwrap();
        let old = Arc::clone(all[member].last().unwrap());
        all[member].push(old.next(old.role, &format!("fleet-{member}-{}", old.revision.0 + 1)));
        aws.change_world(|world| trust(world, &all, [old.role]));
    }

    /// Two integrations take each other's role and external ID.
    pub(super) fn exchange(&self, one: usize, other: usize, aws: &EmulatorHandle) {
        if one == other {
            return;
        }
        let mut all = self.0.lock().unwrap();
        let (a, b) = (Arc::clone(all[one].last().unwrap()), Arc::clone(all[other].last().unwrap()));
        all[one].push(a.next(b.role, &b.external_id));
        all[other].push(b.next(a.role, &a.external_id));
        aws.change_world(|world| trust(world, &all, [a.role, b.role]));
    }

    /// The world in which every integration has a workspace, and its role trusts its external ID.
    pub(super) fn world(&self) -> World {
        let mut world = World::example();
        for role in 0..N_ROLES {
            let role_of_customer = Role {
                account: CUSTOMER_ACCOUNT.to_owned(),
                path: "/".to_owned(),
                trust_policy: trust_policy(&[]),
                permissions_policy: inference_access(),
                permissions_boundary: None,
                max_session_duration: 3600,
            };
            world.roles.insert(role_name(role), role_of_customer);
        }
        for member in 0..N_INTEGRATIONS {
            let made = Workspace { account: CUSTOMER_ACCOUNT.to_owned(), region: REGION.to_owned() };
            world.workspaces.insert(workspace(member), made);
        }
        trust(&mut world, &self.0.lock().unwrap(), 0..N_ROLES);
        world
    }
}

/// Has these roles trust the external IDs of the integrations that are theirs now, and no others.
fn trust(world: &mut World, all: &[Vec<Arc<Edition>>], roles: impl IntoIterator<Item = usize>) {
    for role in roles {
        let last = all.iter().filter_map(|editions| editions.last());
        let ids: Vec<_> = last.filter(|e| e.role == role).map(|e| e.external_id.as_str()).collect();
        world.roles.get_mut(&role_name(role)).unwrap().trust_policy = trust_policy(&ids);
    }
}

fn trust_policy(external_ids: &[&str]) -> iam::Policy {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole",
         "Condition": {"StringEquals": {"sts:ExternalId": external_ids}}}]});
    policy.try_into().unwrap()
}

fn role_name(role: usize) -> String {
    format!("fleet-{role}")
}

pub(super) fn role_arn(role: usize) -> String {
    format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/{}", role_name(role))
}

fn workspace(member: usize) -> String {
    format!("wrkspc_01Fleet{member:04}")
}

/// Whose workspace this is.
pub(super) fn member_of(workspace: &str) -> Option<usize> {
    workspace.strip_prefix("wrkspc_01Fleet")?.parse().ok()
}

/// The same for all: nothing in a session's name tells whose it is.
pub(super) fn subject() -> SessionSubject<'static> {
    SessionSubject {
        organisation: "acme",
        workspace: "default",
        integration: "claude",
        key: None,
        user: None,
        metadata: None,
    }
}
