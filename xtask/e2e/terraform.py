"""Terraform configurations, as far as they can be judged without the AWS provider's plugin.

`terraform validate` needs the plugin, hundreds of megabytes from Terraform's own registry. What it would find is
looked for here: arguments against the provider's documentation, references against what is declared. `terraform`
itself, where there is one, judges the layout and evaluates the policies, neither of which needs a plugin.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import hcl2

PROGRAM = shutil.which("terraform")

# Arguments of the resources and data sources that we use: required, optional.
# Source: documentation of the AWS provider.
ARGUMENTS = {
    "aws_iam_role": (
        {"assume_role_policy"},
        {"name", "path", "description", "max_session_duration", "permissions_boundary", "tags"},
    ),
    "aws_iam_role_policy": ({"role", "policy"}, {"name"}),
    "aws_iam_outbound_web_identity_federation": (set(), set()),
    "aws_caller_identity": (set(), set()),
}
ATTRIBUTES = {
    "aws_iam_role": {"arn", "id", "name", "unique_id"},
    "aws_caller_identity": {"account_id", "arn", "id", "user_id"},
}
META_ARGUMENTS = {"count", "lifecycle"}
_REFERENCE = re.compile(r"\b(var|local|data\.\w+|aws_\w+)\.(\w+)(?:\.(\w+))?")


def read(text: str) -> dict:
    """A configuration as plain values: texts without their quotes, expressions as `${…}`."""
    return _plain(hcl2.loads(text))


def _plain(value):
    if isinstance(value, dict):
        return {_plain(key): _plain(inner) for key, inner in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str) and value.startswith('"'):
        return json.loads(value).replace("$${", "${").replace("%%{", "%{")
    return value


def blocks(configuration: dict, kind: str):
    """Each block of `resource` or `data`, as `(type, name, arguments)`."""
    for block in configuration.get(kind, []):
        for type_, named in block.items():
            for name, arguments in named.items():
                yield type_, name, arguments


def complaints(configuration: dict) -> list[str]:
    """What `terraform validate` would find wrong."""
    found, declared = [], _declared(configuration)
    for kind in ("resource", "data"):
        for type_, name, arguments in blocks(configuration, kind):
            required, optional = ARGUMENTS[type_]
            given = set(arguments) - META_ARGUMENTS
            found += [f"{type_}.{name}: `{lacking}` is required" for lacking in required - given]
            found += [f"{type_}.{name}: there is no `{other}`" for other in given - required - optional]
    for space, name, attribute in _REFERENCE.findall(json.dumps(configuration)):
        type_ = space.removeprefix("data.")
        if (space, name) not in declared:
            found.append(f"`{space}.{name}` is not declared")
        elif type_ in ATTRIBUTES and attribute not in ATTRIBUTES[type_]:
            found.append(f"`{space}.{name}` has no `{attribute}`")
    return found


def _declared(configuration: dict) -> set[tuple[str, str]]:
    variables = {("var", name) for block in configuration.get("variable", []) for name in block}
    local = {("local", name) for block in configuration.get("locals", []) for name in block}
    resources = {(type_, name) for type_, name, _ in blocks(configuration, "resource")}
    data = {(f"data.{type_}", name) for type_, name, _ in blocks(configuration, "data")}
    return variables | local | resources | data


def layout_complaints(text: str) -> list[str]:
    """Lines that `terraform fmt` would indent by their depth, or align with their neighbours."""
    found, depth, group = [], 0, []
    for at, line in enumerate([*text.splitlines(), ""], start=1):
        bare = line.strip()
        depth -= bool(re.match(r"[}\])]", bare))
        if line != ("  " * depth + bare if bare else ""):
            found.append(f"line {at} is not indented by {2 * depth}")
        key = re.match(r'(\s*(?:"[^"]*"|[\w-]+) +)= \S', line)
        if key and not bare.endswith(("{", "[")):
            group.append((at, key[1]))
        else:
            width = max((len(key.rstrip()) for _, key in group), default=0)
            found += [f"line {at} is not aligned" for at, key in group if len(key) != width + 1]
            group = []
        depth += bare.endswith(("{", "[")) and not bare.startswith("#")
    ends_well = text.endswith("\n") and not text.endswith("\n\n")
    return found if ends_well else [*found, "the end is not one line's"]


def fmt(path: Path) -> str:
    """What `terraform fmt` would change."""
    return subprocess.run(
        [PROGRAM, "fmt", "-check", "-diff", "-no-color", path], capture_output=True, text=True, timeout=60
    ).stdout


def evaluate_locals(configurations: dict[str, str], folder: Path) -> dict[str, dict]:
    """What Terraform itself makes of the policies of each configuration, by the configuration's name."""
    root = []
    for name, text in configurations.items():
        (folder / name).mkdir()
        own = re.search(r"^locals \{\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)[0]
        values = "trust = jsonencode(local.trust_policy), permission = jsonencode(local.permission_policy)"
        (folder / name / "main.tf").write_text(f'{own}output "policies" {{\n  value = {{ {values} }}\n}}\n')
        root.append(f'module "{name}" {{\n  source = "./{name}"\n}}\n')
        root.append(f'output "{name}" {{\n  value = module.{name}.policies\n}}\n')
    (folder / "main.tf").write_text("".join(root))
    for arguments in (["init", "-input=false"], ["apply", "-input=false", "-auto-approve"]):
        _run(arguments, folder)
    outputs = json.loads(_run(["output", "-json"], folder))
    return {
        name: {which: json.loads(text) for which, text in output["value"].items()}
        for name, output in outputs.items()
    }


def _run(arguments: list[str], folder: Path) -> str:
    said = subprocess.run(
        [PROGRAM, *arguments, *([] if "-json" in arguments else ["-no-color"])],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said.returncode == 0, f"terraform {arguments}: {said.stdout}{said.stderr}"
    return said.stdout
