//! The bash script: what it finds done already counts as done.

use serde_json::Value;

use super::{ENABLE_FEDERATION, POLICY_NAME, Role, TAG};

/// The script. Names, paths and numbers are of kinds that need no quoting beyond single quotes, and neither the policies
/// nor anything in them holds a line `JSON`.
pub(super) fn script(role: &Role<'_>) -> String {
    let (name, path) = (&role.plan.role_name, &role.plan.role_path);
    let settings = format!(
        "role_name='{name}'\nrole_path='{path}'\nmax_session_duration={}\ndescription='{}'\n",
        role.plan.max_session_duration.seconds(),
        Role::DESCRIPTION,
    );
    let parts = [
        OPENING.to_owned(),
        settings,
        variable("trust_policy", role.trust),
        variable("permission_policy", role.permission),
        account(role),
        federation(),
        make_role(),
        put_policy(),
    ];
    parts.join("\n")
}

const OPENING: &str = "#!/usr/bin/env bash
# Makes the IAM role that Portcullis assumes for Claude Platform on AWS, or brings it up to date.
# Needs the AWS CLI, signed in to the account of the role. It may be run again.
set -euo pipefail
export AWS_PAGER=''

fail() {
  echo \"$*\" >&2
  exit 1
}
";

fn variable(name: &str, policy: &Value) -> String {
    format!("{name}=\"$(\n  cat <<'JSON'\n{policy:#}\nJSON\n)\"\n")
}

fn account(role: &Role<'_>) -> String {
    let Some(account) = &role.plan.account else {
        return "# The role is made in whichever account the AWS CLI is signed in to.\n".into();
    };
    format!(
        "account=\"$(aws sts get-caller-identity --query Account --output text)\"
[[ $account == '{account}' ]] || fail \"signed in to account $account, but the role belongs in {account}\"
"
    )
}

fn federation() -> String {
    format!(
        "# Once per account: the service has AWS mint a token for every request. Without this, every request fails.
if said=\"$({ENABLE_FEDERATION} 2>&1)\"; then
  echo 'outbound web identity federation: enabled'
elif [[ $said == *FeatureEnabled* ]]; then
  echo 'outbound web identity federation: enabled before'
else
  fail \"$said\"
fi
"
    )
}

/// A role that something else made keeps its policies: only what bears our tag is changed.
fn make_role() -> String {
    let (key, value) = TAG;
    format!(
        "if said=\"$(aws iam create-role --role-name \"$role_name\" --path \"$role_path\" --description \"$description\" \\
  --max-session-duration \"$max_session_duration\" --assume-role-policy-document \"$trust_policy\" \\
  --tags 'Key={key},Value={value}' 2>&1)\"; then
  echo \"role $role_name: made\"
elif [[ $said == *EntityAlreadyExists* ]]; then
  owner=\"$(aws iam list-role-tags --role-name \"$role_name\" --query \"Tags[?Key=='{key}'].Value\" --output text)\"
  [[ $owner == '{value}' ]] ||
    fail \"there is a role $role_name already that is not tagged {key}={value}: choose another name, or tag it\"
  aws iam update-assume-role-policy --role-name \"$role_name\" --policy-document \"$trust_policy\"
  aws iam update-role --role-name \"$role_name\" --description \"$description\" \\
    --max-session-duration \"$max_session_duration\" >/dev/null
  echo \"role $role_name: brought up to date\"
else
  fail \"$said\"
fi
"
    )
}

fn put_policy() -> String {
    format!(
        "aws iam put-role-policy --role-name \"$role_name\" --policy-name '{POLICY_NAME}' \\
  --policy-document \"$permission_policy\"

role_arn=\"$(aws iam get-role --role-name \"$role_name\" --query Role.Arn --output text)\"
[[ $role_arn == *\":role$role_path$role_name\" ]] ||
  fail \"the role is $role_arn, and a role's path cannot be changed: delete it, or choose another name\"
echo \"role ARN: $role_arn\"
"
    )
}
