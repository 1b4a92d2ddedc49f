"""A stand-in for the AWS CLI: the IAM commands of the script for a customer's account, on an account in a file.

Run as a program it is the CLI. In a test, [`Account`] is the account and puts the program on a path.
"""

import json
import os
import subprocess
import sys
from pathlib import Path


class Account:
    """An AWS account: its roles, whether federation is enabled, and which commands have been run on it."""

    def __init__(self, folder: Path, account: str = "123456789012", **state):
        self._file, self._bin = folder / "account.json", folder / "bin"
        self._bin.mkdir()
        program = self._bin / "aws"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
        program.chmod(0o755)
        start = {"account": account, "roles": {}, "federation": False, "commands": [], "denied": []}
        self._file.write_text(json.dumps({**start, **state}))

    @property
    def state(self) -> dict:
        return json.loads(self._file.read_text())

    def run(self, script: Path) -> subprocess.CompletedProcess:
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "STAND_IN_ACCOUNT": str(self._file)}
        return subprocess.run(
            ["bash", script], env=environment, capture_output=True, text=True, timeout=60, check=False
        )


class Refused(Exception):
    pass


def _refuse(operation: str, code: str):
    raise Refused(f"An error occurred ({code}) when calling `{operation}`: refused by the stand-in")


def _answer(state: dict, command: str, options: dict[str, str]):
    """Changes the account as the command asks; returns what the CLI prints."""
    role = state["roles"].get(options.get("role-name"))
    if command in state["denied"]:
        _refuse(command, "AccessDenied")
    match command:
        case "sts get-caller-identity":
            return state["account"]
        case "iam enable-outbound-web-identity-federation":
            if state["federation"]:
                _refuse(command, "FeatureEnabled")
            state["federation"] = True
            return json.dumps({"IssuerIdentifier": "https://issuer.example"})
        case "iam create-role":
            if role:
                _refuse(command, "EntityAlreadyExists")
            state["roles"][options["role-name"]] = {
                "path": options["path"],
                "description": options["description"],
                "max_session_duration": int(options["max-session-duration"]),
                "trust": json.loads(options["assume-role-policy-document"]),
                "tags": dict([tuple(part.split("=", 1)[1] for part in options["tags"].split(","))]),
                "policies": {},
            }
            return "{}"
        case "iam list-role-tags":
            return role["tags"].get("managed-by", "")
        case "iam update-assume-role-policy":
            role["trust"] = json.loads(options["policy-document"])
        case "iam update-role":
            role["description"] = options["description"]
            role["max_session_duration"] = int(options["max-session-duration"])
            return "{}"
        case "iam put-role-policy":
            role["policies"][options["policy-name"]] = json.loads(options["policy-document"])
        case "iam get-role":
            return f"arn:aws:iam::{state['account']}:role{role['path']}{options['role-name']}"
        case _:
            raise Refused(f"the stand-in does not know `{command}`")
    return ""


def main(file: Path, words: list[str]) -> int:
    command, rest = " ".join(words[:2]), words[2:]
    options = {name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2], strict=True)}
    state = json.loads(file.read_text())
    state["commands"].append(command)
    try:
        said, status = _answer(state, command, options), 0
        print(said, end="\n" if said else "")
    except Refused as refused:
        print(refused, file=sys.stderr)
        status = 254
    file.write_text(json.dumps(state))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(os.environ["STAND_IN_ACCOUNT"]), sys.argv[1:]))
