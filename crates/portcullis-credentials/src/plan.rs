//! From an integration's settings and the one who asks to the calls that make a session.
//!
//! A [`Plan`] is made once per revision of an integration; a request only fills in its [`Wording`]. Together they are the
//! shape of a session.
//!
//! # Who carries what on a chain
//! - The integration's own role, which is the last, gets the session policy, the source identity and the tags: they say
//!   what is done there, and for whom. Roles on the way need not trust the gateway with `sts:SetSourceIdentity`.
//! - Tags whose keys are transitive are given to the first role of a chain, and AWS hands them on to all that follow; to
//!   give them again further on would be refused. Without a chain there is one call, which carries everything.
//! - Sessions on the way last as short as AWS allows: they are used for the next call and then forgotten.
//!
//! Source: IAM user guide, "Pass session tags in AWS STS" and "Monitor and control actions taken with assumed roles".

use std::sync::Arc;

use portcullis_types::session::{SessionDuration, SessionTag, TagKey, Target};
use portcullis_types::{
    AwsAuth, ClaudePlatformAws, ExternalId, FeatureSet, Region, RoleArn, RoleSettings, SessionName,
    SessionSubject, SessionTemplate, WorkspaceId,
};

use crate::error::{CredentialsError, Explanation};
use crate::policy::session_policy;
use crate::session::{AssumeRole, SessionShape};
use crate::source::SourceKind;

/// What all sessions of an integration at one revision have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    region: Region,
    role_arn: RoleArn,
    external_id: ExternalId,
    settings: Arc<RoleSettings>,
    workspace_id: WorkspaceId,
    features: FeatureSet,
    policy: Option<Arc<str>>,
    depends_on_caller: bool,
}

/// The texts of a session that depend on who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wording {
    session_name: SessionName,
    /// Names of the hops that have one of their own.
    hop_names: Vec<Option<SessionName>>,
    /// One for each tag of the settings. `None` where a value is not known: there is no such tag then.
    tag_values: Vec<Option<String>>,
    source_identity: Option<String>,
}

type Tags = Vec<(TagKey, String)>;

impl Plan {
    /// The plan for `platform`. `None` for ways that need no session.
    ///
    /// # Errors
    /// When the policy that narrows its sessions is longer than AWS takes.
    pub(crate) fn of(platform: &ClaudePlatformAws) -> Result<Option<Self>, CredentialsError> {
        let AwsAuth::AssumedRole { role_arn, external_id, settings } = &platform.auth else {
            return Ok(None);
        };
        let policy = session_policy(platform)
            .map_err(|error| CredentialsError::PolicyTooLarge(Explanation::new(&error.to_string())))?;
        Ok(Some(Self {
            region: platform.region.clone(),
            role_arn: role_arn.clone(),
            external_id: external_id.clone(),
            settings: Arc::clone(settings),
            workspace_id: platform.workspace_id.clone(),
            features: platform.features.clone(),
            policy,
            depends_on_caller: settings.depends_on_caller(),
        }))
    }

    /// Whether this is the plan for `platform`: everything that goes into one is compared, nothing is hashed.
    pub(crate) fn is_for(&self, platform: &ClaudePlatformAws) -> bool {
        let AwsAuth::AssumedRole { role_arn, external_id, settings } = &platform.auth else { return false };
        (Arc::ptr_eq(&self.settings, settings) || self.settings == *settings)
            && self.external_id == *external_id
            && self.role_arn == *role_arn
            && self.workspace_id == platform.workspace_id
            && self.region == platform.region
            && self.features == platform.features
    }

    /// Whether sessions differ between callers of one workspace.
    pub(crate) const fn depends_on_caller(&self) -> bool {
        self.depends_on_caller
    }

    /// How many calls make a session.
    pub(crate) fn n_calls(&self) -> usize {
        self.settings.role_chain.len() + 1
    }

    /// How long sessions are to last, by the settings.
    pub(crate) fn asked(&self) -> SessionDuration {
        self.settings.duration_seconds.unwrap_or(SessionDuration::HOUR)
    }

    /// How long they may last at most when the gateway's identity is of this kind: a role that assumes a role gets an hour.
    pub(crate) fn longest(&self, source: SourceKind) -> SessionDuration {
        let is_chained = source.is_role_session() || !self.settings.role_chain.is_empty();
        if is_chained { self.asked().min(SessionDuration::HOUR) } else { self.asked() }
    }

    /// The texts for `subject`.
    pub(crate) fn wording(&self, subject: &SessionSubject<'_>) -> Wording {
        let settings = &self.settings;
        let name = |template: &SessionTemplate| {
            template.render(subject, Target::SessionName).and_then(|name| name.parse().ok())
        };
        let own_name = settings.session_name.as_ref().and_then(name);
        let value = |tag: &SessionTag| tag.value.render(subject, Target::TagValue);
        let identity = settings.source_identity.as_ref();
        Wording {
            session_name: own_name
                .unwrap_or_else(|| default_session_name(subject.workspace, subject.integration)),
            hop_names: settings
                .role_chain
                .iter()
                .map(|hop| hop.session_name.as_ref().and_then(name))
                .collect(),
            tag_values: settings.session_tags.iter().map(value).collect(),
            source_identity: identity.and_then(|identity| identity.render(subject, Target::SourceIdentity)),
        }
    }

    /// The calls that make a session of this wording. Only the last is for so long.
    pub(crate) fn shape(&self, wording: &Wording, duration: SessionDuration) -> SessionShape {
        let hops = self.settings.role_chain.iter().zip(&wording.hop_names);
        let mut calls: Vec<AssumeRole> = hops
            .map(|(hop, name)| {
                let name = name.as_ref().unwrap_or(&wording.session_name);
                self.bare_call(&hop.role_arn, hop.external_id.clone(), name, SessionDuration::SHORTEST)
            })
            .collect();
        calls.push(AssumeRole {
            policy: self.policy.clone(),
            source_identity: wording.source_identity.clone(),
            ..self.bare_call(&self.role_arn, Some(self.external_id.clone()), &wording.session_name, duration)
        });
        let (transitive, own) = self.tags(wording);
        calls.last_mut().expect("one was just added").tags = own;
        let first = &mut calls[0];
        first.transitive_tag_keys = transitive.iter().map(|(key, _)| key.clone()).collect();
        first.tags.splice(0..0, transitive);
        SessionShape { hops: calls }
    }

    fn bare_call(
        &self,
        role_arn: &RoleArn,
        external_id: Option<ExternalId>,
        session_name: &SessionName,
        duration: SessionDuration,
    ) -> AssumeRole {
        AssumeRole {
            role_arn: role_arn.clone(),
            external_id,
            region: self.region.clone(),
            session_name: session_name.clone(),
            duration,
            policy: None,
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
        }
    }

    /// The tags that have a value: those that go along to further roles, and the others.
    fn tags(&self, wording: &Wording) -> (Tags, Tags) {
        let keys = self.settings.session_tags.iter().map(|tag| &tag.key);
        let tags =
            keys.zip(&wording.tag_values).filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        // AWS compares keys without regard to case.
        let same = |a: &TagKey, b: &TagKey| a.as_str().to_lowercase() == b.as_str().to_lowercase();
        tags.partition(|(key, _)| self.settings.transitive_tag_keys.iter().any(|other| same(key, other)))
    }
}

/// `pcs-<workspace>-<integration>`: who asked, for whoever reads CloudTrail. Slugs are within AWS's set of characters;
/// both are cut where 64 characters ask for it.
fn default_session_name(workspace: &str, integration: &str) -> SessionName {
    const LONGEST: usize = 64;
    const PREFIX: &str = "pcs-";
    let room = LONGEST - PREFIX.len() - 1;
    let for_integration = integration.len().min(room - workspace.len().min(room / 2));
    let for_workspace = workspace.len().min(room - for_integration);
    let name = format!("{PREFIX}{}-{}", &workspace[..for_workspace], &integration[..for_integration]);
    name.parse().expect("slugs are within AWS's set, and the lengths were cut to fit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subject(user: Option<&'static str>) -> SessionSubject<'static> {
        SessionSubject {
            organisation: "acme",
            workspace: "default",
            integration: "claude",
            key: None,
            user,
            metadata: None,
        }
    }

    fn own_call(settings: serde_json::Value, user: Option<&'static str>) -> AssumeRole {
        let platform = ClaudePlatformAws {
            region: "us-west-2".parse().unwrap(),
            workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
            auth: AwsAuth::AssumedRole {
                role_arn: "arn:aws:iam::123456789012:role/claude".parse().unwrap(),
                external_id: "pcs-acme".parse().unwrap(),
                settings: Arc::new(serde_json::from_value(settings).unwrap()),
            },
            features: FeatureSet::default(),
        };
        let plan = Plan::of(&platform).unwrap().unwrap();
        assert!(plan.is_for(&platform));
        plan.shape(&plan.wording(&subject(user)), plan.asked()).hops.pop().unwrap()
    }

    #[test]
    fn the_default_name_is_cut_to_what_aws_takes() {
        let check = |workspace: usize, integration: usize, expected: usize| {
            let name = default_session_name(&"w".repeat(workspace), &"i".repeat(integration));
            assert_eq!(name.as_str().len(), expected, "{name}");
        };
        check(1, 1, 7);
        check(29, 30, 64);
        check(100, 100, 64);
        check(1, 100, 64);
        check(100, 1, 64);
    }

    #[test]
    fn a_tag_without_a_value_is_left_out_and_with_it_its_key_among_the_transitive() {
        let settings = json!({
            "session_tags": [{"key": "User", "value": "{user}"}, {"key": "team", "value": "{workspace}"}],
            "transitive_tag_keys": ["user"],
        });
        let tags = |call: &AssumeRole| -> Vec<String> {
            call.tags.iter().map(|(key, value)| format!("{key}={value}")).collect()
        };
        let known = own_call(settings.clone(), Some("ada"));
        assert_eq!(
            (tags(&known), known.transitive_tag_keys.len()),
            (vec!["User=ada".into(), "team=default".into()], 1)
        );
        let unknown = own_call(settings, None);
        assert_eq!((tags(&unknown), unknown.transitive_tag_keys.len()), (vec!["team=default".into()], 0));
    }

    #[test]
    fn the_session_policy_goes_along_unless_it_is_off() {
        let policy = own_call(json!({}), None).policy.unwrap();
        assert!(policy.contains("workspace/wrkspc_01AbCdEf23GhIj"), "{policy}");
        assert_eq!(own_call(json!({"session_policy": "off"}), None).policy, None);
    }
}
