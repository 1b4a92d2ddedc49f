//! The route table with IAM actions. A route that is not here is refused, whatever the policies say.
//!
//! Source: Claude docs, "IAM actions for Claude Platform on AWS".

/// What an action is authorised on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionScope {
    /// The workspace's ARN.
    Workspace,
    /// `*`: a workspace ARN in a policy never matches.
    Account,
}

/// `{}` stands for one path segment.
const ROUTES: &[(&str, &str, &str)] = &[
    ("POST", "/v1/messages", "CreateInference"),
    ("POST", "/v1/messages/count_tokens", "CountTokens"),
    ("POST", "/v1/messages/batches", "CreateBatchInference"),
    ("GET", "/v1/messages/batches", "ListBatchInferences"),
    ("GET", "/v1/messages/batches/{}", "GetBatchInference"),
    ("GET", "/v1/messages/batches/{}/results", "GetBatchInference"),
    ("POST", "/v1/messages/batches/{}/cancel", "CancelBatchInference"),
    ("DELETE", "/v1/messages/batches/{}", "DeleteBatchInference"),
    ("GET", "/v1/models", "ListModels"),
    ("GET", "/v1/models/{}", "GetModel"),
    ("POST", "/v1/files", "CreateFile"),
    ("GET", "/v1/files", "ListFiles"),
    ("GET", "/v1/files/{}", "GetFile"),
    ("GET", "/v1/files/{}/content", "GetFile"),
    ("DELETE", "/v1/files/{}", "DeleteFile"),
    ("POST", "/v1/skills", "CreateSkill"),
    ("GET", "/v1/skills", "ListSkills"),
    ("GET", "/v1/skills/{}", "GetSkill"),
    ("DELETE", "/v1/skills/{}", "DeleteSkill"),
    ("POST", "/v1/skills/{}/versions", "UpdateSkill"),
    ("GET", "/v1/skills/{}/versions", "GetSkill"),
    ("GET", "/v1/skills/{}/versions/{}", "GetSkill"),
    ("GET", "/v1/skills/{}/versions/{}/content", "GetSkill"),
    ("DELETE", "/v1/skills/{}/versions/{}", "UpdateSkill"),
    ("POST", "/v1/user_profiles", "CreateUserProfile"),
    ("GET", "/v1/user_profiles", "ListUserProfiles"),
    ("GET", "/v1/user_profiles/{}", "GetUserProfile"),
    ("POST", "/v1/user_profiles/{}", "UpdateUserProfile"),
    ("POST", "/v1/organizations/workspaces", "CreateWorkspace"),
    ("GET", "/v1/organizations/workspaces", "ListWorkspaces"),
    ("GET", "/v1/organizations/workspaces/{}", "GetWorkspace"),
    ("POST", "/v1/organizations/workspaces/{}", "UpdateWorkspace"),
    ("POST", "/v1/organizations/workspaces/{}/archive", "ArchiveWorkspace"),
    ("POST", "/v1/organizations/external_keys", "RegisterKey"),
    ("GET", "/v1/organizations/external_keys", "ListKeys"),
    ("GET", "/v1/organizations/external_keys/{}", "GetKey"),
    ("POST", "/v1/organizations/external_keys/{}", "UpdateKey"),
    ("DELETE", "/v1/organizations/external_keys/{}", "DisableKey"),
    ("GET", "/v1/compliance/activities", "ListComplianceActivities"),
];

/// The action of a route, and what it is authorised on.
pub(super) fn action_of(method: &str, path: &str) -> Option<(&'static str, ActionScope)> {
    let (_, _, action) =
        ROUTES.iter().find(|(route_method, pattern, _)| *route_method == method && fits(pattern, path))?;
    let account_wide = [
        "CreateWorkspace",
        "ListWorkspaces",
        "RegisterKey",
        "ListKeys",
        "GetKey",
        "UpdateKey",
        "DisableKey",
        "ListComplianceActivities",
    ];
    let scope = if account_wide.contains(action) { ActionScope::Account } else { ActionScope::Workspace };
    Some((action, scope))
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let all_fit = pattern.split('/').all(|wanted| {
        segments.next().is_some_and(|segment| wanted == segment || (wanted == "{}" && !segment.is_empty()))
    });
    all_fit && segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_the_documented_actions() {
        let check = |method, path, expected: Option<&str>| {
            assert_eq!(action_of(method, path).map(|(action, _)| action), expected, "{method} {path}");
        };
        check("POST", "/v1/messages", Some("CreateInference"));
        check("GET", "/v1/messages", None);
        check("POST", "/v1/messages/", None);
        check("POST", "/v1/messages/count_tokens", Some("CountTokens"));
        check("GET", "/v1/messages/batches/msgbatch_1/results", Some("GetBatchInference"));
        check("GET", "/v1/models/", None);
        check("POST", "/v1/complete", None);
        check("GET", "/v1/organizations/api_keys", None);
        assert_eq!(
            action_of("GET", "/v1/organizations/workspaces"),
            Some(("ListWorkspaces", ActionScope::Account))
        );
    }
}
