"""The stand-in for AWS, through its control API, and the scripts its answers follow."""

from dataclasses import dataclass

import httpx

UNICODE_TEXT = "x"


@dataclass(frozen=True)
class World:
    role_arn: str
    external_id: str
    region: str
    workspace: str


WORLD = World("arn:aws:iam::123456789012:role/portcullis-claude", "x", "us-west-2", "wrkspc_01AbCdEf23GhIj")


def script(name: str) -> str:
    return f"[[emulator:{name}]]"


class Emulator:
    def __init__(self, address: str):
        self.http = httpx.Client(base_url=address, timeout=10, trust_env=False)
