"""What the documents tell a reader to type: it is typed here, and must do what they say."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import documents
from emulator import script

# What blocks are run as, by the two tests below that follow README.md and docs/openai.md.
RUN = {"register", "verify", "provider", "ask", "python"}
RUN_WITH_OPENAI = {"openai-thinking", "openai-responses", "openai-batch"}
# Answers other than 2xx end a block.
CAREFUL = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'


def run(block: documents.Block, variables: dict[str, str]) -> str:
    """What a block prints when a reader pastes it."""
    command = {"sh": ["bash", "-c", CAREFUL + block.text], "python": [sys.executable, "-c", block.text]}
    said = subprocess.run(
        command[block.language],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.returncode == 0, f"{block}: {said.stdout}{said.stderr}"
    return said.stdout


def first_json(text: str) -> tuple[dict, str]:
    """The JSON value that a text begins with, and the rest of the text."""
    text = text.lstrip()
    value, end = json.JSONDecoder().raw_decode(text)
    return value, text[end:]


def test_the_readme_is_followed_from_top_to_bottom(launcher, emulator):
    block = {b.name: b for b in documents.blocks() if b.document == "README.md" and b.name}
    gateway = launcher.start()
    variables = {"PORTCULLIS": gateway.address, "PORTCULLIS_ADMIN_KEY": gateway.admin_key}

    integration, rest = first_json(run(block["register"], variables))
    external_id = integration["configurations"]["aws_external_id"]
    assert integration["slug"] == "claude-on-aws" and external_id.startswith("pcs-") and not rest.strip()

    with emulator.trusting(external_id):
        artefacts, rest = first_json(run(block["verify"], variables))
        assert external_id in json.dumps(artefacts["trust_policy"]) and artefacts["cli"]
        verdict, rest = first_json(rest)
        assert verdict["status"] == "verified" and not rest.strip(), verdict

    provider, rest = first_json(run(block["provider"], variables))
    key, rest = first_json(rest)
    assert provider["slug"] == "claude-aws" and provider["id"] and not rest.strip()
    assert key["id"] and key["key"].startswith("pcs_")
    variables["PORTCULLIS_KEY"] = key["key"]

    with emulator.trusting(external_id):
        completion, stream = first_json(run(block["ask"], variables))
        assert completion["choices"][0]["message"]["content"]
        events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
        assert events[0]["type"] == "message_start" and events[-1] == {"type": "message_stop"}
        text = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
        assert text == completion["choices"][0]["message"]["content"]
        assert run(block["python"], variables).strip() == text


@pytest.mark.parametrize("name", sorted(RUN_WITH_OPENAI))
def test_the_examples_with_openais_client_run(full_setup, name):
    [block] = [b for b in documents.blocks() if b.name == name]
    # The provider of the documents has another name here.
    block = dataclasses.replace(block, text=block.text.replace("@claude-aws/", f"@{full_setup.provider}/"))
    variables = {"PORTCULLIS": full_setup.address, "PORTCULLIS_KEY": full_setup.key}
    said = run(block, {**variables, "QUESTION": script("tool_loop=2")})
    if name == "openai-batch":
        assert said.splitlines() == ["completed 3", "question 0", "question 1", "question 2"]
    else:
        assert said.strip()


def test_the_demo_is_whole_on_a_new_database_and_on_one_it_knows(launcher):
    command = [os.environ["PORTCULLIS_E2E_XTASK"], "demo", "--once", "--skip-build"]
    url = {"DATABASE_URL": launcher.database_url} if launcher.database_url else {}
    try:
        for _ in range(2):
            said = subprocess.run(
                command, env={**os.environ, **url}, capture_output=True, text=True, timeout=60
            )
            assert said.returncode == 0, said.stdout + said.stderr
            assert "What the stand-in for AWS verified" in said.stdout
    finally:
        # The secrets of a lasting database, which this one is not.
        for name in (address.rpartition("/")[2].replace("_", "-") for address in url.values()):
            for folder in Path(os.environ["PORTCULLIS_E2E_BINARY"]).parents[1].glob(f"demo/*{name}"):
                shutil.rmtree(folder)


def typed(start: str) -> list[tuple[str, list[str]]]:
    """The commands of the documents that start like this: where each stands, and the words that follow."""
    words = start.split()
    commands = documents.commands()
    found = [(where, line[len(words) :]) for where, line in commands if line[: len(words)] == words]
    assert found, f"no document says `{start}`"
    return found


def test_every_block_that_asks_a_server_is_run():
    blocks = documents.blocks()
    marked = sorted(b.name for b in blocks if b.name)
    assert marked == sorted(RUN | RUN_WITH_OPENAI), "each mark needs a test, and each test its block"
    assert [str(b) for b in blocks if "curl " in b.text and not b.name] == []


@pytest.mark.parametrize(
    ("start", "program"),
    [
        ("cargo xtask", os.environ["PORTCULLIS_E2E_XTASK"]),
        ("portcullis", os.environ["PORTCULLIS_E2E_BINARY"]),
        ("./target/release/portcullis", os.environ["PORTCULLIS_E2E_BINARY"]),
    ],
)
def test_every_command_of_ours_exists(start, program):
    """Its help is asked for, since a wrong name or option has none."""
    for where, words in typed(start):
        first_option = next((at for at, word in enumerate(words) if word[0] in "-<"), len(words))
        said = subprocess.run(
            [program, *words[:first_option], "--help"], capture_output=True, text=True, timeout=30
        )
        assert said.returncode == 0, f"{where}: `{start} {' '.join(words)}`: {said.stderr}"
        for option in (word for word in words if word.startswith("--")):
            assert option in said.stdout, f"{where}: `{start} {' '.join(words)}`"


def test_every_compose_command_names_what_there_is():
    services = re.findall(r"(?m)^  (\w+):$", (documents.ROOT / "docker-compose.yml").read_text())
    for where, (verb, *arguments) in typed("docker compose"):
        assert verb in {"up", "down", "logs", "build", "pull", "ps"}, where
        assert all(name in services for name in arguments if not name.startswith("-")), where
