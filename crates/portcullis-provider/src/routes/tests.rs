//! The table against the documented lists.

use super::*;

/// The 71 documented actions less the two that no route has.
const DOCUMENTED: &str = "ArchiveAgent ArchiveEnvironment ArchiveMemoryStore ArchiveSession ArchiveVault ArchiveWorkspace \
    CancelBatchInference CountTokens CreateAgent CreateBatchInference CreateEnvironment CreateFile CreateInference \
    CreateMemoryStore CreateSession CreateSkill CreateUserProfile CreateVault CreateWebhook CreateWorkspace \
    DeleteBatchInference DeleteEnvironment DeleteFile DeleteMemoryStore DeleteSession DeleteSkill DeleteVault DeleteWebhook \
    DisableKey GetAgent GetBatchInference GetEnvironment GetFile GetKey GetMemoryStore GetModel GetSession GetSkill \
    GetUserProfile GetVault GetWebhook GetWorkspace ListAgents ListBatchInferences ListComplianceActivities \
    ListEnvironments ListFiles ListKeys ListMemoryStores ListModels ListSessions ListSkills ListUserProfiles ListVaults \
    ListWebhooks ListWorkspaces ProcessEnvironmentWork RegisterKey RotateWebhookSecret UpdateAgent UpdateEnvironment \
    UpdateKey UpdateMemoryStore UpdateSession UpdateSkill UpdateUserProfile UpdateVault UpdateWebhook UpdateWorkspace";

#[test]
fn the_routes_need_the_documented_actions_and_no_others() {
    let of_table: BTreeSet<&str> = ROUTES.iter().map(|route| route.action.name()).collect();
    let documented: BTreeSet<&str> = DOCUMENTED.split_whitespace().collect();
    assert_eq!(of_table, documented);
    assert_eq!(documented.len(), 69);
}

#[test]
fn a_request_finds_its_route() {
    let check = |method: &str, path: &str, expected: Option<&str>| {
        assert_eq!(route(method, path).map(|route| route.action.name()), expected, "{method} {path}");
    };
    check("POST", "/v1/messages", Some("CreateInference"));
    check("GET", "/v1/messages", None);
    check("POST", "/v1/messages/", None);
    check("POST", "/v1/messages/count_tokens", Some("CountTokens"));
    check("GET", "/v1/messages/batches/msgbatch_1/results", Some("GetBatchInference"));
    check("GET", "/v1/models/", None);
    check("GET", "/v1/models/claude-haiku-5-5", Some("GetModel"));
    check("DELETE", "/v1/skills/s/versions/3", Some("UpdateSkill"));
    check("GET", "/v1/environments/e/work/poll", Some("ProcessEnvironmentWork"));
    check("GET", "/v1/environments/e/work/stats", Some("GetEnvironment"));
    check("GET", "/v1/environments/e/work/w", Some("GetEnvironment"));
    check("GET", "/v1/organizations/workspaces/wrkspc_1", Some("GetWorkspace"));
    check("POST", "/v1/complete", None);
    check("GET", "/v1/organizations/api_keys", None);
    check("post", "/v1/messages", None);
}

#[test]
fn every_row_is_found_by_its_own_path() {
    for row in ROUTES {
        assert_eq!(route(row.method, row.path), Some(row), "{} {} is hidden", row.method, row.path);
    }
}

#[test]
fn an_action_has_one_scope_and_one_feature() {
    for row in ROUTES {
        let same = ROUTES.iter().filter(|other| other.action == row.action);
        for other in same {
            assert_eq!((other.scope, other.feature), (row.scope, row.feature), "{}", row.action);
        }
        assert_eq!(row.action.scope(), row.scope);
    }
    assert_eq!(Action::CALL_WITH_BEARER_TOKEN.scope(), Scope::Account);
    assert_eq!(Action::GET_WORKSPACE.scope(), Scope::Workspace);
}

#[test]
fn features_need_their_actions_sorted_and_once() {
    let names = |features: &FeatureSet| actions_of(features).map(Action::name).collect::<Vec<_>>();
    assert_eq!(names(&FeatureSet::default()), ["CountTokens", "CreateInference", "GetModel", "ListModels"]);
    let all = names(&FeatureSet::all());
    assert!(all.is_sorted() && all.len() == 22, "{all:?}");
    let everywhere = actions_of(&FeatureSet::all()).filter(|action| action.scope() == Scope::Account);
    assert!(everywhere.map(Action::name).all(|name| name.contains("UserProfile")));
    let of_a_feature = |feature| ROUTES.iter().any(|route| route.feature == Some(feature));
    assert!(Feature::ALL.into_iter().all(of_a_feature));
    assert_eq!(Action::GET_WORKSPACE.to_string(), "aws-external-anthropic:GetWorkspace");
}

#[test]
fn the_named_routes_are_those_of_their_names() {
    assert_eq!(route("POST", "/v1/messages"), Some(CREATE_MESSAGE));
    assert_eq!(route("POST", "/v1/messages/count_tokens"), Some(COUNT_TOKENS));
}

#[test]
fn a_path_knows_its_methods() {
    let check = |path, expect: &[&str]| assert_eq!(methods_of(path).collect::<Vec<_>>(), expect, "{path}");
    check("/v1/files", &["POST", "GET"]);
    check("/v1/files/file_1", &["GET", "DELETE"]);
    check("/v1/files/", &[]);
    check("/v1/nothing", &[]);
}
