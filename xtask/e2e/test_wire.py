"""What only shows on a bare socket: disconnects, slow and broken clients, headers that must not pass."""

import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

import waiting
from emulator import WORLD, script


def connect(address: str) -> socket.socket:
    place = urlsplit(address)
    return socket.create_connection((place.hostname, place.port), timeout=40)


def chat_request(setup, text: str, **more) -> bytes:
    body = {"model": setup.model, "max_tokens": 1000, "messages": [{"role": "user", "content": text}], **more}
    raw = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {setup.key}\r\ncontent-length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def read_until(connection: socket.socket, marker: bytes) -> bytes:
    seen = b""
    while marker not in seen:
        part = connection.recv(65536)
        assert part, f"closed before {marker!r}: {seen!r}"
        seen += part
    return seen


def read_to_end(connection: socket.socket) -> bytes:
    seen = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return seen
        if not part:
            return seen
        seen += part


@pytest.mark.parametrize("moment", ["before the first event", "mid-stream"])
def test_a_client_that_goes_away_cancels_the_upstream(setup, emulator, moment):
    before, still_open = emulator.closed_early(), emulator.open_answers()
    with connect(setup.address) as connection:
        if moment == "mid-stream":
            connection.sendall(chat_request(setup, script("stall_mid_stream"), stream=True))
            read_until(connection, b'"content":"')
        else:
            connection.sendall(chat_request(setup, script("stall"), stream=True))
            waiting.until("the upstream is asked", lambda: emulator.open_answers() > still_open)
    waiting.until("the upstream is cancelled", lambda: emulator.closed_early() > before, limit=2)


def test_events_are_not_held_back(setup):
    """Each event comes when it was sent, and not with the next."""
    with connect(setup.address) as connection:
        connection.sendall(chat_request(setup, script("stall_mid_stream"), stream=True))
        assert b'"content"' in read_until(connection, b'"content":"')


def test_a_head_that_never_ends_is_given_up(launcher):
    gateway = launcher.start(PORTCULLIS_HEAD_TIMEOUT_S="1")
    with connect(gateway.address) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nx-slow: ")
        answer = read_to_end(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408"), answer


def test_a_connection_that_says_nothing_is_closed(launcher):
    gateway = launcher.start(PORTCULLIS_FIRST_BYTE_TIMEOUT_S="1")
    with connect(gateway.address) as connection:
        assert read_to_end(connection) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_refused(setup, head):
    with connect(setup.address) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = read_to_end(connection)
    assert answer == b"" or answer.split(b" ")[1].startswith(b"4"), answer
    # And the next one is served.
    assert httpx.get(f"{setup.address}/livez", trust_env=False).status_code == 200


def test_two_requests_on_one_connection(setup):
    with connect(setup.address) as connection:
        for _ in range(2):
            connection.sendall(chat_request(setup, "Hello"))
            assert read_until(connection, b'"usage"').startswith(b"HTTP/1.1 200")


def test_no_header_of_a_caller_passes_but_those_that_may(recorded):
    recorder, setup = recorded
    headers = {
        "authorization": f"Bearer {setup.key}",
        "cookie": "session=canary-cookie",
        "x-amz-security-token": "canary-token",
        "x-amz-date": "20200101T000000Z",
        "x-forwarded-for": "192.0.2.1",
        "forwarded": "for=192.0.2.1",
        "anthropic-workspace-id": "wrkspc_canary",
        "anthropic-beta": "context-1m-2025-08-07",
        "anthropic-version": "2023-06-01",
        "x-custom": "canary-custom",
    }
    body = {"model": setup.model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx.post(f"{setup.v1}/messages", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    received = recorder.last().headers
    text = json.dumps(received)
    assert "canary" not in text and setup.key not in text and "192.0.2.1" not in text
    assert not received["x-amz-date"].startswith("2020")
    assert received["authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert received["anthropic-beta"] == "context-1m-2025-08-07"
    assert received["anthropic-workspace-id"] == WORLD.workspace


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": 1}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_body_that_is_no_request_is_refused(http, path, content, status):
    answer = http.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_over_the_limit_is_refused_before_it_is_read(setup):
    with connect(setup.address) as connection:
        head = (
            "POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            f"x-api-key: {setup.key}\r\ncontent-length: {64 * 1024 * 1024}\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert read_until(connection, b"\r\n").startswith(b"HTTP/1.1 413")


def test_an_unknown_route_is_not_found(http):
    assert http.get("/v1/no-such-thing").status_code == 404
    assert http.get("/v1/chat/completions").status_code == 405


def test_health_needs_no_key(setup):
    for path in ("/livez", "/readyz"):
        assert httpx.get(setup.address + path, trust_env=False).status_code == 200
