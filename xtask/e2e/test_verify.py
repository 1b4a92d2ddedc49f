"""`POST /v1/integrations/{slug}/verify`, each step passing and failing, as whoever asks reads it: what was seen, what
it means, and what to do."""

import json
import uuid

import httpx
import pytest

from customers import SERVICE, TOKEN, Customer, allow, deny, policy
from emulator import WORLD, Emulator

STEPS = [
    "source_identity",
    "sts_reachable",
    "assume_role",
    "refused_without_external_id",
    "refused_with_wrong_external_id",
    "session_length",
    "endpoint_resolves",
    "federation_enabled",
    "workspace_exists",
    "list_models",
    "count_tokens",
    "inference",
]
TRUST_STEPS = STEPS[:6]
GATEWAY = "arn:aws:iam::111122223333:user/portcullis-gateway"


class Verified:
    """A verification, as the API tells it."""

    def __init__(self, answer: dict):
        self.answer = answer
        self.status = answer["status"]
        self.steps = {step["step"]: step for step in answer["steps"]}
        assert list(self.steps) == STEPS

    def __getitem__(self, step: str) -> dict:
        return self.steps[step]

    def statuses(self, *steps: str) -> set[str]:
        return {self.steps[step]["status"] for step in steps}

    def check_failed(self, step: str, code: str) -> str:
        """This step failed, none before it did; its fix."""
        failed = [name for name in STEPS if self.steps[name]["status"] == "failed"]
        assert failed and failed[0] == step, self.answer
        report = self.steps[step]
        assert report["code"] == code, report
        assert report["cause"] and report["evidence"], report
        return report["fix"]


@pytest.fixture
def admin(address, admin_key):
    # A refusal to assume a role is not believed for a while.
    headers = {"x-portkey-api-key": admin_key}
    with httpx.Client(base_url=address, headers=headers, timeout=90, trust_env=False) as client:
        yield client


def integrate(admin: httpx.Client, configurations: dict) -> str:
    slug = f"int-{uuid.uuid4().hex[:12]}"
    body = {"name": slug, "slug": slug, "ai_provider_id": "claude-platform-aws"}
    answer = admin.post("/v1/integrations", json={**body, "configurations": configurations})
    assert answer.status_code == 200, answer.text
    return slug


@pytest.fixture
def verify(admin, emulator: Emulator):
    """What comes of verifying a customer's integration, inference included."""

    def ask(customer: Customer, **configurations) -> Verified:
        customer.settle(emulator)
        slug = integrate(admin, {**customer.configurations(), **configurations})
        answer = admin.post(f"/v1/integrations/{slug}/verify", json={"inference": True})
        assert answer.status_code == 200, answer.text
        return checked(Verified(answer.json()))

    return ask


def checked(verified: Verified) -> Verified:
    """No secret is in it."""
    everything = json.dumps(verified.answer)
    assert "IQoJb3JpZ2lu" not in everything and "emulator/only/not/a/real" not in everything
    return verified


def events(admin: httpx.Client, slug: str) -> list[tuple[str, dict]]:
    """The events of a verification, as they come."""
    told = []
    accept = {"accept": "text/event-stream"}
    with admin.stream("POST", f"/v1/integrations/{slug}/verify", headers=accept) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = None
        for line in answer.iter_lines():
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            elif line.startswith("data:"):
                told.append((name, json.loads(line.removeprefix("data:"))))
    return told


def without(action: str) -> dict:
    """The permissions of a customer that works, but for this action."""
    actions = ["GetWorkspace", "ListModels", "CountTokens", "CreateInference"]
    return policy(allow([f"{SERVICE}:{name}" for name in actions if name != action]), allow(TOKEN))


def trusting(*conditions: dict) -> dict:
    """A role that lets the gateway in by any of these conditions."""
    let_in = {"Effect": "Allow", "Principal": {"AWS": GATEWAY}, "Action": "sts:AssumeRole"}
    return {"trust_policy": policy(*({**let_in, **condition} for condition in conditions))}


def test_every_step_passes_for_a_customer_who_has_done_it_all(verify):
    customer = Customer()
    verified = verify(customer)
    assert verified.status == "verified", verified.answer
    assert verified.statuses(*STEPS) == {"passed"}
    assert verified.answer["unsafe"] is False and verified.answer["external_id_enforced"] is True
    assert verified.answer["external_id"] == "enforced"
    assert "environment" in verified["source_identity"]["evidence"]
    assert GATEWAY in verified["sts_reachable"]["evidence"]
    session = f"arn:aws:sts::{customer.account}:assumed-role/{customer.role}/"
    assert session in verified["assume_role"]["evidence"]
    for step in ("refused_without_external_id", "refused_with_wrong_external_id"):
        assert "is not authorized to perform: sts:AssumeRole" in verified[step]["evidence"]
        assert verified[step]["aws_request_id"]
    assert "3600 s were asked for" in verified["session_length"]["evidence"]
    assert "answers" in verified["endpoint_resolves"]["evidence"]
    assert customer.workspace in verified["workspace_exists"]["evidence"]
    assert "18 model(s), the first is `claude-" in verified["list_models"]["evidence"]
    assert "tokens" in verified["count_tokens"]["evidence"]
    assert verified["inference"]["request_id"].startswith("req_")


def test_steps_are_streamed_in_their_order_and_the_verdict_comes_last(admin, emulator):
    customer = Customer().settle(emulator)
    slug = integrate(admin, customer.configurations())
    told = events(admin, slug)
    assert [data["step"] for name, data in told if name == "step"] == STEPS
    assert told[-1][0] == "done"
    assert told[-1][1]["status"] == "verified"
    # It costs, and was not asked for.
    assert told[-2][1]["status"] == "skipped" and "not asked for" in told[-2][1]["evidence"]


def test_the_verdict_stands_beside_the_integration(admin, emulator):
    customer = Customer(of_role=trusting({})).settle(emulator)
    slug = integrate(admin, customer.configurations())
    path = f"/v1/integrations/{slug}"
    assert admin.get(path).json()["verification"]["status"] == "unverified"
    admin.post(f"{path}/verify", json={}).raise_for_status()
    assert admin.get(path).json()["verification"]["status"] == "unsafe"
    last = admin.get(f"{path}/verification").json()
    assert last["status"] == "unsafe"
    assert [step["step"] for step in last["report"]["steps"]] == STEPS


def test_a_gateway_without_an_identity_fails_first(launcher):
    nobody = launcher.start(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true", HOME="/nonexistent"
    )
    headers = {"x-portkey-api-key": nobody.admin_key}
    with httpx.Client(base_url=nobody.address, headers=headers, timeout=90, trust_env=False) as admin:
        slug = integrate(admin, Customer().configurations())
        verified = Verified(admin.post(f"/v1/integrations/{slug}/verify", json={}).json())
    fix = verified.check_failed("source_identity", "aws_source_unavailable")
    assert "AWS_ACCESS_KEY_ID" in fix
    assert verified.status == "failing"
    assert verified.statuses(*TRUST_STEPS[1:]) == {"skipped"}
    assert verified["endpoint_resolves"]["status"] == "passed"


def test_an_sts_that_is_away_fails_its_step(verify, emulator):
    customer = Customer(region="ap-southeast-4")
    with emulator.with_sts("unavailable", customer.region):
        verified = verify(customer)
    fix = verified.check_failed("sts_reachable", "aws_sts_unavailable")
    assert "STS endpoint" in fix
    assert "Service is currently unavailable." in verified["sts_reachable"]["evidence"]
    assert verified.statuses("assume_role", "refused_without_external_id", "inference") == {"skipped"}


def test_a_role_that_trusts_somebody_else_is_not_assumed_and_the_waiting_is_told(admin, emulator):
    customer = Customer(trusted="arn:aws:iam::111122223333:user/somebody-else").settle(emulator)
    slug = integrate(admin, customer.configurations())
    told = events(admin, slug)
    waits = [data for name, data in told if name == "waiting"]
    assert waits and all(wait["step"] == "assume_role" for wait in waits)
    assert "just made or changed" in waits[0]["reason"]
    verified = Verified(told[-1][1])
    fix = verified.check_failed("assume_role", "aws_assume_role_denied")
    assert GATEWAY in fix and "sts:ExternalId" in fix
    assert customer.role_arn in verified["assume_role"]["evidence"]
    skipped = verified["refused_without_external_id"]
    assert verified.answer["external_id"] == "not_told"
    assert skipped["status"] == "skipped" and "would prove nothing" in skipped["evidence"]


def test_a_role_that_aws_has_not_heard_of_yet_is_waited_for(admin, emulator):
    customer = Customer(region="eu-south-2").settle(emulator)
    slug = integrate(admin, customer.configurations())
    emulator.put("sts", {"mode": "access_denied", "regions": [customer.region], "times": 3})
    told = events(admin, slug)
    waits = [(data["step"], data["wait_ms"]) for name, data in told if name == "waiting"]
    of_role = [wait for step, wait in waits if step == "assume_role"]
    assert of_role in ([1000, 2000], [1000, 2000, 4000])
    # What is proven of a new role is proven again and again, and once more before long.
    assert [wait for step, wait in waits if step == "refused_without_external_id"] == [5000, 5000]
    verdict = told[-1][1]
    assert verdict["status"] == "verified", told
    assert verdict["verify_again_soon"] is True
    assert "in 3 rounds" in Verified(verdict)["refused_with_wrong_external_id"]["evidence"]


def test_a_role_that_is_assumed_without_the_external_id_is_unsafe(verify):
    customer = Customer(of_role=trusting({}))
    verified = verify(customer)
    fix = verified.check_failed("refused_without_external_id", "external_id_not_enforced")
    assert f'"Condition": {{"StringEquals":{{"sts:ExternalId":"{customer.external_id}"}}}}' in fix
    assert customer.role_arn in fix
    assert verified.status == "unsafe" and verified.answer["unsafe"] is True
    assert verified.answer["external_id_enforced"] is False


def test_a_role_that_takes_any_external_id_is_unsafe(verify):
    verified = verify(Customer(of_role=trusting({"Condition": {"StringLike": {"sts:ExternalId": "*"}}})))
    assert verified["refused_without_external_id"]["status"] == "passed"
    verified.check_failed("refused_with_wrong_external_id", "external_id_not_enforced")
    assert verified.status == "unsafe"


def test_a_role_that_takes_any_external_id_of_ours_is_unsafe(verify):
    like_ours = trusting({"Condition": {"StringLike": {"sts:ExternalId": "pcs-*"}}})
    verified = verify(Customer(external_id=f"pcs-{uuid.uuid4().hex}", of_role=like_ours))
    assert verified["refused_without_external_id"]["status"] == "passed"
    verified.check_failed("refused_with_wrong_external_id", "external_id_not_enforced")
    assert verified.status == "unsafe" and verified.answer["external_id"] == "open"


def test_a_refusal_by_a_control_policy_is_no_proof(verify, emulator):
    # Open for whoever is not bound by the control policy of the gateway's own organisation.
    open_to_all = {"StringEqualsIfExists": {"sts:ExternalId": "customer-1"}}
    customer = Customer(external_id="customer-1", of_role=trusting({"Condition": open_to_all}))
    without_id = {**deny("sts:AssumeRole", customer.role_arn), "Condition": {"Null": {"sts:ExternalId": "true"}}}
    with emulator.with_account(GATEWAY.split(":")[4], service_control_policy=policy(allow("*"), without_id)):
        verified = verify(customer)
    fix = verified.check_failed("refused_without_external_id", "external_id_refused_elsewhere")
    assert "trust policy" in fix
    evidence = verified["refused_without_external_id"]["evidence"]
    assert "with an explicit deny in a service control policy" in evidence
    assert verified.status == "failing" and verified.answer["external_id"] == "not_told"


def test_a_role_that_takes_no_tags_fails_although_it_could_be_assumed_without(verify):
    verified = verify(Customer(), session_tags={"project": "{metadata.project}"})
    fix = verified.check_failed("assume_role", "aws_assume_role_denied")
    assert '"sts:TagSession"' in fix
    evidence = verified["assume_role"]["evidence"]
    assert "sts:TagSession" in evidence and "metadata.project `portcullis-verify`" in evidence
    assert verified.status == "failing" and verified.answer["external_id"] == "not_told"


def test_a_role_with_shorter_sessions_is_verified_with_a_warning(verify):
    verified = verify(Customer(), duration_seconds=7200)
    length = verified["session_length"]
    assert (length["status"], length["code"]) == ("warning", "session_shortened")
    assert "sessions last 3600 s" in length["cause"]
    assert verified.status == "verified"


def test_sessions_that_end_too_soon_are_found(verify, emulator):
    emulator.put("announced-seconds", {"seconds": 600})
    try:
        verified = verify(Customer())
    finally:
        emulator.put("announced-seconds", {"seconds": None})
    fix = verified.check_failed("session_length", "session_too_short")
    assert "clock" in fix
    assert verified.answer["external_id_enforced"] is True


def test_an_endpoint_that_is_not_there_is_found(launcher, emulator):
    # A port that nothing listens on.
    astray = launcher.start(ANTHROPIC_AWS_BASE_URL="http://127.0.0.1:9")
    headers = {"x-portkey-api-key": astray.admin_key}
    customer = Customer().settle(emulator)
    with httpx.Client(base_url=astray.address, headers=headers, timeout=90, trust_env=False) as admin:
        slug = integrate(admin, customer.configurations())
        verified = Verified(admin.post(f"/v1/integrations/{slug}/verify", json={}).json())
    fix = verified.check_failed("endpoint_resolves", "upstream_unreachable")
    assert "ANTHROPIC_AWS_BASE_URL" in fix
    assert verified.statuses(*TRUST_STEPS) == {"passed"}


def test_federation_that_is_off_comes_with_the_command(verify):
    verified = verify(Customer(of_account={"federation": False}))
    fix = verified.check_failed("federation_enabled", "federation_disabled")
    assert "aws iam enable-outbound-web-identity-federation" in fix
    assert "Outbound web identity federation is disabled for your account" in (
        verified["federation_enabled"]["evidence"]
    )
    assert verified["federation_enabled"]["aws_request_id"]


def test_a_role_that_may_not_have_tokens_minted_fails_at_federation(verify):
    verified = verify(Customer(of_role={"permissions_policy": policy(allow(f"{SERVICE}:*"))}))
    fix = verified.check_failed("federation_enabled", "access_denied_web_identity_token")
    assert "sts:GetWebIdentityToken" in fix and "sts:TagGetWebIdentityToken" in fix


def test_a_workspace_that_is_not_there_is_found(verify):
    customer = Customer()
    missing = f"wrkspc_{uuid.uuid4().hex[:14]}"
    verified = verify(customer, anthropic_aws_workspace_id=missing)
    fix = verified.check_failed("workspace_exists", "workspace_not_found")
    assert "region" in fix
    assert f"Workspace `{missing}` not found." in verified["workspace_exists"]["evidence"]
    assert verified.statuses("list_models", "count_tokens", "inference") == {"skipped"}


def test_an_account_without_a_subscription_is_found(verify):
    verified = verify(Customer(of_account={"subscribed": False}))
    fix = verified.check_failed("workspace_exists", "not_subscribed")
    assert "AWS Marketplace" in fix


def test_a_role_that_may_not_read_the_workspaces_entry_is_verified_with_a_warning(verify):
    verified = verify(Customer(of_role={"permissions_policy": without("GetWorkspace")}))
    workspace = verified["workspace_exists"]
    assert (workspace["status"], workspace["code"]) == ("warning", "access_denied_identity_policy")
    assert "models are listed" in workspace["evidence"]
    assert f"{SERVICE}:GetWorkspace" in workspace["fix"]
    assert verified.status == "verified"


@pytest.mark.parametrize(
    ("step", "action"),
    [("list_models", "ListModels"), ("count_tokens", "CountTokens"), ("inference", "CreateInference")],
)
def test_a_permission_that_is_missing_fails_its_step_with_the_statement_to_add(verify, step, action):
    customer = Customer(of_role={"permissions_policy": without(action)})
    verified = verify(customer)
    fix = verified.check_failed(step, "access_denied_identity_policy")
    assert f'"Action":"{SERVICE}:{action}"' in fix and customer.workspace_arn in fix
    others = {"list_models", "count_tokens", "inference"} - {step}
    assert verified.statuses(*others) == {"passed"}
    assert verified.status == "failing"


def test_a_role_that_may_do_nothing_but_infer_is_verified_by_inferring(verify):
    only_infer = policy(allow(f"{SERVICE}:CreateInference"), allow(TOKEN))
    verified = verify(Customer(of_role={"permissions_policy": only_infer}), features=["inference"])
    workspace = verified["workspace_exists"]
    assert workspace["status"] == "warning" and "a message is answered" in workspace["evidence"]
    assert verified["federation_enabled"]["status"] == "passed"
    assert verified.status == "verified", verified.answer


def test_a_session_policy_of_ones_own_that_is_too_narrow_is_named(verify):
    narrow = policy(allow([f"{SERVICE}:GetWorkspace", f"{SERVICE}:ListModels"]), allow(TOKEN))
    verified = verify(Customer(), session_policy=narrow)
    fix = verified.check_failed("count_tokens", "access_denied_session_policy")
    assert "session_policy" in fix


def test_an_account_without_models_is_found(verify):
    verified = verify(Customer(of_account={"models": []}))
    fix = verified.check_failed("list_models", "no_models")
    assert "access to models" in fix


def test_a_workspace_key_is_verified_without_sts(admin):
    key = "AEAAQWVhQXBpS2V5LWVtdWxhdG9yLWF0LTEyMzQ1Njc4OTAxMjptYWRlLXVwLWZvci10aGUtZW11bGF0b3I="
    configurations = {
        "aws_auth_type": "apiKey",
        "anthropic_aws_api_key": key,
        "aws_region": WORLD.region,
        "anthropic_aws_workspace_id": WORLD.workspace,
    }
    slug = integrate(admin, configurations)
    verified = Verified(admin.post(f"/v1/integrations/{slug}/verify", json={"inference": True}).json())
    assert verified.status == "verified", verified.answer
    assert verified.statuses(*TRUST_STEPS) == {"skipped"}
    assert "workspace key" in verified["assume_role"]["evidence"]
    assert verified.statuses(*STEPS[6:]) == {"passed"}
    assert key not in json.dumps(verified.answer)
