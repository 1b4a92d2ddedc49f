//! Every route against every kind of caller.

use portcullis_admin::routes;
use serde_json::{Value, json};

use crate::world::{Holder, World, all_scopes, integration_body, on_both};

on_both!(
    every_route_answers_every_kind_of_caller_as_the_table_says,
    another_organisation_finds_nothing,
    a_workspace_key_finds_only_its_own_workspace,
    a_tenant_does_not_borrow_the_gateways_identity,
);

/// Every route and the scopes that open it, written down a second time on purpose. No scope: any live key.
const EXPECTED: &[(&str, &[&str])] = &[
    ("GET /v1/whoami", &[]),
    ("GET /v1/admin/workspaces", &["workspaces.list"]),
    ("POST /v1/integrations", &["organisation_integrations.create", "workspace_integrations.create"]),
    ("GET /v1/integrations", &["organisation_integrations.list", "workspace_integrations.list"]),
    ("GET /v1/integrations/{slug}", &["organisation_integrations.read", "workspace_integrations.read"]),
    ("PUT /v1/integrations/{slug}", &["organisation_integrations.update", "workspace_integrations.update"]),
    (
        "DELETE /v1/integrations/{slug}",
        &["organisation_integrations.delete", "workspace_integrations.delete"],
    ),
    ("POST /v1/integrations/setup", &["organisation_integrations.create", "workspace_integrations.create"]),
    ("GET /v1/integrations/{slug}/setup", &["organisation_integrations.read", "workspace_integrations.read"]),
    (
        "POST /v1/integrations/{slug}/verify",
        &["organisation_integrations.update", "workspace_integrations.update"],
    ),
    (
        "GET /v1/integrations/{slug}/verification",
        &["organisation_integrations.read", "workspace_integrations.read"],
    ),
    (
        "GET /v1/integrations/{slug}/health",
        &["organisation_integrations.read", "workspace_integrations.read"],
    ),
    (
        "GET /v1/integrations/{slug}/policy",
        &["organisation_integrations.read", "workspace_integrations.read"],
    ),
    ("GET /v1/aws/identity", &["organisation_integrations.read"]),
    ("GET /metrics", &["analytics.view"]),
    ("POST /v1/providers", &["providers.create"]),
    ("GET /v1/providers", &["providers.list"]),
    ("GET /v1/providers/{slug}", &["providers.read"]),
    ("PUT /v1/providers/{slug}", &["providers.update"]),
    ("DELETE /v1/providers/{slug}", &["providers.delete"]),
    ("POST /v1/api-keys/organisation/service", &["organisation_service_api_keys.create"]),
    ("POST /v1/api-keys/workspace/service", &["workspace_service_api_keys.create"]),
    ("POST /v1/api-keys/workspace/user", &["workspace_user_api_keys.create"]),
    (
        "GET /v1/api-keys",
        &[
            "organisation_service_api_keys.list",
            "workspace_service_api_keys.list",
            "workspace_user_api_keys.list",
        ],
    ),
    (
        "GET /v1/api-keys/{id}",
        &[
            "organisation_service_api_keys.read",
            "workspace_service_api_keys.read",
            "workspace_user_api_keys.read",
        ],
    ),
    (
        "DELETE /v1/api-keys/{id}",
        &[
            "organisation_service_api_keys.delete",
            "workspace_service_api_keys.delete",
            "workspace_user_api_keys.delete",
        ],
    ),
];

/// One request that a holder of its scope may make, and what only that holder may see.
struct Case {
    route: &'static str,
    /// Empty for a route that needs none.
    scope: &'static str,
    what: String,
    body: Option<Value>,
    /// A text that stands in answers about the first organisation's things and nowhere else.
    marker: String,
}

/// A case for each route and each of its scopes, each about a thing of its own.
async fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (route, scopes) in EXPECTED {
        for scope in if scopes.is_empty() { &[""] } else { *scopes } {
            cases.push(case(world, route, scope, cases.len()).await);
        }
    }
    cases
}

async fn case(world: &World, route: &'static str, scope: &'static str, n: usize) -> Case {
    let marker = format!("marker-{n}-end");
    let of_workspace = scope.starts_with("workspace_").then_some(world.workspace);
    let (what, body) = match route {
        "POST /v1/integrations" => {
            let mut body = integration_body(&marker);
            body["workspace_id"] = json!(of_workspace);
            // No other organisation's, which would be refused whoever asks.
            body["configurations"]["aws_role_arn"] =
                json!(format!("arn:aws:iam::123456789012:role/{marker}"));
            (route.to_owned(), Some(body))
        }
        "GET /v1/integrations" => {
            world.integration(&marker, of_workspace).await;
            (route.to_owned(), None)
        }
        "POST /v1/integrations/setup" => {
            let body = json!({
                "region": "us-west-2", "workspace_id": "wrkspc_01", "role_name": "claude", "name": marker,
            });
            (route.to_owned(), Some(body))
        }
        _ if route.contains("/integrations/{slug}") => {
            world.integration(&marker, of_workspace).await;
            let body = match route.split_once(' ') {
                Some(("PUT", _)) => Some(json!({"name": "new"})),
                Some(("POST", _)) => Some(json!({})),
                _ => None,
            };
            (route.replace("{slug}", &marker), body)
        }
        "POST /v1/providers" => {
            world.integration(&marker, None).await;
            let workspace_id = world.workspace;
            let body = json!({"name": marker, "integration_id": marker, "workspace_id": workspace_id});
            (route.to_owned(), Some(body))
        }
        "GET /v1/providers" => {
            world.integration(&marker, None).await;
            world.provider(&marker, &marker).await;
            (route.to_owned(), None)
        }
        _ if route.ends_with("/providers/{slug}") => {
            world.integration(&marker, None).await;
            world.provider(&marker, &marker).await;
            let what = format!("{}?workspace_id={}", route.replace("{slug}", &marker), world.workspace);
            (what, route.starts_with("PUT").then(|| json!({"name": "new"})))
        }
        _ if route.starts_with("POST /v1/api-keys/") => {
            let mut body = json!({"name": marker, "scopes": ["completions.write"]});
            if route.contains("/workspace/") {
                body["workspace_id"] = json!(world.workspace);
            }
            if route.ends_with("/user") {
                body["user_id"] = json!("ada");
            }
            (route.to_owned(), Some(body))
        }
        _ if route.contains("/api-keys") => {
            let holder = match scope.split('_').next() {
                Some("organisation") => Holder::Organisation,
                _ if scope.contains("user") => Holder::Person,
                _ => Holder::Workspace,
            };
            let (id, _) = world.key(holder, &["completions.write"]).await;
            let marker = id.to_string();
            return Case { route, scope, what: route.replace("{id}", &marker), body: None, marker };
        }
        _ => (route.to_owned(), None),
    };
    Case { route, scope, what, body, marker }
}

impl Case {
    async fn by(&self, world: &World, key: &str) -> crate::world::Answer {
        world.call(key, &self.what, self.body.clone()).await
    }

    fn is_list(&self) -> bool {
        self.what.starts_with("GET ") && !self.route.contains('{')
    }

    /// What answers to an organisation's key alone, and about nothing but the gateway or the caller's organisation.
    fn is_for_organisations(&self) -> bool {
        matches!(self.route, "GET /v1/aws/identity" | "GET /metrics")
    }

    /// What is made for the caller, whoever that is.
    fn is_for_the_caller(&self) -> bool {
        self.route == "POST /v1/integrations/setup"
    }

    /// A creation that names no workspace: it happens wherever the caller is at home.
    fn is_of_organisation(&self) -> bool {
        !self.is_for_the_caller()
            && !self.route.contains('{')
            && self.what.starts_with("POST ")
            && self.scope.starts_with("organisation_")
    }

    fn scopes(&self) -> &'static [&'static str] {
        EXPECTED.iter().find(|(route, _)| *route == self.route).unwrap().1
    }
}

async fn every_route_answers_every_kind_of_caller_as_the_table_says(world: &World) {
    let mounted: Vec<_> = routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let expected: Vec<_> = EXPECTED.iter().map(|(route, _)| *route).collect();
    assert_eq!(mounted, expected, "a new route needs a line in this file");

    let (revoked_id, revoked) = world.key(Holder::Organisation, &all_scopes()).await;
    world.ask(&format!("DELETE /v1/api-keys/{revoked_id}")).await.ok();
    let body = json!({"name": "x", "scopes": all_scopes(), "expires_at": world.in_an_hour()});
    let expired = world.tell("POST /v1/api-keys/organisation/service", body).await.text("/key");
    world.clock.advance(std::time::Duration::from_secs(3600));
    let (_, data_plane) = world.key(Holder::Workspace, &["completions.write", "models.list"]).await;
    let unknown = portcullis_types::ApiKeySecret::from_bytes([7; 32]);
    let unknown = portcullis_types::ExposeSecret::expose_secret(&unknown);

    for case in cases(world).await {
        let at = format!("{} with {}", case.what, case.scope);
        let keyless = case.by(world, "").await;
        assert_eq!((keyless.status, keyless.text("/error/code").as_str()), (401, "missing_api_key"), "{at}");
        let mut refusals = Vec::new();
        for nobody in ["OPENAI_API_KEY", "pcs_' or 1=1 --", unknown, &revoked, &expired] {
            let answer = case.by(world, nobody).await;
            assert_eq!(answer.status, 401, "{at}");
            refusals.push(answer.body);
        }
        assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{at}: they look alike");

        if case.scope.is_empty() {
            case.by(world, &data_plane).await.ok();
            continue;
        }
        let others: Vec<_> = all_scopes().into_iter().filter(|s| !case.scopes().contains(s)).collect();
        let (_, insufficient) = world.key(Holder::Organisation, &others).await;
        let (_, insufficient_tenant) = world.key(Holder::Workspace, &others).await;
        for key in [&data_plane, &insufficient, &insufficient_tenant] {
            let answer = case.by(world, key).await;
            let code = answer.text("/data/errorCode");
            assert_eq!((answer.status, code.as_str()), (403, "AB03"), "{at}");
        }
        // A key cannot make an organisation's key with a scope that it lacks; completions it may hand out.
        let (_, sufficient) = world.key(Holder::Organisation, &[case.scope]).await;
        let answer = case.by(world, &sufficient).await;
        assert_eq!(answer.status, 200, "{at}: {}", answer.body);
    }
}

async fn another_organisation_finds_nothing(world: &World) {
    let (_, stranger) = world.key(Holder::OtherOrganisation, &all_scopes()).await;
    for case in cases(world).await {
        let answer = case.by(world, &stranger).await;
        let at = format!("{}: {}", case.what, answer.body);
        assert!(!answer.body.to_string().contains(&world.organisation.to_string()), "{at}");
        if case.is_list() {
            assert!(answer.status == 200 && !answer.body.to_string().contains(&case.marker), "{at}");
        } else if case.is_of_organisation() || case.is_for_the_caller() {
            assert_eq!(answer.status, 200, "{at}: it is made in the stranger's own organisation");
        } else {
            assert_eq!(answer.status, 404, "{at}");
        }
    }
    let ours = world.ask("GET /v1/integrations?page_size=1000").await.ok();
    let theirs = json!(world.other_organisation).to_string();
    assert!(!ours.to_string().contains(&theirs), "nothing of theirs is ours");
    let named = format!("GET /v1/providers?workspace_id={}", world.other_workspace);
    assert_eq!(world.ask(&named).await.refusal(), "404 AB08 -: there is no such workspace");
}

async fn a_workspace_key_finds_only_its_own_workspace(world: &World) {
    let (_, neighbour) = world.key(Holder::SecondWorkspace, &all_scopes()).await;
    for case in cases(world).await {
        let answer = case.by(world, &neighbour).await;
        let at = format!("{}: {}", case.what, answer.body);
        if case.is_for_organisations() {
            assert_eq!(answer.status, 403, "{at}");
        } else if case.is_for_the_caller() {
            assert_eq!(answer.status, 200, "{at}");
        } else if case.is_list() {
            assert!(answer.status == 200 && !answer.body.to_string().contains(&case.marker), "{at}");
        } else if case.what.ends_with("/organisation/service") {
            assert_eq!(answer.status, 403, "{at}");
        } else if case.is_of_organisation() {
            let made = world.ask(&format!("GET /v1/integrations/{}", case.marker)).await.ok();
            assert_eq!(
                made["workspace_id"], "ws-second",
                "{at}: it is made in the neighbour's own workspace"
            );
        } else {
            assert_eq!(answer.status, 404, "{at}");
        }
    }
}

async fn a_tenant_does_not_borrow_the_gateways_identity(world: &World) {
    let (_, tenant) = world
        .key(Holder::Workspace, &["workspace_integrations.create", "workspace_integrations.update"])
        .await;
    let service = json!({
        "aws_auth_type": "serviceRole", "aws_region": "us-west-2", "anthropic_aws_workspace_id": "wrkspc_01",
    });
    let mut body = integration_body("service");
    body["configurations"] = service.clone();
    let refused =
        "403 AB03 -: only an organisation's key may use the gateway's own AWS identity (`serviceRole`)";
    let answer = world.call(&tenant, "POST /v1/integrations", Some(body.clone())).await;
    assert_eq!(answer.refusal(), refused);

    world.integration("ours", Some(world.workspace)).await;
    let change = json!({"configurations": {"aws_auth_type": "serviceRole"}});
    let answer = world.call(&tenant, "PUT /v1/integrations/ours", Some(change)).await;
    assert_eq!(answer.refusal(), refused);

    body["workspace_id"] = json!(world.workspace);
    world.tell("POST /v1/integrations", body).await.ok();
    let redirect = json!({"configurations": {"anthropic_aws_workspace_id": "wrkspc_02"}});
    let answer = world.call(&tenant, "PUT /v1/integrations/service", Some(redirect)).await;
    assert_eq!(
        answer.refusal(),
        "403 AB03 -: only an organisation's key may redirect the gateway's own AWS identity"
    );
    let rename = json!({"name": "renamed"});
    world.call(&tenant, "PUT /v1/integrations/service", Some(rename)).await.ok();
}
