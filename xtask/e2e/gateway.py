"""Gateways that a test starts, signals and kills itself, and what a platform team does to set one up."""

import json
import os
import signal
import subprocess
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import waiting
from emulator import WORLD

MODEL = "claude-haiku-4-5"
# One that thinks adaptively, and refuses a budget.
ADAPTIVE_MODEL = "claude-opus-4-8"
_LOGS = Path(os.environ["PORTCULLIS_E2E_LOGS"])


@dataclass
class Setup:
    """What a developer is given."""

    address: str
    key: str
    provider: str
    integration: str

    @property
    def model(self) -> str:
        return f"@{self.provider}/{MODEL}"

    @property
    def v1(self) -> str:
        return f"{self.address}/v1"


def integration_body(**changes) -> dict:
    """An integration with the role that the emulator knows, and an external ID that nobody has used."""
    unique = uuid.uuid4().hex[:12]
    configurations = {
        "aws_auth_type": "assumedRole",
        "aws_role_arn": WORLD.role_arn,
        "aws_external_id": f"end-to-end-{unique}",
        "aws_region": WORLD.region,
        "anthropic_aws_workspace_id": WORLD.workspace,
    }
    configurations.update(changes.pop("configurations", {}))
    body = {"name": f"Claude {unique}", "slug": f"int-{unique}", "ai_provider_id": "claude-platform-aws"}
    return {**body, **changes, "configurations": configurations}


def admin_client(address: str, admin_key: str) -> httpx.Client:
    return httpx.Client(
        base_url=address, headers={"x-portkey-api-key": admin_key}, timeout=30, trust_env=False
    )


def set_up(address: str, admin_key: str) -> Setup:
    """Integration, provider and key, over the admin API.

    Once a database, since an external ID belongs to one integration.
    """
    return set_up_with(
        address, admin_key, integration_body(configurations={"aws_external_id": WORLD.external_id})
    )


def set_up_with(address: str, admin_key: str, body: dict) -> Setup:
    """The same for an integration of the test's own."""
    with admin_client(address, admin_key) as admin:
        integration = _post(admin, "/v1/integrations", body)["slug"]
        provider = f"claude-{uuid.uuid4().hex[:12]}"
        body = {
            "name": provider,
            "slug": provider,
            "integration_id": integration,
            "workspace_id": "ws-default",
        }
        _post(admin, "/v1/providers", body)
        return Setup(address, new_key(address, admin_key)["key"], provider, integration)


def new_key(address: str, admin_key: str) -> dict:
    """A workspace key that may ask for completions: `{id, key}`."""
    body = {"name": "end-to-end", "workspace_id": "ws-default", "scopes": ["completions.write"]}
    with admin_client(address, admin_key) as admin:
        return _post(admin, "/v1/api-keys/workspace/service", body)


def _post(admin: httpx.Client, path: str, body: dict) -> dict:
    answer = admin.post(path, json=body)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


@dataclass
class Gateway:
    """One process."""

    process: subprocess.Popen
    address: str
    admin_key: str | None
    log_path: Path

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


@dataclass
class Launcher:
    """Starts gateways on one store and ends all of them."""

    database_url: str | None
    data_folder: tempfile.TemporaryDirectory = field(
        default_factory=lambda: tempfile.TemporaryDirectory("portcullis")
    )
    gateways: list[Gateway] = field(default_factory=list)

    def start(self, **variables: str) -> Gateway:
        """A gateway on a free port; `variables` go on top of its environment."""
        name = f"gateway-{uuid.uuid4().hex[:8]}"
        ready_path, log_path = Path(self.data_folder.name, f"{name}.json"), _LOGS / f"{name}.log"
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                [os.environ["PORTCULLIS_E2E_BINARY"], "serve", "--ready-file", str(ready_path)],
                env=self._environment(variables),
                cwd=self.data_folder.name,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        gateway = Gateway(process, "", None, log_path)
        self.gateways.append(gateway)
        ready = waiting.until("the gateway is ready", lambda: _ready(gateway, ready_path), limit=30)
        gateway.address, gateway.admin_key = ready["address"], ready.get("admin_key")
        return gateway

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        environment = {"PATH": os.environ["PATH"], "RUST_BACKTRACE": "1"}
        environment.update(json.loads(os.environ["PORTCULLIS_E2E_EMULATOR_ENV"]))
        environment["PORTCULLIS_LISTEN"] = "127.0.0.1:0"
        environment["PORTCULLIS_DATA_DIR"] = str(Path(self.data_folder.name, "data"))
        if self.database_url:
            environment["DATABASE_URL"] = self.database_url
        return {**environment, **variables}

    def end(self) -> None:
        for gateway in self.gateways:
            if gateway.process.poll() is None:
                gateway.kill()
        self.data_folder.cleanup()


def _ready(gateway: Gateway, path: Path):
    assert gateway.process.poll() is None, f"the gateway ended at its start:\n{gateway.log()}"
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
