//! The table of routes. Where two rows fit a path, the one with a name in place of the braces stands first.

use portcullis_types::Feature;

use super::{Action, Route, Scope};

/// Every route of the service, the managed agents included.
pub const ROUTES: &[Route] = &[
    // Inference
    served("POST", "/v1/messages", "CreateInference", Feature::Inference),
    served("POST", "/v1/messages/count_tokens", "CountTokens", Feature::TokenCounting),
    // Batches
    served("POST", "/v1/messages/batches", "CreateBatchInference", Feature::Batches),
    served("GET", "/v1/messages/batches", "ListBatchInferences", Feature::Batches),
    served("GET", "/v1/messages/batches/{id}", "GetBatchInference", Feature::Batches),
    served("GET", "/v1/messages/batches/{id}/results", "GetBatchInference", Feature::Batches),
    served("POST", "/v1/messages/batches/{id}/cancel", "CancelBatchInference", Feature::Batches),
    served("DELETE", "/v1/messages/batches/{id}", "DeleteBatchInference", Feature::Batches),
    // Models
    served("GET", "/v1/models", "ListModels", Feature::Models),
    served("GET", "/v1/models/{id}", "GetModel", Feature::Models),
    // Files
    served("POST", "/v1/files", "CreateFile", Feature::Files),
    served("GET", "/v1/files", "ListFiles", Feature::Files),
    served("GET", "/v1/files/{id}", "GetFile", Feature::Files),
    served("GET", "/v1/files/{id}/content", "GetFile", Feature::Files),
    served("DELETE", "/v1/files/{id}", "DeleteFile", Feature::Files),
    // Skills. A version is made and deleted by changing its skill.
    served("POST", "/v1/skills", "CreateSkill", Feature::Skills),
    served("GET", "/v1/skills", "ListSkills", Feature::Skills),
    served("GET", "/v1/skills/{id}", "GetSkill", Feature::Skills),
    served("DELETE", "/v1/skills/{id}", "DeleteSkill", Feature::Skills),
    served("POST", "/v1/skills/{id}/versions", "UpdateSkill", Feature::Skills),
    served("GET", "/v1/skills/{id}/versions", "GetSkill", Feature::Skills),
    served("GET", "/v1/skills/{id}/versions/{version}", "GetSkill", Feature::Skills),
    served("GET", "/v1/skills/{id}/versions/{version}/content", "GetSkill", Feature::Skills),
    served("DELETE", "/v1/skills/{id}/versions/{version}", "UpdateSkill", Feature::Skills),
    // User profiles. AWS's list of actions once bound them to a workspace and no longer does; a policy for `*` suits both.
    of_profiles("POST", "/v1/user_profiles", "CreateUserProfile"),
    of_profiles("GET", "/v1/user_profiles", "ListUserProfiles"),
    of_profiles("GET", "/v1/user_profiles/{id}", "GetUserProfile"),
    of_profiles("POST", "/v1/user_profiles/{id}", "UpdateUserProfile"),
    // Workspaces
    of_account("POST", "/v1/organizations/workspaces", "CreateWorkspace"),
    of_account("GET", "/v1/organizations/workspaces", "ListWorkspaces"),
    of_workspace("GET", "/v1/organizations/workspaces/{id}", "GetWorkspace"),
    of_workspace("POST", "/v1/organizations/workspaces/{id}", "UpdateWorkspace"),
    of_workspace("POST", "/v1/organizations/workspaces/{id}/archive", "ArchiveWorkspace"),
    // External keys: the segment is a KMS key's ARN, percent-encoded.
    of_account("POST", "/v1/organizations/external_keys", "RegisterKey"),
    of_account("GET", "/v1/organizations/external_keys", "ListKeys"),
    of_account("GET", "/v1/organizations/external_keys/{id}", "GetKey"),
    of_account("POST", "/v1/organizations/external_keys/{id}", "UpdateKey"),
    of_account("DELETE", "/v1/organizations/external_keys/{id}", "DisableKey"),
    // Compliance
    of_account("GET", "/v1/compliance/activities", "ListComplianceActivities"),
    // Managed agents: agents
    of_workspace("POST", "/v1/agents", "CreateAgent"),
    of_workspace("GET", "/v1/agents", "ListAgents"),
    of_workspace("GET", "/v1/agents/{id}", "GetAgent"),
    of_workspace("GET", "/v1/agents/{id}/versions", "GetAgent"),
    of_workspace("POST", "/v1/agents/{id}", "UpdateAgent"),
    of_workspace("POST", "/v1/agents/{id}/archive", "ArchiveAgent"),
    // Managed agents: sessions
    of_workspace("POST", "/v1/sessions", "CreateSession"),
    of_workspace("GET", "/v1/sessions", "ListSessions"),
    of_workspace("GET", "/v1/sessions/{id}", "GetSession"),
    of_workspace("GET", "/v1/sessions/{id}/events", "GetSession"),
    of_workspace("GET", "/v1/sessions/{id}/events/stream", "GetSession"),
    of_workspace("GET", "/v1/sessions/{id}/resources", "GetSession"),
    of_workspace("GET", "/v1/sessions/{id}/resources/{resource}", "GetSession"),
    of_workspace("POST", "/v1/sessions/{id}", "UpdateSession"),
    of_workspace("POST", "/v1/sessions/{id}/events", "UpdateSession"),
    of_workspace("POST", "/v1/sessions/{id}/resources", "UpdateSession"),
    of_workspace("POST", "/v1/sessions/{id}/resources/{resource}", "UpdateSession"),
    of_workspace("DELETE", "/v1/sessions/{id}/resources/{resource}", "UpdateSession"),
    of_workspace("POST", "/v1/sessions/{id}/archive", "ArchiveSession"),
    of_workspace("DELETE", "/v1/sessions/{id}", "DeleteSession"),
    // Managed agents: environments
    of_workspace("POST", "/v1/environments", "CreateEnvironment"),
    of_workspace("GET", "/v1/environments", "ListEnvironments"),
    of_workspace("GET", "/v1/environments/{id}", "GetEnvironment"),
    of_workspace("GET", "/v1/environments/{id}/work", "GetEnvironment"),
    of_workspace("GET", "/v1/environments/{id}/work/poll", "ProcessEnvironmentWork"),
    of_workspace("GET", "/v1/environments/{id}/work/stats", "GetEnvironment"),
    of_workspace("GET", "/v1/environments/{id}/work/{work}", "GetEnvironment"),
    of_workspace("POST", "/v1/environments/{id}", "UpdateEnvironment"),
    of_workspace("POST", "/v1/environments/{id}/archive", "ArchiveEnvironment"),
    of_workspace("DELETE", "/v1/environments/{id}", "DeleteEnvironment"),
    of_workspace("POST", "/v1/environments/{id}/work/{work}", "ProcessEnvironmentWork"),
    of_workspace("POST", "/v1/environments/{id}/work/{work}/ack", "ProcessEnvironmentWork"),
    of_workspace("POST", "/v1/environments/{id}/work/{work}/heartbeat", "ProcessEnvironmentWork"),
    of_workspace("POST", "/v1/environments/{id}/work/{work}/stop", "ProcessEnvironmentWork"),
    // Managed agents: vaults. A credential is made, changed and deleted by changing its vault.
    of_workspace("POST", "/v1/vaults", "CreateVault"),
    of_workspace("GET", "/v1/vaults", "ListVaults"),
    of_workspace("GET", "/v1/vaults/{id}", "GetVault"),
    of_workspace("GET", "/v1/vaults/{id}/credentials", "GetVault"),
    of_workspace("GET", "/v1/vaults/{id}/credentials/{credential}", "GetVault"),
    of_workspace("POST", "/v1/vaults/{id}", "UpdateVault"),
    of_workspace("POST", "/v1/vaults/{id}/credentials", "UpdateVault"),
    of_workspace("POST", "/v1/vaults/{id}/credentials/{credential}", "UpdateVault"),
    of_workspace("POST", "/v1/vaults/{id}/credentials/{credential}/archive", "UpdateVault"),
    of_workspace("DELETE", "/v1/vaults/{id}/credentials/{credential}", "UpdateVault"),
    of_workspace("POST", "/v1/vaults/{id}/archive", "ArchiveVault"),
    of_workspace("DELETE", "/v1/vaults/{id}", "DeleteVault"),
    // Managed agents: memory stores. A memory is made, changed and deleted by changing its store.
    of_workspace("POST", "/v1/memory_stores", "CreateMemoryStore"),
    of_workspace("GET", "/v1/memory_stores", "ListMemoryStores"),
    of_workspace("GET", "/v1/memory_stores/{id}", "GetMemoryStore"),
    of_workspace("GET", "/v1/memory_stores/{id}/memories", "GetMemoryStore"),
    of_workspace("GET", "/v1/memory_stores/{id}/memories/{memory}", "GetMemoryStore"),
    of_workspace("GET", "/v1/memory_stores/{id}/memory_versions", "GetMemoryStore"),
    of_workspace("GET", "/v1/memory_stores/{id}/memory_versions/{version}", "GetMemoryStore"),
    of_workspace("POST", "/v1/memory_stores/{id}", "UpdateMemoryStore"),
    of_workspace("POST", "/v1/memory_stores/{id}/memories", "UpdateMemoryStore"),
    of_workspace("POST", "/v1/memory_stores/{id}/memories/{memory}", "UpdateMemoryStore"),
    of_workspace("DELETE", "/v1/memory_stores/{id}/memories/{memory}", "UpdateMemoryStore"),
    of_workspace("POST", "/v1/memory_stores/{id}/memory_versions/{version}/redact", "UpdateMemoryStore"),
    of_workspace("POST", "/v1/memory_stores/{id}/archive", "ArchiveMemoryStore"),
    of_workspace("DELETE", "/v1/memory_stores/{id}", "DeleteMemoryStore"),
    // Managed agents: webhooks
    of_workspace("GET", "/v1/webhooks", "ListWebhooks"),
    of_workspace("GET", "/v1/webhooks/{id}", "GetWebhook"),
    of_workspace("POST", "/v1/webhooks", "CreateWebhook"),
    of_workspace("POST", "/v1/webhooks/{id}", "UpdateWebhook"),
    of_workspace("DELETE", "/v1/webhooks/{id}", "DeleteWebhook"),
    of_workspace("POST", "/v1/webhooks/{id}/regenerate_signing_secret", "RotateWebhookSecret"),
];

const fn served(method: &'static str, path: &'static str, action: &'static str, feature: Feature) -> Route {
    Route { method, path, action: Action(action), feature: Some(feature), scope: Scope::Workspace }
}

const fn of_profiles(method: &'static str, path: &'static str, action: &'static str) -> Route {
    Route { feature: Some(Feature::UserProfiles), ..of_account(method, path, action) }
}

const fn of_workspace(method: &'static str, path: &'static str, action: &'static str) -> Route {
    Route { method, path, action: Action(action), feature: None, scope: Scope::Workspace }
}

const fn of_account(method: &'static str, path: &'static str, action: &'static str) -> Route {
    Route { method, path, action: Action(action), feature: None, scope: Scope::Account }
}
