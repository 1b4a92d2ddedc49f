"""What every test gets: a gateway that is set up, and a report that xtask reads."""

import contextlib
import json
import os
import uuid
from pathlib import Path

import httpx
import pytest

import customers
import database
import gateway as gateways
from emulator import Emulator
from recorder import Recorder

CLIENTS = {
    "test_openai.py": "openai",
    "test_openai_resources.py": "openai",
    "test_responses.py": "openai",
    "test_anthropic.py": "anthropic",
    "test_anthropic_resources.py": "anthropic",
    "test_langchain.py": "LangChain",
    "test_portkey.py": "portkey-ai",
    "test_wire.py": "raw sockets",
    "test_process.py": "processes",
    "test_documents.py": "documents",
    "test_refusals.py": "refusals",
    "test_verify.py": "verification",
    "test_artefacts.py": "artefacts for AWS",
}
_results: list[dict] = []


@pytest.fixture(scope="session")
def address() -> str:
    """The gateway that xtask has started."""
    return os.environ["PORTCULLIS_E2E_GATEWAY_URL"]


@pytest.fixture(scope="session")
def admin_key() -> str:
    return os.environ["PORTCULLIS_E2E_ADMIN_KEY"]


@pytest.fixture(scope="session")
def setup(address, admin_key) -> gateways.Setup:
    """An integration, a provider and a key on that gateway."""
    return gateways.set_up(address, admin_key)


@pytest.fixture(scope="session")
def full_setup(address, admin_key, emulator) -> gateways.Setup:
    """The same with every feature, for a customer whose role may do everything."""
    configurations = customers.Customer().settle(emulator).configurations()
    return customers.set_up(address, admin_key, {**configurations, "features": customers.FEATURES})


@pytest.fixture(scope="session")
def http(setup):
    """Plain HTTP with a developer's key."""
    headers = {"authorization": f"Bearer {setup.key}"}
    with httpx.Client(base_url=setup.address, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def emulator() -> Emulator:
    return Emulator(os.environ["PORTCULLIS_E2E_EMULATOR_URL"])


@pytest.fixture(scope="session")
def recorded(launchers):
    """A gateway whose upstream keeps what it receives: `(recorder, setup)`."""
    recorder = Recorder()
    gateway = launchers().start(ANTHROPIC_AWS_BASE_URL=recorder.address)
    yield recorder, gateways.set_up(gateway.address, gateway.admin_key)
    recorder.end()


@pytest.fixture
def launcher(launchers):
    """Starts gateways on a store of this test's own."""
    return launchers()


@pytest.fixture(scope="session")
def launchers():
    """Makes launchers, each with a store of its own."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(_launcher())


@contextlib.contextmanager
def _launcher():
    name = f"portcullis_e2e_{uuid.uuid4().hex[:12]}"
    on_postgres = os.environ["PORTCULLIS_E2E_STORE"] == "postgres"
    started = gateways.Launcher(database.create(name) if on_postgres else None)
    try:
        yield started
    finally:
        started.end()
        if on_postgres:
            database.drop(name)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "on_postgres_only: several gateways share a database, which SQLite is not for"
    )


def pytest_collection_modifyitems(items):
    """Leaves out what has no meaning on SQLite; a skipped test would count as a failure."""
    for item in items:
        # A test file without a client would vanish from the table.
        assert item.path.name in CLIENTS, f"{item.path.name} is not in CLIENTS of conftest.py"
    if os.environ["PORTCULLIS_E2E_STORE"] == "sqlite":
        items[:] = [item for item in items if not item.get_closest_marker("on_postgres_only")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    broken = report.when != "call" and not report.passed
    if report.when == "call" or broken:
        client = CLIENTS[item.path.name]
        _results.append(
            {"client": client, "test": item.name, "outcome": report.outcome, "seconds": report.duration}
        )
    return report


def pytest_sessionfinish():
    path = os.environ.get("PORTCULLIS_E2E_RESULTS")
    if path:
        Path(path).write_text(json.dumps({"tests": _results}))
