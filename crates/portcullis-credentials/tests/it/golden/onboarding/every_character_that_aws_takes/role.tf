# The IAM role that Portcullis assumes for Claude Platform on AWS.
terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.26"
    }
  }
}

variable "enable_outbound_web_identity_federation" {
  description = "Say true if outbound web identity federation was never enabled in this account, and false if it was or if another configuration does it. Without it, every request fails."
  type        = bool
}

locals {
  trust_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AssumedByTheGateway"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:role/portcullis"
        }
        Action = ["sts:AssumeRole"]
        Condition = {
          StringEquals = {
            "sts:ExternalId" = "Az09_+=,.@:/-"
          }
        }
      },
    ]
  }

  permission_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ClaudeWorkspaces"
        Effect = "Allow"
        Action = [
          "aws-external-anthropic:CountTokens",
          "aws-external-anthropic:CreateInference",
          "aws-external-anthropic:GetModel",
          "aws-external-anthropic:GetWorkspace",
          "aws-external-anthropic:ListModels",
        ]
        Resource = ["arn:aws:aws-external-anthropic:ap-southeast-7:123456789012:workspace/wrkspc_9"]
      },
      {
        Sid      = "ClaudeIdentityToken"
        Effect   = "Allow"
        Action   = ["sts:GetWebIdentityToken"]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "aws:CalledViaLast" = "aws-external-anthropic.amazonaws.com"
          }
          "ForAnyValue:StringEquals" = {
            "sts:IdentityTokenAudience" = [
              "https://api.anthropic.com",
              "https://platform.claude.com",
            ]
          }
        }
      },
      {
        Sid      = "ClaudeIdentityTokenTags"
        Effect   = "Allow"
        Action   = ["sts:TagGetWebIdentityToken"]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "aws:CalledViaLast" = "aws-external-anthropic.amazonaws.com"
          }
        }
      },
    ]
  }
}

# The same as `aws iam enable-outbound-web-identity-federation`, once per account.
# Destroying it would disable federation for the whole account. To part with it: `terraform state rm`.
resource "aws_iam_outbound_web_identity_federation" "this" {
  count = var.enable_outbound_web_identity_federation ? 1 : 0

  lifecycle {
    prevent_destroy = true
  }
}

data "aws_caller_identity" "current" {}

resource "aws_iam_role" "claude_platform" {
  name                 = "Az09_+=,.@-"
  path                 = "/Az09_+=,.@-/=/"
  description          = "Assumed by Portcullis for Claude Platform on AWS"
  max_session_duration = 3600
  assume_role_policy   = jsonencode(local.trust_policy)

  tags = {
    managed-by = "portcullis"
  }

  lifecycle {
    precondition {
      condition     = data.aws_caller_identity.current.account_id == "123456789012"
      error_message = "The role belongs in account 123456789012."
    }
  }
}

resource "aws_iam_role_policy" "claude_platform" {
  name   = "claude-platform"
  role   = aws_iam_role.claude_platform.name
  policy = jsonencode(local.permission_policy)
}

output "role_arn" {
  description = "What the integration is registered with"
  value       = aws_iam_role.claude_platform.arn
}
