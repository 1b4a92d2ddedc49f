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
            "sts:ExternalId" = "pcs-00000000000000000000000000000001"
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
          "aws-external-anthropic:CancelBatchInference",
          "aws-external-anthropic:CountTokens",
          "aws-external-anthropic:CreateBatchInference",
          "aws-external-anthropic:CreateFile",
          "aws-external-anthropic:CreateInference",
          "aws-external-anthropic:CreateSkill",
          "aws-external-anthropic:DeleteBatchInference",
          "aws-external-anthropic:DeleteFile",
          "aws-external-anthropic:DeleteSkill",
          "aws-external-anthropic:GetBatchInference",
          "aws-external-anthropic:GetFile",
          "aws-external-anthropic:GetModel",
          "aws-external-anthropic:GetSkill",
          "aws-external-anthropic:GetWorkspace",
          "aws-external-anthropic:ListBatchInferences",
          "aws-external-anthropic:ListFiles",
          "aws-external-anthropic:ListModels",
          "aws-external-anthropic:ListSkills",
          "aws-external-anthropic:UpdateSkill",
        ]
        Resource = ["arn:aws:aws-external-anthropic:*:*:workspace/*"]
      },
      {
        Sid    = "ClaudeAccount"
        Effect = "Allow"
        Action = [
          "aws-external-anthropic:CallWithBearerToken",
          "aws-external-anthropic:CreateUserProfile",
          "aws-external-anthropic:GetUserProfile",
          "aws-external-anthropic:ListUserProfiles",
          "aws-external-anthropic:UpdateUserProfile",
        ]
        Resource = ["*"]
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

# The role is made in whichever account the AWS provider is signed in to.

resource "aws_iam_role" "claude_platform" {
  name                 = "portcullis-claude"
  path                 = "/"
  description          = "Assumed by Portcullis for Claude Platform on AWS"
  max_session_duration = 3600
  assume_role_policy   = jsonencode(local.trust_policy)

  tags = {
    managed-by = "portcullis"
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
