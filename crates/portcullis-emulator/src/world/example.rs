//! The example world, its names, and the policies it is made of.

use serde_json::json;

use super::{Account, ApiKey, ApiKeyKind, Principal, Role, SourceIdentities, WebIdentity, Workspace, World};
use crate::iam::Policy;

/// The gateway's account in the example world.
pub const GATEWAY_ACCOUNT: &str = "111122223333";
/// The customer's account in the example world.
pub const CUSTOMER_ACCOUNT: &str = "123456789012";
/// The gateway's user in the example world.
pub const GATEWAY_ARN: &str = "arn:aws:iam::111122223333:user/portcullis-gateway";
/// The access key id of the gateway's user. Exists nowhere else.
pub const GATEWAY_ACCESS_KEY_ID: &str = "AKIAEMULATOREXAMPLE1";
/// The secret of the gateway's user. Made up for the emulator, opens nothing.
pub const GATEWAY_SECRET_ACCESS_KEY: &str = "emulator/only/not/a/real/secret/EXAMPLEKEY";
/// The role of the gateway's machine, task or pod in the example world. The customer's role trusts it, too.
pub const GATEWAY_ROLE_ARN: &str = "arn:aws:iam::111122223333:role/portcullis-gateway-role";
/// What the container endpoint asks for. Made up for the emulator, as the other tokens are.
pub const CONTAINER_TOKEN: &str = "emulator-container-token";
/// The web identity token that STS knows.
pub const WEB_IDENTITY_TOKEN: &str = "emulator.web-identity.token";
/// Its issuer.
pub const WEB_IDENTITY_PROVIDER: &str = "token.emulator.example";
/// The access token of single sign-on.
pub const SSO_ACCESS_TOKEN: &str = "emulator-sso-access-token";
/// The role that the example world lets the gateway assume.
pub const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/portcullis-claude";
/// The external ID that the role asks for.
pub const EXTERNAL_ID: &str = "portcullis-emulator-external-id";
/// A long-term API key of the customer's account. Made up for the emulator, opens nothing.
pub const API_KEY: &str =
    "AEAAQWVhQXBpS2V5LWVtdWxhdG9yLWF0LTEyMzQ1Njc4OTAxMjptYWRlLXVwLWZvci10aGUtZW11bGF0b3I=";
/// The IAM user behind [`API_KEY`].
pub const API_KEY_ARN: &str = "arn:aws:iam::123456789012:user/AeaApiKey-emulator";
/// The customer's workspace, in [`REGION`].
pub const WORKSPACE_ID: &str = "wrkspc_01AbCdEf23GhIj";
/// The region of the workspace.
pub const REGION: &str = "us-west-2";

impl World {
    /// The world that `portcullis emulate` shows: the gateway's user in one account, and in the customer's account a
    /// role that asks for an external ID, with a workspace in us-west-2 and another in eu-central-1.
    #[must_use]
    pub fn example() -> Self {
        let account = Account::ready();
        let gateway = Principal {
            arn: GATEWAY_ARN.into(),
            account: GATEWAY_ACCOUNT.into(),
            access_key_id: GATEWAY_ACCESS_KEY_ID.into(),
            secret_access_key: GATEWAY_SECRET_ACCESS_KEY.into(),
            policy: may_assume_roles(),
        };
        let role = Role {
            account: CUSTOMER_ACCOUNT.into(),
            path: "/".into(),
            trust_policy: trust_policy_of(&[GATEWAY_ARN, GATEWAY_ROLE_ARN], Some(EXTERNAL_ID)),
            permissions_policy: least_privilege(REGION, CUSTOMER_ACCOUNT, WORKSPACE_ID),
            permissions_boundary: None,
            max_session_duration: 3600,
        };
        let api_key = ApiKey {
            key: API_KEY.into(),
            principal_arn: API_KEY_ARN.into(),
            account: CUSTOMER_ACCOUNT.into(),
            policy: inference_access(),
            kind: ApiKeyKind::LongTerm,
            region: None,
        };
        let workspace = |region: &str| Workspace { account: CUSTOMER_ACCOUNT.into(), region: region.into() };
        Self {
            organization_id: "4b0d3f62-7c51-4d3e-9b55-0e6a6f1c2d3e".into(),
            accounts: [(GATEWAY_ACCOUNT.to_owned(), account.clone()), (CUSTOMER_ACCOUNT.to_owned(), account)]
                .into(),
            principals: vec![gateway],
            roles: [
                ("portcullis-claude".to_owned(), role),
                ("portcullis-gateway-role".to_owned(), gateway_role()),
            ]
            .into(),
            sources: sources(),
            api_keys: vec![api_key],
            workspaces: [
                (WORKSPACE_ID.to_owned(), workspace(REGION)),
                ("wrkspc_02KlMnOp45QrSt".to_owned(), workspace("eu-central-1")),
            ]
            .into(),
            regional_endpoints: false,
            workspace_header_must_be_signed: true,
        }
    }
}

/// The gateway's role: for machines, tasks and pods, and for the provider of web identities.
fn gateway_role() -> Role {
    let provider = format!("arn:aws:iam::{GATEWAY_ACCOUNT}:oidc-provider/{WEB_IDENTITY_PROVIDER}");
    Role {
        account: GATEWAY_ACCOUNT.into(),
        path: "/".into(),
        trust_policy: policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]},
             "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
             "Action": ["sts:AssumeRole", "sts:TagSession"]},
            {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
             "Condition": {"StringEquals": {format!("{WEB_IDENTITY_PROVIDER}:aud"): "sts.amazonaws.com"}}}]})),
        permissions_policy: may_assume_roles(),
        permissions_boundary: None,
        max_session_duration: 43_200,
    }
}

fn sources() -> SourceIdentities {
    SourceIdentities {
        role: Some("portcullis-gateway-role".into()),
        container_token: Some(CONTAINER_TOKEN.into()),
        web_identity: Some(WebIdentity {
            token: WEB_IDENTITY_TOKEN.into(),
            provider: WEB_IDENTITY_PROVIDER.into(),
            subject: "system:serviceaccount:portcullis:gateway".into(),
            audience: "sts.amazonaws.com".into(),
        }),
        sso_access_token: Some(SSO_ACCESS_TOKEN.into()),
        ..SourceIdentities::default()
    }
}

fn may_assume_roles() -> Policy {
    policy(json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "Resource": "arn:aws:iam::*:role/*"}]}))
}

/// A trust policy for one principal, with the external ID if there is one.
#[must_use]
pub fn trust_policy(principal: &str, external_id: Option<&str>) -> Policy {
    trust_policy_of(&[principal], external_id)
}

/// A trust policy for several principals, with the external ID if there is one.
#[must_use]
pub fn trust_policy_of(principals: &[&str], external_id: Option<&str>) -> Policy {
    let mut statement =
        json!({"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole"});
    if let Some(external_id) = external_id {
        statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": external_id}});
    }
    policy(json!({"Version": "2012-10-17", "Statement": [statement]}))
}

/// The permissions a gateway needs for messages on one workspace, and the two token actions the service itself needs.
#[must_use]
pub fn least_privilege(region: &str, account: &str, workspace: &str) -> Policy {
    let via = "aws-external-anthropic.amazonaws.com";
    let actions = ["CreateInference", "CountTokens", "GetModel", "ListModels", "GetWorkspace"]
        .map(|action| format!("aws-external-anthropic:{action}"));
    policy(json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow",
         "Action": actions,
         "Resource": format!("arn:aws:aws-external-anthropic:{region}:{account}:workspace/{workspace}")},
        {"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
         "Condition": {"StringEquals": {"aws:CalledViaLast": via}, "ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": ["https://api.anthropic.com", "https://platform.claude.com"]}}},
        {"Effect": "Allow", "Action": "sts:TagGetWebIdentityToken", "Resource": "*",
         "Condition": {"StringEquals": {"aws:CalledViaLast": via}}}]}))
}

/// What AWS's managed policy for inference allows, in its own wildcards: all of a workspace's reading and inference.
#[must_use]
pub fn inference_access() -> Policy {
    let via = "aws-external-anthropic.amazonaws.com";
    let actions = [
        "Get*",
        "List*",
        "CreateInference",
        "CreateBatchInference",
        "CancelBatchInference",
        "DeleteBatchInference",
        "CountTokens",
    ]
    .map(|action| format!("aws-external-anthropic:{action}"));
    policy(json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:aws-external-anthropic:*:*:workspace/*"},
        {"Effect": "Allow", "Resource": "*",
         "Action": ["aws-external-anthropic:GetAccountStatus", "aws-external-anthropic:CallWithBearerToken"]},
        {"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
         "Condition": {"StringEquals": {"aws:CalledViaLast": via}, "ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": ["https://api.anthropic.com", "https://platform.claude.com"]}}},
        {"Effect": "Allow", "Action": "sts:TagGetWebIdentityToken", "Resource": "*"}]}))
}

/// What AWS's managed policy for everything allows on the platform.
#[must_use]
pub fn full_access() -> Policy {
    policy(json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Resource": "*",
         "Action": ["aws-external-anthropic:*", "sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]}]}))
}

fn policy(document: serde_json::Value) -> Policy {
    document.try_into().expect("the documents of this file are policies; the test loads each")
}
