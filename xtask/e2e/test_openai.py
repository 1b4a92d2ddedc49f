"""The `openai` client: what its users do all day."""

import base64
import json

import openai
import pytest
from pydantic import BaseModel

from emulator import UNICODE_TEXT, script
from gateway import ADAPTIVE_MODEL

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture(scope="module")
def client(setup):
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0, timeout=30) as client:
        yield client


def ask(client, setup, text, **more):
    more.setdefault("max_tokens", 1000)
    return client.chat.completions.create(
        model=setup.model, messages=[{"role": "user", "content": text}], **more
    )


def test_a_question_is_answered(client, setup):
    completion = ask(client, setup, "Why is the sky blue?")
    choice = completion.choices[0]
    assert completion.object == "chat.completion"
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason == "stop"
    usage = completion.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_system_text_and_sampling_are_accepted(client, setup):
    completion = client.chat.completions.create(
        model=setup.model,
        max_completion_tokens=500,
        temperature=0.2,
        stop=["END"],
        messages=[
            {"role": "system", "content": "You are brief."},
            {"role": "developer", "content": "Answer in English."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "And now?"},
        ],
    )
    assert completion.choices[0].message.content


def test_a_streamed_answer_is_the_whole_answer(client, setup):
    whole = ask(client, setup, "Why is the sky blue?")
    options = {"include_usage": True}
    chunks = list(ask(client, setup, "Why is the sky blue?", stream=True, stream_options=options))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
    assert all(c.usage is None for c in chunks[:-1])
    assert len({c.id for c in chunks}) == 1


def test_without_include_usage_no_chunk_has_usage(client, setup):
    chunks = list(ask(client, setup, "Hello", stream=True))
    assert all(c.usage is None for c in chunks)
    assert all(c.choices for c in chunks)


def test_a_long_stream_arrives_whole(client, setup):
    chunks = list(ask(client, setup, script("long=200"), stream=True))
    assert len(chunks) > 150
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_unicode_survives_whole_and_streamed(client, setup):
    whole = ask(client, setup, script("unicode")).choices[0].message.content
    chunks = ask(client, setup, script("unicode"), stream=True)
    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert whole == streamed
    assert UNICODE_TEXT in whole
    assert "\ufffd" not in whole


def test_a_tool_is_called_and_its_result_goes_back(client, setup):
    question = {"role": "user", "content": script("tool_use")}
    first = client.chat.completions.create(
        model=setup.model, max_tokens=1000, messages=[question], tools=[WEATHER]
    )
    assert first.choices[0].finish_reason == "tool_calls"
    [call] = first.choices[0].message.tool_calls
    assert call.type == "function" and call.id
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments), dict)
    result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}
    second = client.chat.completions.create(
        model=setup.model,
        max_tokens=1000,
        messages=[question, first.choices[0].message, result],
        tools=[WEATHER],
    )
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content


def test_a_streamed_tool_call_is_put_together_by_the_client(client, setup):
    with client.chat.completions.stream(
        model=setup.model,
        max_tokens=1000,
        messages=[{"role": "user", "content": script("tool_use")}],
        tools=[WEATHER],
    ) as stream:
        for _ in stream:
            pass
        completion = stream.get_final_completion()
    [call] = completion.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments), dict)
    assert completion.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tool_calls_stay_apart(client, setup, stream):
    answer = ask(client, setup, script("parallel_tools"), tools=[WEATHER], stream=stream)
    if not stream:
        calls = [(c.id, c.function.name, c.function.arguments) for c in answer.choices[0].message.tool_calls]
    else:
        calls = put_together(answer)
    assert len(calls) >= 2
    assert len({identity for identity, _, _ in calls}) == len(calls)
    for identity, name, arguments in calls:
        assert identity and name == "get_weather"
        assert isinstance(json.loads(arguments), dict)


def put_together(chunks):
    """Tool calls from their deltas, as a client without helpers does it."""
    calls = {}
    for delta in (d for c in chunks if c.choices for d in c.choices[0].delta.tool_calls or []):
        call = calls.setdefault(delta.index, ["", "", ""])
        call[0] += delta.id or ""
        call[1] += delta.function.name or ""
        call[2] += delta.function.arguments or ""
    assert sorted(calls) == list(range(len(calls)))
    return [tuple(call) for _, call in sorted(calls.items())]


class Answer(BaseModel):
    """What a structured answer looks like."""

    answer: str


def test_a_structured_answer_asks_for_its_schema(recorded):
    recorder, setup = recorded
    recorder.text = '{"answer": "scattering"}'
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0) as client:
        completion = client.chat.completions.parse(
            model=setup.model,
            max_tokens=1000,
            messages=[{"role": "user", "content": "Why is the sky blue?"}],
            response_format=Answer,
        )
    assert completion.choices[0].message.parsed == Answer(answer="scattering")
    wanted = recorder.last().json()["output_config"]["format"]
    assert wanted["type"] == "json_schema"
    assert list(wanted["schema"]["properties"]) == ["answer"]


def test_an_image_reaches_claude(recorded):
    recorder, setup = recorded
    pixel = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0) as client:
        assert ask(client, setup, parts).choices[0].message.content
    text, image = recorder.last().json()["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": pixel}


def test_the_limit_of_tokens_is_told_as_length(client, setup):
    completion = ask(client, setup, script("max_tokens"))
    assert completion.choices[0].finish_reason == "length"


def test_a_refusal_is_told_as_content_filter(client, setup):
    completion = ask(client, setup, script("refusal"))
    assert completion.choices[0].finish_reason == "content_filter"


def test_thinking_is_told_beside_the_answer(client, setup):
    message = ask(client, setup, script("thinking")).choices[0].message
    assert message.content
    assert message.reasoning_content


class Weather(BaseModel):
    """What a structured answer looks like."""

    city: str
    degrees: float


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_tools_keeps_its_thinking(client, setup, streamed):
    messages = [{"role": "user", "content": script("tool_loop=2")}]
    for turn in (1, 2, 3):
        body = {
            "model": f"@{setup.provider}/{ADAPTIVE_MODEL}",
            "max_tokens": 4000,
            "reasoning_effort": "low",
            "tools": [WEATHER],
            "messages": messages,
        }
        if streamed:
            with client.chat.completions.stream(**body) as stream:
                completion = stream.get_final_completion()
        else:
            completion = client.chat.completions.create(**body)
        [choice] = completion.choices
        assert choice.finish_reason == ("tool_calls" if turn < 3 else "stop")
        assert turn == 3 or choice.message.thinking_blocks[0]["signature"]
        # As a client does that keeps what it does not know.
        messages.append(choice.message.model_dump(exclude_none=True))
        for call in choice.message.tool_calls or []:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "18 degrees"})


def test_a_structured_answer_is_parsed_by_its_schema(client, setup):
    completion = client.chat.completions.parse(
        model=setup.model,
        max_tokens=1000,
        messages=[{"role": "user", "content": script("structured")}],
        response_format=Weather,
    )
    assert isinstance(completion.choices[0].message.parsed, Weather)


def test_a_wrong_key_is_an_authentication_error(setup):
    with openai.OpenAI(api_key="pcs_wrong", base_url=setup.v1, max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            ask(client, setup, "Hello")
    assert raised.value.code == "invalid_api_key"


def test_an_unknown_model_is_named(client, setup):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(
            model=f"@{setup.provider}/claude-nonexistent-9",
            max_tokens=10,
            messages=[{"role": "user", "content": "Hello"}],
        )
    assert raised.value.code == "model_not_found"
    assert "claude-nonexistent-9" in str(raised.value)


def test_an_unknown_provider_is_named(client):
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as raised:
        client.chat.completions.create(
            model="@no-such-provider/claude-haiku-4-5",
            max_tokens=10,
            messages=[{"role": "user", "content": "Hello"}],
        )
    assert "no-such-provider" in str(raised.value)


@pytest.mark.parametrize(
    ("parameter", "value"), [("n", 2), ("temperature", "hot"), ("max_tokens", -1), ("messages", [])]
)
def test_what_cannot_be_done_is_refused_by_name(client, setup, parameter, value):
    arguments = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=setup.model, **{**arguments, parameter: value})
    assert raised.value.param == parameter
    assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_is_told_with_its_delay(client, setup, stream):
    with pytest.raises(openai.RateLimitError) as raised:
        ask(client, setup, script("429=7"), stream=stream)
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize("stream", [False, True])
def test_an_overloaded_upstream_is_a_server_error(client, setup, stream):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, setup, script("529"), stream=stream)
    assert raised.value.status_code == 503
    assert raised.value.code == "overloaded"


def test_an_upstream_error_is_told_with_both_request_ids(client, setup):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, setup, script("500"))
    assert raised.value.request_id
    assert raised.value.response.headers["x-portkey-trace-id"]


@pytest.mark.parametrize(
    "fault", ["error_mid_stream", "reset_mid_stream", "cut_mid_stream", "end_without_stop"]
)
def test_a_stream_that_breaks_raises_after_what_came_before(client, setup, fault):
    text = ""
    with pytest.raises(openai.APIError):
        for chunk in ask(client, setup, script(fault), stream=True):
            # Without the upstream's last event, the one that says why it stopped has already been passed on.
            assert fault == "end_without_stop" or chunk.choices[0].finish_reason is None
            text += chunk.choices[0].delta.content or ""
    assert text


def test_an_answer_that_never_begins_is_an_error(client, setup):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, setup, script("reset_mid_headers"))
    assert raised.value.status_code == 502
