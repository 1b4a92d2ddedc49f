//! The options of the commands around onboarding: `whoami`, `setup`, `verify`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use portcullis_types::{AccountId, PrincipalArn, Region, RoleName, RolePath, WorkspaceId};

use super::ConfigOptions;

/// Where the admin API is. Its key comes from the environment or the file, and never from the command line, which
/// everybody on the machine can read.
#[derive(Clone, Debug, Args)]
pub(crate) struct GatewayOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// The gateway's address; PORTCULLIS_URL, else http://127.0.0.1:8787, when not given. The key for its admin API is
    /// PORTCULLIS_API_KEY, else PORTCULLIS_ADMIN_KEY
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
It looks where the gateway looks: the environment, shared config and credentials files with their profiles,
credential_process, IAM Identity Center, web identity, EKS Pod Identity and ECS, the instance metadata service.

Exit codes: 0 an identity was found, 1 none was found or AWS refuses it, 2 wrong usage or configuration.")]
pub(crate) struct WhoamiOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
A step is ✓ passed, ✗ failed, ! passed with a warning, or – skipped.

Exit codes: 0 verified, 1 failing or unsafe, 2 wrong usage or configuration.")]
pub(crate) struct VerifyOptions {
    #[command(flatten)]
    pub(crate) gateway: GatewayOptions,
    /// The integration: its slug or id
    pub(crate) integration: String,
    /// Also send one request of one token to the cheapest model, which costs a fraction of a cent
    #[arg(long)]
    pub(crate) inference: bool,
    /// Print a JSON object per step as it finishes, and one with the verdict
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis setup                                    asks on a terminal
  portcullis setup --region us-west-2 --workspace wrkspc_01AbC --role-name portcullis --account-id 123456789012
  portcullis setup --target us-west-2=wrkspc_01AbC --target eu-west-1=wrkspc_02DeF --role-name portcullis --out aws/
  portcullis setup --integration claude-prod          for an integration that exists

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.")]
pub(crate) struct SetupOptions {
    #[command(flatten)]
    pub(crate) gateway: GatewayOptions,
    /// Show what belongs to this integration (its slug or id), with the external ID that it has
    #[arg(long, value_name = "SLUG", conflicts_with_all = ["region", "workspace", "targets", "features", "role_name", "role_path", "account_id", "gateway_principal", "all_workspaces", "session_tags", "source_identity", "duration_seconds", "name"])]
    pub(crate) integration: Option<String>,
    /// What the integration is to be called
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The AWS region of the Anthropic workspace
    #[arg(long, conflicts_with = "targets", requires = "workspace")]
    pub(crate) region: Option<Region>,
    /// The Anthropic workspace, such as wrkspc_01AbC
    #[arg(long, value_name = "ID", conflicts_with = "targets", requires = "region")]
    pub(crate) workspace: Option<WorkspaceId>,
    /// A region and its workspace; give it once for each. All share the role, each has an external ID of its own
    #[arg(long = "target", value_name = "REGION=WORKSPACE[=NAME]")]
    pub(crate) targets: Vec<TargetOption>,
    /// What the role may be used for: `inference_only`, `full`, or features, comma-separated
    #[arg(long, value_name = "LIST")]
    pub(crate) features: Option<String>,
    /// The IAM role to make
    #[arg(long, value_name = "NAME")]
    pub(crate) role_name: Option<RoleName>,
    /// The role's path
    #[arg(long, value_name = "PATH")]
    pub(crate) role_path: Option<RolePath>,
    /// The AWS account that the role is made in; a placeholder stands for it when not given
    #[arg(long, value_name = "DIGITS")]
    pub(crate) account_id: Option<AccountId>,
    /// The ARN that the role trusts; the gateway's own identity when not given
    #[arg(long, value_name = "ARN")]
    pub(crate) gateway_principal: Option<PrincipalArn>,
    /// Let the role reach every workspace of the account, not only the given ones
    #[arg(long)]
    pub(crate) all_workspaces: bool,
    /// Let the gateway tag its sessions (the trust policy allows `sts:TagSession`)
    #[arg(long)]
    pub(crate) session_tags: bool,
    /// Let the gateway set a source identity (the trust policy allows `sts:SetSourceIdentity`)
    #[arg(long)]
    pub(crate) source_identity: bool,
    /// The longest session of the role, 3600 to 43200
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(3600..=43_200))]
    pub(crate) duration_seconds: Option<u32>,
    /// Print the gateway's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write files into this folder instead: the three policies, setup.sh, template.yaml, main.tf and the bodies for the
    /// admin API. None is overwritten
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// A region, its workspace, and a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetOption {
    pub(crate) region: Region,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) name: Option<String>,
}

impl FromStr for TargetOption {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let mut parts = raw.splitn(3, '=');
        let (Some(region), Some(workspace)) = (parts.next(), parts.next()) else {
            return Err("a target is REGION=WORKSPACE or REGION=WORKSPACE=NAME".to_owned());
        };
        Ok(Self {
            region: region.parse().map_err(|error| format!("the region: {error}"))?,
            workspace_id: workspace.parse().map_err(|error| format!("the workspace: {error}"))?,
            name: parts.next().filter(|name| !name.is_empty()).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_region_a_workspace_and_perhaps_a_name() {
        let target: TargetOption = "us-west-2=wrkspc_01AbC=Claude = prod".parse().unwrap();
        assert_eq!(target.region.as_str(), "us-west-2");
        assert_eq!(target.workspace_id.as_str(), "wrkspc_01AbC");
        assert_eq!(target.name.as_deref(), Some("Claude = prod"));
        assert_eq!("us-west-2=wrkspc_01AbC".parse::<TargetOption>().unwrap().name, None);
        for wrong in ["", "us-west-2", "us-west-2=", "nowhere=wrkspc_01AbC", "us-west-2=a b"] {
            assert!(wrong.parse::<TargetOption>().is_err(), "{wrong}");
        }
    }
}
