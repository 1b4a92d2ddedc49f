"""LangChain's `ChatOpenAI` and `ChatAnthropic`: the same tests in both dialects."""

import base64

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from emulator import script

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"18 degrees in {city}"


class Weather(BaseModel):
    """What a structured answer looks like."""

    city: str
    degrees: float


@pytest.fixture(params=["openai", "anthropic"])
def chat(request, setup):
    """Makes a model of one of the two kinds."""

    def make(**more):
        common = {"model": setup.model, "api_key": setup.key, "max_retries": 0, "timeout": 30}
        if request.param == "openai":
            return ChatOpenAI(base_url=setup.v1, max_tokens=4000, **common, **more)
        return ChatAnthropic(base_url=setup.address, max_tokens=4000, **common, **more)

    make.kind = request.param
    return make


def added_up(chunks):
    """One message from its chunks."""
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


def test_a_question_is_answered(chat):
    message = chat().invoke("Why is the sky blue?")
    assert "Why is the sky blue?" in message.text
    usage = message.usage_metadata
    assert usage["input_tokens"] > 0 and usage["output_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_a_stream_adds_up_to_the_whole_answer(chat):
    whole = chat().invoke(script("long=50"))
    streamed = added_up(chat(stream_usage=True).stream(script("long=50")))
    assert streamed.text == whole.text
    assert streamed.usage_metadata["input_tokens"] == whole.usage_metadata["input_tokens"]
    assert streamed.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"]


def test_a_tool_is_called_and_its_result_goes_back(chat):
    model = chat().bind_tools([get_weather])
    question = HumanMessage(script("tool_use"))
    first = model.invoke([question])
    [call] = first.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "example"})
    second = model.invoke([question, first, get_weather.invoke(call)])
    assert second.text == "The tool answered: 18 degrees in example"


def test_streamed_tool_calls_are_put_together(chat):
    message = added_up(chat().bind_tools([get_weather]).stream(script("parallel_tools")))
    assert [call["args"] for call in message.tool_calls] == [{"city": "example"}] * 2
    assert len({call["id"] for call in message.tool_calls}) == 2


def test_a_loop_of_tools_over_three_turns_ends_with_an_answer(chat):
    # `ChatOpenAI` sends no signatures back, so it cannot ask for thinking in a loop of tools.
    is_anthropic = chat.kind == "anthropic"
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if is_anthropic else {}
    model = chat(**thinking).bind_tools([get_weather])
    messages = [HumanMessage(script("tool_loop=2"))]
    for _ in range(2):
        message = model.invoke(messages)
        [call] = message.tool_calls
        assert not is_anthropic or message.content[0]["signature"]
        messages += [message, ToolMessage(tool_call_id=call["id"], content="18 degrees")]
    last = model.invoke(messages)
    assert last.tool_calls == [] and last.text


def test_a_structured_answer_is_parsed_by_its_schema(chat):
    model = chat().with_structured_output(Weather, method="json_schema")
    answer = model.invoke(script("structured"))
    assert isinstance(answer, Weather)


def test_an_image_is_read(chat):
    image = {"type": "image", "mime_type": "image/png", "base64": PIXEL}
    message = chat().invoke([HumanMessage([{"type": "text", "text": "What is this?"}, image])])
    assert "What is this?" in message.text


@pytest.mark.parametrize(("name", "statuses"), [("429=7", {429}), ("529", {503, 529})])
def test_a_refusal_keeps_its_status(chat, name, statuses):
    with pytest.raises(Exception) as raised:
        chat().invoke(script(name))
    assert raised.value.status_code in statuses


def test_a_stream_that_breaks_raises(chat):
    with pytest.raises(Exception, match="(?i)error|overloaded|emulator"):
        list(chat().stream(script("error_mid_stream")))
