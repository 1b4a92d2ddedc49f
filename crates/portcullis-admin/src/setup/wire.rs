//! What is asked of a set-up, read from its body.
//!
//! | field | meaning |
//! |---|---|
//! | `region`, `workspace_id` | one target: an Anthropic workspace and its region |
//! | `targets` | several, each with `region`, `workspace_id` and perhaps a `name`; they share the role |
//! | `role_name` | the IAM role to make |
//! | `role_path` | its path; `/` |
//! | `account_id` | the account it is made in; a placeholder stands for it when absent |
//! | `features` | a list, or `"inference_only"` (the default) or `"full"` |
//! | `gateway_principal` | whom the role trusts; the gateway's own identity |
//! | `restrict_to_workspaces` | whether the role reaches these workspaces alone; true |
//! | `session_tags`, `source_identity` | whether the gateway may set them on its sessions; false |
//! | `duration_seconds` | the role's maximum session duration; 3600 |
//! | `name` | what the integrations are called |

use std::collections::BTreeSet;

use portcullis_types::{
    AccountId, Feature, FeatureSet, MaxSessionDuration, PrincipalArn, Region, RoleName, RolePath, WorkspaceId,
};
use serde_json::{Map, Value};

use crate::fields::read::{self, invalid};
use crate::fields::{Fields, Reading};
use crate::problem::{ProblemCode, Problems};

/// As many external IDs as the shortest trust policy has room for; every one is reserved. A gateway with a long name, or
/// one that passes tags, gets fewer in, which the plan says.
const MOST_TARGETS: usize = 46;

const REGION: &[&str] = &["region", "aws_region"];
const WORKSPACE: &[&str] = &["workspace_id", "anthropic_aws_workspace_id"];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: Option<String>,
    /// At least one.
    pub(super) targets: Vec<WantedTarget>,
    pub(super) features: FeatureSet,
    pub(super) role_name: RoleName,
    pub(super) role_path: RolePath,
    pub(super) account_id: Option<AccountId>,
    /// `None`: the gateway's own identity.
    pub(super) gateway_principal: Option<PrincipalArn>,
    pub(super) restrict_to_workspaces: bool,
    pub(super) session_tags: bool,
    pub(super) source_identity: bool,
    pub(super) duration_seconds: MaxSessionDuration,
}

/// An Anthropic workspace, where it is, and what its integration is called.
#[derive(Debug, PartialEq)]
pub(super) struct WantedTarget {
    pub(super) region: Region,
    pub(super) workspace_id: WorkspaceId,
    pub(super) name: Option<String>,
}

/// Reads the body of a set-up.
///
/// # Errors
/// Everything that is wrong with it, by field.
pub(super) fn read(body: Map<String, Value>) -> Result<Wanted, Problems> {
    let mut problems = Problems::default();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.optional(&["name"], read::name);
    let targets = read_targets(&mut fields);
    let features = fields.optional(&["features"], read_features).unwrap_or_default();
    let role_name = fields.required(&["role_name"], read::parsed);
    let role_path = fields.optional(&["role_path"], read::parsed).unwrap_or_default();
    let account_id = fields.optional(&["account_id", "aws_account_id"], read::parsed);
    let gateway_principal = fields.optional(&["gateway_principal"], read::parsed);
    let mut switch = |name, default| fields.optional(&[name], read::boolean).unwrap_or(default);
    let restrict_to_workspaces = switch("restrict_to_workspaces", true);
    let session_tags = switch("session_tags", false);
    let source_identity = switch("source_identity", false);
    let duration_seconds = fields.optional(&["duration_seconds"], read_duration).unwrap_or_default();
    fields.finish();
    let wanted = || {
        Some(Wanted {
            name,
            targets: targets?,
            features,
            role_name: role_name?,
            role_path,
            account_id,
            gateway_principal,
            restrict_to_workspaces,
            session_tags,
            source_identity,
            duration_seconds,
        })
    };
    let wanted = wanted();
    problems.settle(wanted)
}

/// One target by its own fields, or several in a list.
fn read_targets(fields: &mut Fields<'_>) -> Option<Vec<WantedTarget>> {
    if !fields.has(&["targets"]) {
        return Some(vec![read_target(fields, None)?]);
    }
    let message = "stands in `targets`, and not beside it";
    fields.refuse(
        &[REGION[0], REGION[1], WORKSPACE[0], WORKSPACE[1]],
        ProblemCode::ConflictingFields,
        message,
    );
    let targets = fields.each(&["targets"], |mut target| {
        let name = target.optional(&["name"], read::name);
        let read = read_target(&mut target, name);
        target.finish();
        read
    })?;
    let problem = match targets.len() {
        0 => "must have an item: a region and its workspace",
        1..=MOST_TARGETS if has_twins(&targets) => "names one workspace twice",
        1..=MOST_TARGETS => return Some(targets),
        _ => "must have at most 46 items: a role's trust policy has room for no more external IDs",
    };
    fields.report("targets", ProblemCode::InvalidValue, problem)
}

fn read_target(fields: &mut Fields<'_>, name: Option<String>) -> Option<WantedTarget> {
    let region = fields.required(REGION, read::parsed);
    let workspace_id = fields.required(WORKSPACE, read::parsed);
    Some(WantedTarget { region: region?, workspace_id: workspace_id?, name })
}

fn has_twins(targets: &[WantedTarget]) -> bool {
    let mut seen = BTreeSet::new();
    !targets.iter().all(|target| seen.insert((target.region.as_str(), target.workspace_id.as_str())))
}

fn read_features(value: Value) -> Reading<FeatureSet> {
    match value {
        Value::String(preset) => match preset.as_str() {
            "inference_only" => Ok(FeatureSet::default()),
            "full" => Ok(FeatureSet::all()),
            _ => Err(invalid("must be a list of features, or one of `inference_only`, `full`")),
        },
        list => {
            let features: Vec<Feature> = read::list(list, read::parsed)?;
            let set = BTreeSet::from_iter(features);
            FeatureSet::try_from(set).map_err(|_| invalid("must include `inference`"))
        }
    }
}

fn read_duration(value: Value) -> Reading<MaxSessionDuration> {
    let seconds = match &value {
        Value::Number(number) => number.as_u64().and_then(|seconds| u32::try_from(seconds).ok()),
        other => return Err(read::wrong_type("a number", other)),
    };
    let read = seconds.and_then(|seconds| MaxSessionDuration::try_from(seconds).ok());
    read.ok_or_else(|| invalid("must be 3600 to 43200 seconds"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(body: Value) -> Wanted {
        let Value::Object(body) = body else { panic!("a test body is an object") };
        read(body).unwrap()
    }

    fn problems(body: Value) -> Vec<String> {
        let Value::Object(body) = body else { panic!("a test body is an object") };
        let problems = read(body).expect_err("it is wrong");
        problems.as_slice().iter().map(|p| format!("{}: {}", p.param, p.message)).collect()
    }

    #[test]
    fn the_least_is_a_region_a_workspace_and_a_roles_name() {
        let read = wanted(json!({"region": "us-west-2", "workspace_id": "wrkspc_1", "role_name": "claude"}));
        assert_eq!(read.targets.len(), 1);
        assert_eq!(read.features, FeatureSet::default());
        assert_eq!((read.role_path.as_str(), read.duration_seconds.seconds()), ("/", 3600));
        assert!(read.restrict_to_workspaces && !read.session_tags && !read.source_identity);
        assert!(read.account_id.is_none() && read.gateway_principal.is_none());
    }

    #[test]
    fn several_targets_share_a_role() {
        let read = wanted(json!({
            "targets": [
                {"region": "us-west-2", "workspace_id": "wrkspc_1", "name": "West"},
                {"region": "eu-west-1", "workspace_id": "wrkspc_2"},
            ],
            "role_name": "claude", "features": "full",
        }));
        assert_eq!(read.targets[0].name.as_deref(), Some("West"));
        assert_eq!(read.targets[1].region.as_str(), "eu-west-1");
        assert_eq!(read.features, FeatureSet::all());
    }

    #[test]
    fn every_problem_is_told_by_its_field() {
        assert_eq!(
            problems(json!({})),
            ["region: is missing", "workspace_id: is missing", "role_name: is missing"]
        );
        let good = json!({"region": "us-west-2", "workspace_id": "wrkspc_1", "role_name": "claude"});
        let check = |name: &str, value: Value, expect: &str| {
            let mut body = good.clone();
            body[name] = value;
            let told = problems(body);
            assert!(told.len() == 1 && told[0].starts_with(expect), "{told:?}");
        };
        check("region", json!("nowhere"), "region: is not valid: ");
        check("role_name", json!("a b"), "role_name: is not valid: ");
        check("role_path", json!("team"), "role_path: is not valid: ");
        check("account_id", json!("123"), "account_id: is not valid: an AWS account is twelve digits");
        check(
            "gateway_principal",
            json!("arn:aws:iam::123456789012:root"),
            "gateway_principal: is not valid: ",
        );
        check("features", json!("some"), "features: must be a list of features, or one of");
        check("features", json!(["models"]), "features: must include `inference`");
        check("features", json!(["inference", "chat"]), "features: has an item 1 that is not valid: ");
        check("duration_seconds", json!(60), "duration_seconds: must be 3600 to 43200 seconds");
        check("duration_seconds", json!("3600"), "duration_seconds: must be a number, not a string");
        check("restrict_to_workspaces", json!("no"), "restrict_to_workspaces: must be true or false");
        check("external_id", json!("mine"), "external_id: is not a field of this request");
    }

    #[test]
    fn targets_are_some_and_no_two_are_the_same() {
        let with = |targets: Value| problems(json!({"role_name": "claude", "targets": targets}));
        let target = json!({"region": "us-west-2", "workspace_id": "wrkspc_1"});
        assert_eq!(with(json!([])), ["targets: must have an item: a region and its workspace"]);
        assert_eq!(with(json!([target, target])), ["targets: names one workspace twice"]);
        let both = json!({"role_name": "claude", "targets": [target], "region": "us-west-2"});
        assert_eq!(problems(both), ["region: stands in `targets`, and not beside it"]);
        let many: Vec<_> = (0..=MOST_TARGETS)
            .map(|n| json!({"region": "us-west-2", "workspace_id": format!("wrkspc_{n}")}))
            .collect();
        assert_eq!(
            with(json!(many)),
            ["targets: must have at most 46 items: a role's trust policy has room for no more external IDs"]
        );
        assert_eq!(
            with(json!([{"region": "us-west-2", "workspace": "wrkspc_1"}])),
            ["targets[0].workspace_id: is missing", "targets[0].workspace: is not a field of this request",]
        );
    }
}
