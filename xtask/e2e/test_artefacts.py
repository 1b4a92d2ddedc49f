"""What a customer's account is handed: linted, run, and read back: no two of the ways grant different things."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import gateway as gateways
import terraform
from artefacts import CASES, ENABLE_FEDERATION
from aws_cli import Account

FIRST = next(case for case in CASES if str(case) == "inference_only")
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def lint(*templates) -> subprocess.CompletedProcess:
    """cfn-lint, of the same virtual environment, with its informational rules."""
    program = Path(sys.executable).with_name("cfn-lint")
    return subprocess.run(
        [program, "--include-checks", "I", "--", *templates],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_cfn_lint_finds_nothing_in_the_templates():
    said = lint(*(case.path("role.yaml") for case in CASES))
    assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr


def test_cfn_lint_would_find_a_wrong_property_and_an_unknown_action(tmp_path):
    text = FIRST.text("role.yaml")
    broken = tmp_path / "role.yaml"
    broken.write_text(text.replace("MaxSessionDuration", "MaxDuration").replace(":CountTokens", ":CountAll"))
    said = lint(broken)
    assert said.returncode != 0 and "MaxDuration" in said.stdout and "countall" in said.stdout.lower()


@each_case
def test_the_template_carries_the_policies_and_the_command(case):
    template = yaml.safe_load(case.text("role.yaml"))
    properties = template["Resources"]["ClaudePlatformRole"]["Properties"]
    carried = {
        "trust": properties["AssumeRolePolicyDocument"],
        "permission": properties["Policies"][0]["PolicyDocument"],
    }
    assert carried == case.policies and len(properties["Policies"]) == 1
    assert template["Metadata"]["OncePerAccount"] == ENABLE_FEDERATION
    assert template["Outputs"]["OncePerAccount"]["Value"] == ENABLE_FEDERATION
    assert ENABLE_FEDERATION in template["Description"]


@each_case
def test_the_configuration_carries_the_policies(case):
    configuration = terraform.read(case.text("role.tf"))
    (local,) = configuration["locals"]
    assert {name: local[f"{name}_policy"] for name in case.policies} == case.policies
    resources = {type_: arguments for type_, _, arguments in terraform.blocks(configuration, "resource")}
    assert resources["aws_iam_role"]["assume_role_policy"] == "${jsonencode(local.trust_policy)}"
    assert resources["aws_iam_role_policy"]["policy"] == "${jsonencode(local.permission_policy)}"
    federation = resources["aws_iam_outbound_web_identity_federation"]
    assert federation["lifecycle"] == [{"prevent_destroy": True}]
    assert ENABLE_FEDERATION in case.text("role.tf")


@each_case
def test_the_configuration_fits_the_providers_schema_and_is_laid_out(case):
    text = case.text("role.tf")
    assert terraform.complaints(terraform.read(text)) == []
    assert terraform.layout_complaints(text) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("max_session_duration = ", "max_duration         = ", "there is no `max_duration`"),
        ("  assume_role_policy   = jsonencode(local.trust_policy)\n", "", "`assume_role_policy` is required"),
        ("local.permission_policy", "local.policy", "`local.policy` is not declared"),
        ("claude_platform.arn", "claude_platform.arm", "has no `arm`"),
    ],
)
def test_the_schema_finds_what_is_wrong(right, wrong, complaint):
    text = FIRST.text("role.tf")
    assert text.count(right) == 1
    found = terraform.complaints(terraform.read(text.replace(right, wrong)))
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(("right", "wrong"), [("  name   = ", "  name = "), ("      Effect", "     Effect")])
def test_the_layout_finds_what_is_wrong(right, wrong):
    assert terraform.layout_complaints(FIRST.text("role.tf").replace(right, wrong, 1)) != []


# Only where there is a `terraform`: nothing counts as passed that was not run.
if terraform.PROGRAM:

    def test_terraform_fmt_would_change_nothing():
        changes = {str(case): terraform.fmt(case.path("role.tf")) for case in CASES}
        assert changes == {str(case): "" for case in CASES}

    def test_terraform_fmt_would_find_a_wrong_layout(tmp_path):
        (tmp_path / "role.tf").write_text(FIRST.text("role.tf").replace("  name   = ", "  name = "))
        assert "+  name   = " in terraform.fmt(tmp_path / "role.tf")

    def test_terraform_evaluates_the_policies_to_what_they_are(tmp_path):
        evaluated = terraform.evaluate_locals({str(case): case.text("role.tf") for case in CASES}, tmp_path)
        assert evaluated == {str(case): case.policies for case in CASES}


@each_case
def test_the_script_makes_the_role_and_may_be_run_again(case, tmp_path):
    account = Account(tmp_path)
    first = account.run(case.path("role.sh"))
    assert first.returncode == 0, first.stdout + first.stderr
    made = account.state
    (name, role), *others = made["roles"].items()
    assert not others and made["federation"] is True
    assert {"trust": role["trust"], "permission": role["policies"]["claude-platform"]} == case.policies
    properties = yaml.safe_load(case.text("role.yaml"))["Resources"]["ClaudePlatformRole"]["Properties"]
    assert (name, role["path"]) == (properties["RoleName"], properties["Path"])
    assert role["max_session_duration"] == properties["MaxSessionDuration"]
    assert f"role ARN: arn:aws:iam::123456789012:role{role['path']}{name}" in first.stdout

    second = account.run(case.path("role.sh"))
    assert second.returncode == 0, second.stdout + second.stderr
    assert account.state["roles"] == made["roles"]
    assert "enabled before" in second.stdout and "brought up to date" in second.stdout


def test_the_script_brings_an_older_role_up_to_date(tmp_path):
    older = {"path": "/", "description": "", "max_session_duration": 7200, "trust": {}, "policies": {}}
    account = Account(tmp_path, roles={"portcullis-claude": {**older, "tags": {"managed-by": "portcullis"}}})
    assert account.run(FIRST.path("role.sh")).returncode == 0
    role = account.state["roles"]["portcullis-claude"]
    assert role["trust"] == FIRST.policies["trust"] and role["max_session_duration"] == 3600


def test_the_script_leaves_a_role_alone_that_something_else_made(tmp_path):
    theirs = {"path": "/", "description": "", "trust": {}, "policies": {}, "tags": {}}
    account = Account(tmp_path, roles={"portcullis-claude": theirs})
    said = account.run(FIRST.path("role.sh"))
    assert said.returncode == 1 and "not tagged managed-by=portcullis" in said.stderr
    assert account.state["roles"] == {"portcullis-claude": theirs}


def test_the_script_refuses_another_account(tmp_path):
    account = Account(tmp_path, account="210987654321")
    said = account.run(FIRST.path("role.sh"))
    assert said.returncode == 1 and "signed in to account 210987654321" in said.stderr
    assert account.state["commands"] == ["sts get-caller-identity"]


@pytest.mark.parametrize(
    "denied", ["iam enable-outbound-web-identity-federation", "iam create-role", "iam put-role-policy"]
)
def test_the_script_stops_at_what_aws_refuses_and_says_it(denied, tmp_path):
    account = Account(tmp_path, denied=[denied])
    said = account.run(FIRST.path("role.sh"))
    assert said.returncode != 0 and "(AccessDenied)" in said.stderr
    assert account.state["commands"][-1] == denied and "role ARN" not in said.stdout


@each_case
def test_the_policy_of_the_gateway_leads_to_the_role_of_the_next_steps(case):
    (statement,) = case.json("gateway_policy.json")["Statement"]
    (role,) = statement["Resource"]
    configurations = [body["configurations"] for body in case.json("next_steps.json")]
    assert {configuration["aws_role_arn"] for configuration in configurations} == {role}
    (trusted,) = {json.dumps(s["Principal"]) for s in case.policies["trust"]["Statement"]}
    assert re.search(r'"arn:aws[\w-]*:iam::111122223333:(role|user)/portcullis"', trusted)
    asked_for = case.policies["trust"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    sent = [configuration["aws_external_id"] for configuration in configurations]
    assert ([asked_for] if isinstance(asked_for, str) else asked_for) == sent


@each_case
def test_the_next_steps_are_bodies_that_the_admin_api_takes(case, address, admin_key):
    with gateways.admin_client(address, admin_key) as admin:
        for body in json.loads(case.text("next_steps.json").replace("ACCOUNT_ID", "123456789012")):
            created = admin.post("/v1/integrations", json=body)
            assert created.status_code == 200, created.text
            path = f"/v1/integrations/{created.json()['slug']}"
            kept = admin.get(path).json()["configurations"]
            assert {name: kept[name] for name in body["configurations"]} == body["configurations"]
            assert admin.delete(path).status_code == 200
