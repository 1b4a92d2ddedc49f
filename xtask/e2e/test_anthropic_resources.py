"""The `anthropic` client beyond one message: loops of tools that think, counting, models, files, batches."""

import anthropic
import pytest
from pydantic import BaseModel

import waiting
from emulator import script
from media import PDF
from test_anthropic import WEATHER


@pytest.fixture(scope="module")
def client(full_setup):
    # Requests without a model say where they go.
    headers = {"x-portkey-provider": f"@{full_setup.provider}"}
    with anthropic.Anthropic(
        api_key=full_setup.key,
        base_url=full_setup.address,
        max_retries=0,
        timeout=30,
        default_headers=headers,
    ) as client:
        yield client


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_tools_keeps_its_thinking(client, full_setup, streamed):
    messages = [{"role": "user", "content": script("tool_loop=2")}]
    for turn in (1, 2, 3):
        body = {
            "model": full_setup.model,
            "max_tokens": 4000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "tools": [WEATHER],
            "messages": messages,
        }
        if streamed:
            with client.messages.stream(**body) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**body)
        calls = [block for block in message.content if block.type == "tool_use"]
        assert message.stop_reason == ("tool_use" if turn < 3 else "end_turn")
        assert turn == 3 or (message.content[0].signature and len(calls) == 1)
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"} for call in calls]
        messages.append({"role": "assistant", "content": message.content})
        messages.append({"role": "user", "content": results})


class Weather(BaseModel):
    """What a structured answer looks like."""

    city: str
    degrees: float


def test_a_structured_answer_is_parsed_by_its_schema(client, full_setup):
    message = client.messages.parse(
        model=full_setup.model,
        max_tokens=1000,
        messages=[{"role": "user", "content": script("structured")}],
        output_format=Weather,
    )
    assert isinstance(message.parsed_output, Weather)


def test_tokens_are_counted(client, full_setup):
    def count(text: str) -> int:
        question = {"role": "user", "content": text}
        return client.messages.count_tokens(model=full_setup.model, messages=[question]).input_tokens

    assert count("Hello " * 500) > count("Hello") + 400


def test_models_are_listed_page_after_page_and_found(client, full_setup):
    ids = [model.id for model in client.models.list(limit=3)]
    assert len(ids) > 3 and len(set(ids)) == len(ids)
    model = client.models.retrieve(full_setup.model)
    assert model.type == "model" and "claude-haiku-4-5" in model.id
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-nonexistent-9")


def test_files_are_uploaded_read_listed_and_deleted(client, full_setup):
    uploaded = client.files.upload(file=("report.pdf", PDF, "application/pdf"))
    assert (uploaded.filename, uploaded.mime_type, uploaded.size_bytes) == (
        "report.pdf",
        "application/pdf",
        len(PDF),
    )
    assert uploaded.id in [file.id for file in client.files.list()]
    message = client.beta.messages.create(
        model=full_setup.model,
        max_tokens=100,
        betas=["files-api-2025-04-14"],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "document", "source": {"type": "file", "file_id": uploaded.id}},
                    {"type": "text", "text": "What is this?"},
                ],
            }
        ],
    )
    assert "What is this?" in message.content[0].text
    with pytest.raises(anthropic.BadRequestError):
        client.files.download(uploaded.id)
    client.files.delete(uploaded.id)
    with pytest.raises(anthropic.NotFoundError):
        client.files.retrieve_metadata(uploaded.id)


def test_a_file_that_code_made_is_downloaded(client, full_setup):
    message = client.messages.create(
        model=full_setup.model,
        max_tokens=1000,
        tools=[{"type": "code_execution_20250825", "name": "code_execution"}],
        messages=[{"role": "user", "content": script("code_execution")}],
    )
    [result] = [block for block in message.content if block.type.endswith("code_execution_tool_result")]
    [made] = [part for part in result.content.content if part.type.endswith("_output")]
    assert client.files.download(made.file_id).read()


def test_batches_run_and_their_results_come_under_their_ids(client, full_setup):
    def request(custom_id: str, text: str) -> dict:
        question = {"role": "user", "content": text}
        params = {"model": full_setup.model, "max_tokens": 100, "messages": [question]}
        return {"custom_id": custom_id, "params": params}

    batch = client.messages.batches.create(requests=[request("a", "one"), request("b", "two")])

    def ended():
        now = client.messages.batches.retrieve(batch.id)
        return now if now.processing_status == "ended" else None

    now = waiting.until("the batch has ended", ended, limit=20)
    assert now.results_url.startswith(full_setup.address)
    assert now.request_counts.succeeded == 2
    results = {line.custom_id: line.result for line in client.messages.batches.results(batch.id)}
    assert sorted(results) == ["a", "b"]
    assert "one" in results["a"].message.content[0].text
    client.messages.batches.delete(batch.id)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(batch.id)
