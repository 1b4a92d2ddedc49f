//! All routes of the control plane.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;

use crate::error::AdminError;
use crate::permissions::{Access, Operation, access};
use crate::{
    AdminState, api_keys, authentication, aws, caller, health, integrations, metrics, providers, setup,
    trace, verify, workspaces,
};

/// One route: a method on a path, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method. `HEAD` goes with `GET`.
    pub method: Method,
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// What it does, which decides who may use it.
    pub operation: Operation,
}

const fn route(method: Method, path: &'static str, operation: Operation) -> Route {
    Route { method, path, operation }
}

const ROUTES: &[Route] = &[
    route(Method::GET, "/v1/whoami", Operation::ShowCaller),
    route(Method::GET, "/v1/admin/workspaces", Operation::ListWorkspaces),
    route(Method::POST, "/v1/integrations", Operation::CreateIntegration),
    route(Method::GET, "/v1/integrations", Operation::ListIntegrations),
    route(Method::GET, "/v1/integrations/{slug}", Operation::ShowIntegration),
    route(Method::PUT, "/v1/integrations/{slug}", Operation::UpdateIntegration),
    route(Method::DELETE, "/v1/integrations/{slug}", Operation::DeleteIntegration),
    route(Method::POST, "/v1/integrations/setup", Operation::SetUpIntegration),
    route(Method::GET, "/v1/integrations/{slug}/setup", Operation::ShowIntegrationSetup),
    route(Method::POST, "/v1/integrations/{slug}/verify", Operation::VerifyIntegration),
    route(Method::GET, "/v1/integrations/{slug}/verification", Operation::ShowVerification),
    route(Method::GET, "/v1/integrations/{slug}/health", Operation::ShowIntegrationHealth),
    route(Method::GET, "/v1/integrations/{slug}/policy", Operation::ShowIntegrationPolicy),
    route(Method::GET, "/v1/aws/identity", Operation::ShowAwsIdentity),
    route(Method::GET, "/metrics", Operation::ShowMetrics),
    route(Method::POST, "/v1/providers", Operation::CreateProvider),
    route(Method::GET, "/v1/providers", Operation::ListProviders),
    route(Method::GET, "/v1/providers/{slug}", Operation::ShowProvider),
    route(Method::PUT, "/v1/providers/{slug}", Operation::UpdateProvider),
    route(Method::DELETE, "/v1/providers/{slug}", Operation::DeleteProvider),
    route(Method::POST, "/v1/api-keys/organisation/service", Operation::CreateOrganisationServiceKey),
    route(Method::POST, "/v1/api-keys/workspace/service", Operation::CreateWorkspaceServiceKey),
    route(Method::POST, "/v1/api-keys/workspace/user", Operation::CreateWorkspaceUserKey),
    route(Method::GET, "/v1/api-keys", Operation::ListApiKeys),
    route(Method::GET, "/v1/api-keys/{id}", Operation::ShowApiKey),
    route(Method::DELETE, "/v1/api-keys/{id}", Operation::RevokeApiKey),
];

/// Every route, for whoever mounts, documents or tests them.
#[must_use]
pub const fn routes() -> &'static [Route] {
    ROUTES
}

impl Route {
    /// What a key must hold to use it.
    #[must_use]
    pub const fn access(&self) -> Access {
        access(self.operation)
    }
}

/// The control plane, to be merged into a server's router. Unknown paths are left to that.
pub fn router(state: AdminState) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        // Authentication stands before each handler, so that nothing of a stranger's body is read.
        let guard = from_fn_with_state((state.clone(), route.operation), authentication::authorise);
        router = router.route(route.path, handler(route).route_layer(guard));
    }
    router
        .method_not_allowed_fallback(async || AdminError::MethodNotAllowed)
        // Outermost: refusals carry a trace id too.
        .layer(from_fn_with_state(state.clone(), trace::trace_request))
        .with_state(state)
}

/// The handler of a route. An operation without one does not compile.
fn handler(route: &Route) -> MethodRouter<AdminState> {
    use Operation as O;
    let filter = MethodFilter::try_from(route.method.clone()).expect("the table has standard methods only");
    match route.operation {
        O::ShowCaller => on(filter, caller::show_caller),
        O::ListWorkspaces => on(filter, workspaces::list_workspaces),
        O::CreateIntegration => on(filter, integrations::create_integration),
        O::ListIntegrations => on(filter, integrations::list_integrations),
        O::ShowIntegration => on(filter, integrations::show_integration),
        O::UpdateIntegration => on(filter, integrations::update_integration),
        O::DeleteIntegration => on(filter, integrations::delete_integration),
        O::SetUpIntegration => on(filter, setup::set_up_integration),
        O::ShowIntegrationSetup => on(filter, setup::show_integration_setup),
        O::VerifyIntegration => on(filter, verify::verify_integration),
        O::ShowVerification => on(filter, verify::show_verification),
        O::ShowIntegrationHealth => on(filter, health::show_integration_health),
        O::ShowIntegrationPolicy => on(filter, health::show_integration_policy),
        O::ShowAwsIdentity => on(filter, aws::show_aws_identity),
        O::ShowMetrics => on(filter, metrics::show_metrics),
        O::CreateProvider => on(filter, providers::create_provider),
        O::ListProviders => on(filter, providers::list_providers),
        O::ShowProvider => on(filter, providers::show_provider),
        O::UpdateProvider => on(filter, providers::update_provider),
        O::DeleteProvider => on(filter, providers::delete_provider),
        O::CreateOrganisationServiceKey => on(filter, api_keys::create_organisation_service_key),
        O::CreateWorkspaceServiceKey => on(filter, api_keys::create_workspace_service_key),
        O::CreateWorkspaceUserKey => on(filter, api_keys::create_workspace_user_key),
        O::ListApiKeys => on(filter, api_keys::list_api_keys),
        O::ShowApiKey => on(filter, api_keys::show_api_key),
        O::RevokeApiKey => on(filter, api_keys::revoke_api_key),
    }
}
