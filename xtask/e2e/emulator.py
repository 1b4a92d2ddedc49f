"""The stand-in for AWS, through its control API, and the scripts its answers follow."""

import contextlib
from dataclasses import dataclass

import httpx

# A part of what the script `unicode` answers.
UNICODE_TEXT = "你好，世界 🇯🇵"
# What every session token of the emulator's STS begins with.
SESSION_TOKEN = "IQoJb3JpZ2luEMULATOR"


@dataclass(frozen=True)
class World:
    """What a gateway is told of the role."""

    role_arn: str
    external_id: str
    region: str
    workspace: str


# The example world of `portcullis emulate`.
WORLD = World(
    "arn:aws:iam::123456789012:role/portcullis-claude",
    "portcullis-emulator-external-id",
    "us-west-2",
    "wrkspc_01AbCdEf23GhIj",
)


def script(name: str) -> str:
    """The text that makes the emulator follow a script, such as `tool_use`, `long=200` or `529`."""
    return f"[[emulator:{name}]]"


class Emulator:
    """The control API of the emulator that xtask has started."""

    def __init__(self, address: str):
        self._http = httpx.Client(base_url=address, timeout=10, trust_env=False)

    def _seen(self) -> dict:
        answer = self._http.get("/_emulator/requests")
        answer.raise_for_status()
        return answer.json()

    def questions(self) -> list[dict]:
        """Each request for an answer of Claude, oldest first, refused ones included."""
        requests = self._seen()["requests"]
        return [r for r in requests if r["operation"] == "aws-external-anthropic:CreateInference"]

    def last_question(self) -> dict:
        return self.questions()[-1]

    def open_answers(self) -> int:
        return self._seen()["counters"]["open_answers"]

    def closed_early(self) -> int:
        """How many answers were given up by whoever had asked."""
        return len(self._seen()["counters"]["closed_early"])

    @contextlib.contextmanager
    def trusting(self, external_id: str):
        """Meanwhile the role trusts this external ID too, as a customer writes it into the trust policy."""
        name = WORLD.role_arn.rpartition("/")[2]
        role = self._http.get("/_emulator/world").json()["roles"][name]
        [statement] = role["trust_policy"]["Statement"]
        both = {"StringEquals": {"sts:ExternalId": [WORLD.external_id, external_id]}}
        policy = {**role["trust_policy"], "Statement": [{**statement, "Condition": both}]}
        self._http.put(f"/_emulator/roles/{name}", json={**role, "trust_policy": policy}).raise_for_status()
        try:
            yield
        finally:
            self._http.put(f"/_emulator/roles/{name}", json=role).raise_for_status()

    def put(self, path: str, body) -> None:
        """Changes the world: `roles/{name}`, `accounts/{id}` and so on, whole."""
        self._http.put(f"/_emulator/{path}", json=body).raise_for_status()

    @contextlib.contextmanager
    def with_account(self, account: str, **changed):
        """Meanwhile the account is like this, and otherwise as it was."""
        before = self._http.get("/_emulator/world").json()["accounts"].get(account, {})
        self.put(f"accounts/{account}", {**before, **changed})
        try:
            yield
        finally:
            self.put(f"accounts/{account}", before)

    @contextlib.contextmanager
    def with_sts(self, mode: str, region: str):
        """Meanwhile STS behaves so in this region."""
        self.put("sts", {"mode": mode, "regions": [region]})
        try:
            yield
        finally:
            self.put("sts", {"mode": "ok"})

    def expire_sessions(self) -> None:
        """Every session that STS has given out ends now."""
        self._http.post("/_emulator/expire-sessions").raise_for_status()
