"""Customers of the emulated AWS, each with an account, a role and a workspace of its own.

What a test breaks here is nobody else's: no world has to be put back.
"""

import copy
import random
import uuid
from dataclasses import dataclass, field

import gateway as gateways
from emulator import Emulator

# Who assumes the roles: the gateway's user in the emulated AWS.
GATEWAY = "arn:aws:iam::111122223333:user/portcullis-gateway"
SERVICE = "aws-external-anthropic"
INFER = f"{SERVICE}:CreateInference"
TOKEN = ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]


def allow(actions, resource="*") -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def deny(actions, resource="*") -> dict:
    return {"Effect": "Deny", "Action": actions, "Resource": resource}


def policy(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


# What an integration may have enabled.
FEATURES = ["inference", "token_counting", "models", "files", "batches", "skills"]
# Everything that a gateway may want of the service.
FULL = policy(allow(f"{SERVICE}:*"), allow(TOKEN))


@dataclass
class Customer:
    """What stands in the customer's account. Change it, then `settle` it."""

    region: str = "us-west-2"
    account: str = field(default_factory=lambda: str(random.randrange(10**11, 10**12)))
    role: str = field(default_factory=lambda: f"claude-{uuid.uuid4().hex[:12]}")
    workspace: str = field(default_factory=lambda: f"wrkspc_{uuid.uuid4().hex[:14]}")
    external_id: str = field(default_factory=lambda: f"customer-{uuid.uuid4().hex}")
    # As the emulator's control API takes them, on top of what works.
    of_account: dict = field(default_factory=dict)
    of_role: dict = field(default_factory=dict)
    trusted: str = GATEWAY

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.role}"

    @property
    def workspace_arn(self) -> str:
        return f"arn:aws:{SERVICE}:{self.region}:{self.account}:workspace/{self.workspace}"

    def settle(self, emulator: Emulator) -> "Customer":
        """Makes it so in the emulated AWS."""
        emulator.put(f"accounts/{self.account}", {"federation": True, "subscribed": True, **self.of_account})
        emulator.put(f"workspaces/{self.workspace}", {"account": self.account, "region": self.region})
        trust = {"Effect": "Allow", "Principal": {"AWS": self.trusted}, "Action": "sts:AssumeRole"}
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": self.external_id}}
        role = {"account": self.account, "trust_policy": policy(trust), "permissions_policy": FULL}
        emulator.put(f"roles/{self.role}", {**role, **self.of_role})
        return self

    def configurations(self) -> dict:
        return {
            "aws_auth_type": "assumedRole",
            "aws_role_arn": self.role_arn,
            "aws_external_id": self.external_id,
            "aws_region": self.region,
            "anthropic_aws_workspace_id": self.workspace,
        }

    def with_access_key(self, key_id: str, secret: str) -> dict:
        """The same customer reached with a stored key instead of the role."""
        kept = copy.copy(self.configurations())
        for name in ("aws_role_arn", "aws_external_id"):
            del kept[name]
        return {
            **kept,
            "aws_auth_type": "accessKey",
            "aws_access_key_id": key_id,
            "aws_secret_access_key": secret,
        }


def set_up(address: str, admin_key: str, configurations: dict) -> gateways.Setup:
    """Integration, provider and key for these configurations."""
    unique = uuid.uuid4().hex[:12]
    body = {
        "name": f"Customer {unique}",
        "slug": f"int-{unique}",
        "ai_provider_id": "claude-platform-aws",
        "configurations": configurations,
    }
    return gateways.set_up_with(address, admin_key, body)
