"""The `portkey-ai` client: what a platform team automates, and what its developers send."""

import json
import uuid

import pytest
from portkey_ai import Portkey
from portkey_ai.api_resources import exceptions

import waiting
from emulator import WORLD, script
from gateway import MODEL, integration_body
from media import PDF

WORKSPACE = "ws-default"
# Its chat raises errors of an `openai` of its own, which have no public name; a test looks at their status.
CHAT_ERROR = Exception


@pytest.fixture(scope="module")
def admin(address, admin_key):
    return Portkey(api_key=admin_key, base_url=f"{address}/v1")


@pytest.fixture(scope="module")
def developer(setup):
    return Portkey(api_key=setup.key, base_url=setup.v1)


@pytest.fixture
def integration(admin):
    """An integration of this test's own."""
    slug = admin.integrations.create(**integration_body()).slug
    yield slug
    try:
        admin.integrations.delete(slug=slug)
    except exceptions.NotFoundError:
        pass  # The test has deleted it.


@pytest.fixture
def provider(admin, integration):
    """A provider of this test's own."""
    slug = f"claude-{uuid.uuid4().hex[:12]}"
    admin.providers.create(name=slug, slug=slug, integration_id=integration, workspace_id=WORKSPACE)
    yield slug
    try:
        admin.providers.delete(slug=slug, workspace_id=WORKSPACE)
    except exceptions.NotFoundError:
        pass


def test_an_integration_is_created_and_read_back(admin):
    body = integration_body(description="for the data team")
    created = admin.integrations.create(**body)
    assert created.slug == body["slug"] and created.id
    read = admin.integrations.retrieve(slug=created.slug)
    assert (read.name, read.ai_provider_id, read.status) == (body["name"], "claude-platform-aws", "active")
    assert read.description == "for the data team"
    assert read.configurations["aws_role_arn"] == WORLD.role_arn
    assert read.configurations["aws_external_id"] == body["configurations"]["aws_external_id"]
    assert read.configurations["anthropic_aws_workspace_id"] == WORLD.workspace
    admin.integrations.delete(slug=created.slug)


def test_an_external_id_is_made_when_none_is_given(admin):
    body = integration_body()
    del body["configurations"]["aws_external_id"]
    slug = admin.integrations.create(**body).slug
    assert admin.integrations.retrieve(slug=slug).configurations["aws_external_id"].startswith("pcs-")
    admin.integrations.delete(slug=slug)


def test_integrations_are_listed(admin, integration):
    listed = admin.integrations.list(page_size=100)
    assert listed.total >= 1
    assert integration in [entry.slug for entry in listed.data] or listed.total > 100


def test_an_integration_is_changed_and_keeps_what_was_not_named(admin, integration):
    before = admin.integrations.retrieve(slug=integration)
    admin.integrations.update(slug=integration, name="renamed", description="changed")
    after = admin.integrations.retrieve(slug=integration)
    assert (after.name, after.description) == ("renamed", "changed")
    assert after.configurations == before.configurations


def test_a_deleted_integration_is_gone(admin, integration):
    admin.integrations.delete(slug=integration)
    with pytest.raises(exceptions.NotFoundError):
        admin.integrations.retrieve(slug=integration)


def test_an_integration_in_use_is_not_deleted(admin, integration, provider):
    with pytest.raises(exceptions.ConflictError):
        admin.integrations.delete(slug=integration)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("aws_role_arn", "arn:aws:iam::123:role/x"),
        ("aws_region", "the moon"),
        ("anthropic_aws_workspace_id", "workspace"),
        ("aws_auth_type", "password"),
    ],
)
def test_an_invalid_field_is_refused_by_name(admin, field, value):
    with pytest.raises(exceptions.BadRequestError) as raised:
        admin.integrations.create(**integration_body(configurations={field: value}))
    assert field in raised.value.response.text


def test_a_slug_is_taken_once(admin, integration):
    with pytest.raises(exceptions.ConflictError):
        admin.integrations.create(**integration_body(slug=integration))


def test_a_provider_is_created_changed_and_deleted(admin, integration):
    slug = f"claude-{uuid.uuid4().hex[:12]}"
    created = admin.providers.create(
        name="Claude", slug=slug, integration_id=integration, workspace_id=WORKSPACE, note="first"
    )
    assert created.slug == slug
    read = admin.providers.retrieve(slug=slug, workspace_id=WORKSPACE)
    assert (read.name, read.note, read.status) == ("Claude", "first", "active")
    admin.providers.update(slug=slug, name="Claude 2", workspace_id=WORKSPACE)
    assert admin.providers.retrieve(slug=slug, workspace_id=WORKSPACE).name == "Claude 2"
    assert slug in [entry.slug for entry in admin.providers.list(workspace_id=WORKSPACE, page_size=100).data]
    admin.providers.delete(slug=slug, workspace_id=WORKSPACE)
    with pytest.raises(exceptions.NotFoundError):
        admin.providers.retrieve(slug=slug, workspace_id=WORKSPACE)


def test_a_key_is_shown_once_listed_masked_and_revoked(admin, setup):
    made = admin.api_keys.create(
        type="workspace", sub_type="service", name="ci", workspace_id=WORKSPACE, scopes=["completions.write"]
    )
    assert made.key.startswith("pcs_") and made.id
    listed = admin.api_keys.list(workspace_id=WORKSPACE, page_size=100)
    [entry] = [entry for entry in listed.data if entry["id"] == made.id]
    assert entry["name"] == "ci" and made.key not in str(entry)
    assert made.key not in str(admin.api_keys.retrieve(id=made.id))
    client = Portkey(api_key=made.key, base_url=setup.v1)
    question = {
        "model": setup.model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    assert client.chat.completions.create(**question).choices[0].message.content
    admin.api_keys.delete(id=made.id)
    with pytest.raises(CHAT_ERROR) as raised:
        client.chat.completions.create(**question)
    assert raised.value.status_code == 401


def test_a_developers_key_may_not_administer(developer):
    with pytest.raises(exceptions.PermissionDeniedError):
        developer.integrations.create(**integration_body())


def test_an_admin_key_may_not_ask_claude(admin, setup):
    with pytest.raises(CHAT_ERROR) as raised:
        admin.chat.completions.create(
            model=setup.model, max_tokens=50, messages=[{"role": "user", "content": "Hello"}]
        )
    assert raised.value.status_code == 403


def test_a_chat_is_answered(developer, setup):
    completion = developer.chat.completions.create(
        model=setup.model, max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    )
    assert completion.choices[0].message.content
    assert completion.get_headers()["trace-id"]


def test_a_provider_may_stand_in_a_header(setup):
    client = Portkey(api_key=setup.key, base_url=setup.v1, provider=f"@{setup.provider}")
    completion = client.chat.completions.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    )
    assert completion.choices[0].message.content


def test_a_chat_is_streamed(developer, setup):
    chunks = developer.chat.completions.create(
        model=setup.model, max_tokens=100, stream=True, messages=[{"role": "user", "content": "Hello"}]
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_messages_go_through_its_generic_post(developer, setup):
    answer = developer.post(
        "/messages", model=setup.model, max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.type == "message"


def test_a_failure_is_sent_once_and_not_twice(developer, setup, emulator):
    before = len(emulator.questions())
    with pytest.raises(exceptions.InternalServerError):
        developer.post(
            "/messages",
            model=setup.model,
            max_tokens=100,
            messages=[{"role": "user", "content": script("529")}],
        )
    assert len(emulator.questions()) == before + 1


@pytest.fixture(scope="module")
def named(full_setup):
    """A developer whose client says which provider it means, for requests without a model."""
    return Portkey(api_key=full_setup.key, base_url=full_setup.v1, provider=f"@{full_setup.provider}")


def test_content_blocks_are_told_to_whoever_asks_for_more_than_compliance(developer, setup):
    completion = developer.chat.completions.create(
        model=setup.model, max_tokens=1000, messages=[{"role": "user", "content": script("thinking")}]
    )
    blocks = completion.model_dump()["choices"][0]["message"]["content_blocks"]
    assert [block["type"] for block in blocks] == ["thinking", "text"]
    assert blocks[0]["signature"]


def test_files_are_uploaded_found_and_deleted(named):
    file = named.files.create(file=("report.pdf", PDF, "application/pdf"), purpose="user_data")
    assert named.files.retrieve(file.id).filename == "report.pdf"
    assert named.files.delete(file.id).deleted


def test_a_batch_runs_and_has_an_output(named, full_setup):
    question = {"role": "user", "content": "one"}
    body = {"model": full_setup.model, "max_tokens": 100, "messages": [question]}
    url = "/v1/chat/completions"
    line = json.dumps({"custom_id": "ask-1", "method": "POST", "url": url, "body": body})
    file = named.files.create(file=("batch.jsonl", line.encode()), purpose="batch")
    batch = named.batches.create(completion_window="24h", endpoint=url, input_file_id=file.id)

    def over():
        now = named.batches.retrieve(batch.id)
        return now if now.status in {"completed", "failed", "expired", "cancelled"} else None

    now = waiting.until("the batch is over", over, limit=30)
    assert now.status == "completed", now.errors
    [line] = [json.loads(line) for line in named.files.content(now.output_file_id).text.splitlines()]
    assert line["custom_id"] == "ask-1"
    assert "one" in line["response"]["body"]["choices"][0]["message"]["content"]
