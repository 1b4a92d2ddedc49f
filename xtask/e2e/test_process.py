"""Gateways as processes: stopped, killed, started again, side by side, and searched for secrets."""

import base64
import json
import os
import subprocess
import zlib

import httpx
import openai
import pytest

import gateway as gateways
import waiting
from emulator import SESSION_TOKEN, script

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text = BASE62[digit] + text
    return text


def well_formed_key() -> str:
    """A key with a checksum that fits, as `portcullis keys create` makes them."""
    body = "pcs_" + base62(int.from_bytes(os.urandom(32)), 43)
    return body + base62(zlib.crc32(body.encode()), 6)


def client_of(setup) -> openai.OpenAI:
    return openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0, timeout=30)


def ask(setup, text: str = "Hello", **more):
    question = [{"role": "user", "content": text}]
    return client_of(setup).chat.completions.create(
        model=setup.model, max_tokens=1000, messages=question, **more
    )


def test_a_first_start_needs_nothing_and_says_what_it_did(launcher):
    gateway = launcher.start()
    assert gateway.admin_key.startswith("pcs_")
    assert gateway.admin_key in gateway.log(), "whoever started it must see the key once"
    setup = gateways.set_up(gateway.address, gateway.admin_key)
    assert ask(setup).choices[0].message.content


def test_an_admin_key_that_is_given_works_and_is_not_printed(launcher):
    key = well_formed_key()
    gateway = launcher.start(PORTCULLIS_ADMIN_KEY=key)
    assert gateway.admin_key is None
    assert ask(gateways.set_up(gateway.address, key)).choices[0].message.content
    assert key not in gateway.log()


def test_a_killed_gateway_comes_back_with_everything_it_knew(launcher):
    first = launcher.start()
    setup = gateways.set_up(first.address, first.admin_key)
    first.kill()
    second = launcher.start()
    setup.address = second.address
    assert second.admin_key is None
    assert ask(setup).choices[0].message.content
    with gateways.admin_client(second.address, first.admin_key) as admin:
        assert admin.get(f"/v1/integrations/{setup.integration}").status_code == 200


def test_a_stream_is_finished_before_a_gateway_stops(launcher):
    gateway = launcher.start()
    setup = gateways.set_up(gateway.address, gateway.admin_key)
    stream = ask(setup, script("slow=100") + " and say it again" * 5, stream=True)
    text = next(stream).choices[0].delta.content or ""
    gateway.terminate()
    waiting.until("new connections are refused", lambda: refuses(gateway), limit=5)
    finish = None
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
    assert finish == "stop" and text
    assert gateway.process.wait(timeout=10) == 0


def refuses(gateway) -> bool:
    try:
        return httpx.get(f"{gateway.address}/readyz", trust_env=False).status_code == 503
    except httpx.TransportError:
        return True


def test_credentials_that_end_early_are_replaced_within_the_request(launcher, emulator):
    gateway = launcher.start()
    setup = gateways.set_up(gateway.address, gateway.admin_key)
    assert ask(setup).choices[0].message.content
    emulator.expire_sessions()
    assert ask(setup).choices[0].message.content


def test_a_stream_that_outlives_the_drain_ends_with_an_error(launcher):
    gateway = launcher.start(PORTCULLIS_DRAIN_TIMEOUT_S="1")
    setup = gateways.set_up(gateway.address, gateway.admin_key)
    stream = ask(setup, script("stall_mid_stream"), stream=True)
    next(stream)
    gateway.terminate()
    with pytest.raises(openai.APIError):
        for chunk in stream:
            assert chunk.choices[0].finish_reason is None
    assert gateway.process.wait(timeout=10) == 0


def test_an_idle_gateway_stops_at_once(launcher):
    gateway = launcher.start()
    gateway.terminate()
    assert gateway.process.wait(timeout=3) == 0


@pytest.mark.on_postgres_only
def test_a_change_on_one_gateway_reaches_the_other(launcher):
    first = launcher.start()
    setup = gateways.set_up(first.address, first.admin_key)
    second = launcher.start()
    setup.address = second.address
    assert ask(setup).choices[0].message.content
    made = gateways.new_key(first.address, first.admin_key)
    setup.key = made["key"]
    waiting.until("a new key works on the other gateway", lambda: status_of(setup) == 200, limit=2)
    with gateways.admin_client(first.address, first.admin_key) as admin:
        assert admin.delete(f"/v1/api-keys/{made['id']}").status_code == 200
    waiting.until(
        "a revoked key stops working on the other gateway", lambda: status_of(setup) == 401, limit=2
    )


def status_of(setup) -> int:
    body = {"model": setup.model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"authorization": f"Bearer {setup.key}"}
    return httpx.post(f"{setup.v1}/chat/completions", json=body, headers=headers, trust_env=False).status_code


def test_a_wrong_setting_is_refused_by_name():
    binary = os.environ["PORTCULLIS_E2E_BINARY"]
    environment = {"PATH": os.environ["PATH"], "PORTCULLIS_LISTEN": "nowhere"}
    said = subprocess.run([binary, "serve"], env=environment, capture_output=True, text=True, timeout=30)
    assert said.returncode == 2
    assert "PORTCULLIS_LISTEN" in said.stderr


def test_the_health_check_tells_a_live_gateway_from_a_dead_one(launcher):
    gateway = launcher.start()
    command = [os.environ["PORTCULLIS_E2E_BINARY"], "healthcheck"]
    environment = {"PATH": os.environ["PATH"], "PORTCULLIS_LISTEN": gateway.address.removeprefix("http://")}

    def check() -> int:
        folder = launcher.data_folder.name
        return subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, timeout=30
        ).returncode

    assert check() == 0
    gateway.kill()
    assert check() == 1


def test_no_secret_is_in_the_log_at_its_most_talkative(launcher):
    encryption_key = base64.b64encode(os.urandom(32)).decode()
    admin_key = well_formed_key()
    gateway = launcher.start(
        RUST_LOG="trace", PORTCULLIS_ADMIN_KEY=admin_key, PORTCULLIS_ENCRYPTION_KEY=encryption_key
    )
    setup = gateways.set_up(gateway.address, admin_key)
    access_key = {
        "aws_auth_type": "accessKey",
        "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key": "canary-secret-access-key-000000000000000",
    }
    body = gateways.integration_body()
    for name in ("aws_role_arn", "aws_external_id"):
        del body["configurations"][name]
    body["configurations"].update(access_key)
    with gateways.admin_client(gateway.address, admin_key) as admin:
        assert admin.post("/v1/integrations", json=body).status_code == 200
    ask(setup, "canary-prompt")
    list(ask(setup, "canary-prompt", stream=True))
    for text in (script("529"), script("error_mid_stream")):
        with pytest.raises(openai.APIError):
            list(ask(setup, text, stream=True))
    log = gateway.log()
    assert len(log) > 1000, "nothing was logged, so nothing was proven"
    environment = json.loads(os.environ["PORTCULLIS_E2E_EMULATOR_ENV"])
    secrets = {
        "admin key": admin_key,
        "developer's key": setup.key,
        "encryption key": encryption_key,
        "source secret": environment["AWS_SECRET_ACCESS_KEY"],
        "stored secret": access_key["aws_secret_access_key"],
        "prompt": "canary-prompt",
        "session token": SESSION_TOKEN,
        "signature": "Signature=",
    }
    if launcher.database_url:
        secrets["database password"] = launcher.database_url.split(":")[2].split("@")[0]
    found = [name for name, secret in secrets.items() if secret in log]
    assert found == []
