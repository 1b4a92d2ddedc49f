"""The `openai` client beside answers: models, files and batches."""

import json

import openai
import pytest

import waiting
from media import PDF


@pytest.fixture(scope="module")
def client(full_setup):
    # Requests without a model say where they go.
    headers = {"x-portkey-provider": f"@{full_setup.provider}"}
    with openai.OpenAI(
        api_key=full_setup.key, base_url=full_setup.v1, max_retries=0, timeout=30, default_headers=headers
    ) as client:
        yield client


def test_models_are_listed_and_found_by_the_names_they_are_asked_with(client, full_setup):
    with openai.OpenAI(api_key=full_setup.key, base_url=full_setup.v1, max_retries=0) as open_client:
        # To whoever names no provider, the provider is a part of the name.
        listed = {model.id: model for model in open_client.models.list()}
    assert listed[full_setup.model].owned_by == "anthropic"
    assert "claude-haiku-4-5" in [model.id for model in client.models.list()]
    assert client.models.retrieve(full_setup.model).id == full_setup.model
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve(f"@{full_setup.provider}/claude-nonexistent-9")
    assert raised.value.code == "model_not_found"


def test_files_are_uploaded_read_listed_and_deleted(client, full_setup):
    file = client.files.create(file=("report.pdf", PDF, "application/pdf"), purpose="user_data")
    assert (file.object, file.filename, file.bytes) == ("file", "report.pdf", len(PDF))
    assert file.id in [listed.id for listed in client.files.list()]
    parts = [{"type": "text", "text": "What is this?"}, {"type": "file", "file": {"file_id": file.id}}]
    completion = client.chat.completions.create(
        model=full_setup.model, max_tokens=100, messages=[{"role": "user", "content": parts}]
    )
    assert "What is this?" in completion.choices[0].message.content
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_batches_run_and_their_results_come_in_the_order_of_the_input(client, full_setup):
    def line(custom_id: str, text: str, **more) -> str:
        question = {"role": "user", "content": text}
        body = {"model": full_setup.model, "max_tokens": 100, "messages": [question], **more}
        url = "/v1/chat/completions"
        return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body})

    lines = [line("ask/1", "one"), line("cannot be", "Hello", n=2), line("ask/2", "two")]
    file = client.files.create(file=("batch.jsonl", "\n".join(lines).encode()), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )

    def over():
        now = client.batches.retrieve(batch.id)
        return now if now.status in {"completed", "failed", "expired", "cancelled"} else None

    now = waiting.until("the batch is over", over, limit=30)
    assert now.status == "completed", now.errors
    counts = now.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    output = [json.loads(line) for line in client.files.content(now.output_file_id).text.splitlines()]
    assert [line["custom_id"] for line in output] == ["ask/1", "ask/2"]
    assert "two" in output[1]["response"]["body"]["choices"][0]["message"]["content"]
    [error] = [json.loads(line) for line in client.files.content(now.error_file_id).text.splitlines()]
    assert (error["custom_id"], error["response"]["body"]["error"]["param"]) == ("cannot be", "n")
