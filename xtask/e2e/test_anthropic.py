"""The `anthropic` client: the same dialect in and out."""

import hashlib

import anthropic
import httpx
import pytest

from emulator import UNICODE_TEXT, script
from gateway import MODEL

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def client(setup):
    with anthropic.Anthropic(api_key=setup.key, base_url=setup.address, max_retries=0, timeout=30) as client:
        yield client


def ask(client, setup, text, **more):
    more.setdefault("max_tokens", 1000)
    return client.messages.create(model=setup.model, messages=[{"role": "user", "content": text}], **more)


def test_a_message_is_answered(client, setup):
    message = ask(client, setup, "Why is the sky blue?", system="You are brief.")
    assert message.type == "message" and message.role == "assistant"
    assert message.content[0].type == "text" and message.content[0].text
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    assert message._request_id


def test_a_stream_has_its_events_in_order(client, setup):
    events = list(ask(client, setup, "Why is the sky blue?", stream=True))
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[1] == "content_block_start"
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_a_streamed_message_is_the_whole_message(client, setup):
    whole = ask(client, setup, "Why is the sky blue?")
    with client.messages.stream(
        model=setup.model, max_tokens=1000, messages=[{"role": "user", "content": "Why is the sky blue?"}]
    ) as stream:
        message = stream.get_final_message()
    assert message.content[0].text == whole.content[0].text
    assert message.usage.output_tokens == whole.usage.output_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_unicode_survives(client, setup, stream):
    if stream:
        with client.messages.stream(
            model=setup.model, max_tokens=1000, messages=[{"role": "user", "content": script("unicode")}]
        ) as events:
            message = events.get_final_message()
    else:
        message = ask(client, setup, script("unicode"))
    assert UNICODE_TEXT in message.content[0].text


def test_tools_are_called_and_their_results_go_back(client, setup):
    question = {"role": "user", "content": script("tool_use")}
    first = client.messages.create(model=setup.model, max_tokens=1000, messages=[question], tools=[WEATHER])
    assert first.stop_reason == "tool_use"
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert call.name == "get_weather" and isinstance(call.input, dict)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
    second = client.messages.create(
        model=setup.model,
        max_tokens=1000,
        messages=[
            question,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ],
        tools=[WEATHER],
    )
    assert second.stop_reason == "end_turn"


def test_thinking_keeps_its_signature_on_the_way_back(client, setup):
    """The emulator refuses a thinking block whose text or signature is not the one it gave out."""
    thinking = {"type": "enabled", "budget_tokens": 1024}
    question = {"role": "user", "content": script("thinking")}
    first = client.messages.create(model=setup.model, max_tokens=4000, messages=[question], thinking=thinking)
    assert first.content[0].type == "thinking" and first.content[0].signature
    conversation = [
        question,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": "Go on."},
    ]
    second = client.messages.create(
        model=setup.model, max_tokens=4000, messages=conversation, thinking=thinking
    )
    assert second.content[0].text
    first.content[0].signature += "x"
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=setup.model, max_tokens=4000, messages=conversation, thinking=thinking)


def test_streamed_thinking_comes_with_its_signature(client, setup):
    with client.messages.stream(
        model=setup.model,
        max_tokens=4000,
        messages=[{"role": "user", "content": script("thinking")}],
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        message = stream.get_final_message()
    assert message.content[0].type == "thinking" and message.content[0].signature


ODD_BODY = """{ "max_tokens":50,
  "tools" : [ {"name":"t","input_schema":{"type":"object","maximum":12345678901234567890,"minimum":1.0e-2}} ],
\t"model" : "MODEL" , "messages":[{"role":"user","content":"\\u00e9\\/ é 😀 MODEL"}]}  """


def test_a_body_reaches_claude_byte_for_byte_but_for_the_model(setup, emulator):
    """Odd spacing, escapes, numbers of many digits: whoever parses and writes again changes one of them."""
    head, tail = ODD_BODY.split("MODEL", 1)
    headers = {"x-api-key": setup.key, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    body = f"{head}{setup.model}{tail}".encode()
    answer = httpx.post(f"{setup.v1}/messages", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    expected = f"{head}{MODEL}{tail}".encode()
    assert emulator.last_question()["body_sha256"] == hashlib.sha256(expected).hexdigest()


def test_a_wrong_key_is_an_authentication_error(setup):
    with anthropic.Anthropic(api_key="pcs_wrong", base_url=setup.address, max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as raised:
            ask(client, setup, "Hello")
    assert raised.value.body["type"] == "error"
    assert raised.value.body["error"]["type"] == "authentication_error"


def test_an_invalid_request_keeps_claudes_own_words(client, setup):
    with pytest.raises(anthropic.BadRequestError) as raised:
        ask(client, setup, "Hello", max_tokens=-1)
    assert raised.value.body["error"]["type"] == "invalid_request_error"
    assert "max_tokens" in raised.value.body["error"]["message"]


def test_an_unknown_model_is_not_found(client, setup):
    with pytest.raises(anthropic.NotFoundError) as raised:
        client.messages.create(
            model=f"@{setup.provider}/claude-nonexistent-9",
            max_tokens=10,
            messages=[{"role": "user", "content": "Hello"}],
        )
    assert raised.value.body["error"]["type"] == "not_found_error"


def test_a_rate_limit_keeps_its_delay(client, setup):
    with pytest.raises(anthropic.RateLimitError) as raised:
        ask(client, setup, script("429=7"))
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.body["error"]["type"] == "rate_limit_error"


def test_an_overload_keeps_its_status(client, setup):
    with pytest.raises(anthropic.InternalServerError) as raised:
        ask(client, setup, script("529"))
    assert raised.value.status_code == 529
    assert raised.value.body["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(
    "fault", ["error_mid_stream", "reset_mid_stream", "cut_mid_stream", "end_without_stop"]
)
def test_a_stream_that_breaks_raises_after_what_came_before(client, setup, fault):
    text = ""
    with pytest.raises(anthropic.APIError):
        for event in ask(client, setup, script(fault), stream=True):
            assert event.type != "message_stop"
            if event.type == "content_block_delta":
                text += event.delta.text
    assert text
