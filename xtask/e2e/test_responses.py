"""The `openai` client's Responses API: created, streamed, continued, kept and deleted."""

import base64

import openai
import pytest

from emulator import script
from gateway import ADAPTIVE_MODEL
from media import PDF, PNG
from test_openai import WEATHER, Weather

TOOL = {"type": "function", "strict": False, **WEATHER["function"]}


@pytest.fixture(scope="module")
def client(setup):
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0, timeout=30) as client:
        yield client


def respond(client, setup, text, **more):
    return client.responses.create(model=setup.model, max_output_tokens=2000, input=text, **more)


def test_a_response_is_created(client, setup):
    response = respond(client, setup, "Why is the sky blue?", instructions="You are brief.")
    assert response.status == "completed"
    assert "Why is the sky blue?" in response.output_text
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0


def test_a_streamed_response_is_numbered_without_gaps(client, setup):
    events = list(respond(client, setup, "Why is the sky blue?", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].response.output_text == text


def test_a_response_is_parsed_by_its_schema(client, setup):
    response = client.responses.parse(
        model=setup.model, max_output_tokens=1000, input=script("structured"), text_format=Weather
    )
    assert isinstance(response.output_parsed, Weather)


def test_responses_read_images_and_documents(client, setup):
    def data_url(kind: str, content: bytes) -> str:
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "detail": "auto", "image_url": data_url("image/png", PNG)},
        {"type": "input_file", "filename": "report.pdf", "file_data": data_url("application/pdf", PDF)},
    ]
    response = respond(client, setup, [{"role": "user", "content": content}])
    assert "What is this?" in response.output_text


def test_a_loop_of_tools_keeps_its_thinking_in_responses(client, setup):
    more = {"tools": [TOOL], "reasoning": {"effort": "low"}, "store": False}
    more["include"] = ["reasoning.encrypted_content"]
    model = f"@{setup.provider}/{ADAPTIVE_MODEL}"
    conversation = [{"role": "user", "content": script("tool_loop=2")}]
    for _ in range(2):
        response = client.responses.create(model=model, max_output_tokens=4000, input=conversation, **more)
        assert response.output[0].type == "reasoning" and response.output[0].encrypted_content
        call = response.output[-1]
        conversation += response.output
        conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"})
    last = client.responses.create(model=model, max_output_tokens=4000, input=conversation, **more)
    assert last.status == "completed" and last.output_text


def test_a_response_is_continued_retrieved_and_deleted(client, setup):
    first = respond(client, setup, "My name is Ada.")
    second = respond(client, setup, "What is my name?", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert client.responses.retrieve(first.id).output_text == first.output_text
    [item] = client.responses.input_items.list(first.id)
    assert item.content[0].text == "My name is Ada."
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_a_response_that_breaks_has_failed(client, setup):
    events = []
    try:
        for event in respond(client, setup, script("error_mid_stream"), stream=True):
            events.append(event)
    except openai.APIError:
        pass  # Some versions raise on the event, others hand it out.
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"


def test_an_unknown_previous_response_is_named(client, setup):
    with pytest.raises(openai.BadRequestError) as raised:
        respond(client, setup, "Hello", previous_response_id="resp_unknown")
    assert raised.value.param == "previous_response_id"
