#!/usr/bin/env bash
# Makes the IAM role that Portcullis assumes for Claude Platform on AWS, or brings it up to date.
# Needs the AWS CLI, signed in to the account of the role. It may be run again.
set -euo pipefail
export AWS_PAGER=''

fail() {
  echo "$*" >&2
  exit 1
}

role_name='Az09_+=,.@-'
role_path='/Az09_+=,.@-/=/'
max_session_duration=3600
description='Assumed by Portcullis for Claude Platform on AWS'

trust_policy="$(
  cat <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AssumedByTheGateway",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:role/portcullis"
      },
      "Action": [
        "sts:AssumeRole"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "Az09_+=,.@:/-"
        }
      }
    }
  ]
}
JSON
)"

permission_policy="$(
  cat <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ClaudeWorkspaces",
      "Effect": "Allow",
      "Action": [
        "aws-external-anthropic:CountTokens",
        "aws-external-anthropic:CreateInference",
        "aws-external-anthropic:GetModel",
        "aws-external-anthropic:GetWorkspace",
        "aws-external-anthropic:ListModels"
      ],
      "Resource": [
        "arn:aws:aws-external-anthropic:ap-southeast-7:123456789012:workspace/wrkspc_9"
      ]
    },
    {
      "Sid": "ClaudeIdentityToken",
      "Effect": "Allow",
      "Action": [
        "sts:GetWebIdentityToken"
      ],
      "Resource": [
        "*"
      ],
      "Condition": {
        "StringEquals": {
          "aws:CalledViaLast": "aws-external-anthropic.amazonaws.com"
        },
        "ForAnyValue:StringEquals": {
          "sts:IdentityTokenAudience": [
            "https://api.anthropic.com",
            "https://platform.claude.com"
          ]
        }
      }
    },
    {
      "Sid": "ClaudeIdentityTokenTags",
      "Effect": "Allow",
      "Action": [
        "sts:TagGetWebIdentityToken"
      ],
      "Resource": [
        "*"
      ],
      "Condition": {
        "StringEquals": {
          "aws:CalledViaLast": "aws-external-anthropic.amazonaws.com"
        }
      }
    }
  ]
}
JSON
)"

account="$(aws sts get-caller-identity --query Account --output text)"
[[ $account == '123456789012' ]] || fail "signed in to account $account, but the role belongs in 123456789012"

# Once per account: the service has AWS mint a token for every request. Without this, every request fails.
if said="$(aws iam enable-outbound-web-identity-federation 2>&1)"; then
  echo 'outbound web identity federation: enabled'
elif [[ $said == *FeatureEnabled* ]]; then
  echo 'outbound web identity federation: enabled before'
else
  fail "$said"
fi

if said="$(aws iam create-role --role-name "$role_name" --path "$role_path" --description "$description" \
  --max-session-duration "$max_session_duration" --assume-role-policy-document "$trust_policy" \
  --tags 'Key=managed-by,Value=portcullis' 2>&1)"; then
  echo "role $role_name: made"
elif [[ $said == *EntityAlreadyExists* ]]; then
  owner="$(aws iam list-role-tags --role-name "$role_name" --query "Tags[?Key=='managed-by'].Value" --output text)"
  [[ $owner == 'portcullis' ]] ||
    fail "there is a role $role_name already that is not tagged managed-by=portcullis: choose another name, or tag it"
  aws iam update-assume-role-policy --role-name "$role_name" --policy-document "$trust_policy"
  aws iam update-role --role-name "$role_name" --description "$description" \
    --max-session-duration "$max_session_duration" >/dev/null
  echo "role $role_name: brought up to date"
else
  fail "$said"
fi

aws iam put-role-policy --role-name "$role_name" --policy-name 'claude-platform' \
  --policy-document "$permission_policy"

role_arn="$(aws iam get-role --role-name "$role_name" --query Role.Arn --output text)"
[[ $role_arn == *":role$role_path$role_name" ]] ||
  fail "the role is $role_arn, and a role's path cannot be changed: delete it, or choose another name"
echo "role ARN: $role_arn"
