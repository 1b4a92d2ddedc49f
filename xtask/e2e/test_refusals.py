"""Each class of refusal as the clients read it: the upstream's sentence, a stable code, whose fault it is, what to do.

The headings of docs/troubleshooting.md, one after the other.
"""

import json

import httpx
import openai
import pytest

import customers
import gateway as gateways
from customers import INFER, SERVICE, TOKEN, Customer, allow, deny, policy
from emulator import SESSION_TOKEN, script
from recorder import Echo
from refusals import BOTH, Refusal, by_anthropic, by_openai

DENIED = (502, "upstream_permission_error")
UNAUTHENTICATED = (502, "upstream_authentication_error")
# The only key that the emulated AWS knows, and what nobody may read of a key.
GATEWAY_KEY = "AKIAEMULATOREXAMPLE1"


@pytest.fixture(params=sorted(BOTH))
def read(request):
    """Asks, and reads the refusal: as an OpenAI client, then as an Anthropic client."""
    return BOTH[request.param]


@pytest.fixture(scope="module")
def echoing(launchers):
    """A gateway whose upstream refuses everything and repeats the headers it got: `(echo, setup, gateway)`."""
    echo = Echo()
    gateway = launchers().start(ANTHROPIC_AWS_BASE_URL=echo.address)
    yield echo, gateways.set_up(gateway.address, gateway.admin_key), gateway
    echo.end()


@pytest.fixture
def refused(read, address, admin_key, emulator):
    """How a customer's refusal reads, once the customer is settled."""

    def ask(customer: Customer, text: str = "Hello", **configurations) -> Refusal:
        customer.settle(emulator)
        setup = customers.set_up(address, admin_key, {**customer.configurations(), **configurations})
        return checked(read(setup, text))

    return ask


def checked(refusal: Refusal) -> Refusal:
    """Nothing secret is in it, and what is known of the request at AWS and Anthropic is."""
    everything = f"{refusal}"
    assert GATEWAY_KEY not in everything and "ASIA" not in everything and "IQoJb3JpZ2lu" not in everything
    assert refusal.headers["x-portkey-trace-id"]
    return refusal


def statement_in(fix: str) -> dict:
    """The policy statement that a fix quotes."""
    return json.JSONDecoder().raw_decode(fix[fix.index("{") :])[0]


def check_denied(refusal: Refusal, cause: str, customer: Customer, because: str):
    """AWS's sentence is there whole, and what it names."""
    assert refusal.told == (*DENIED, cause, "operator")
    session = f"User: arn:aws:sts::{customer.account}:assumed-role/{customer.role}/"
    assert refusal.said.startswith(session), refusal.said
    assert f"is not authorized to perform: {INFER} on resource: {customer.workspace_arn}" in refusal.said
    assert refusal.said.endswith(because), refusal.said
    assert refusal.metadata["denied_action"] == INFER
    assert refusal.metadata["upstream_status"] == 403
    assert refusal.metadata["upstream_request_id"].startswith("req_")
    assert refusal.metadata["aws_request_id"]
    assert cause in refusal.message and refusal.fix in refusal.message


def test_federation_that_is_off_comes_with_the_command(refused):
    refusal = refused(Customer(of_account={"federation": False}))
    assert refusal.told == (*DENIED, "federation_disabled", "operator")
    assert refusal.said == "Outbound web identity federation is disabled for your account"
    assert "aws iam enable-outbound-web-identity-federation" in refusal.fix
    assert refusal.fix in refusal.message


def test_a_policy_of_another_workspace_is_told_with_the_statement_to_add(refused):
    elsewhere = f"arn:aws:{SERVICE}:us-west-2:*:workspace/wrkspc_elsewhere"
    own = policy(allow(f"{SERVICE}:*", elsewhere), allow(TOKEN))
    customer = Customer(of_role={"permissions_policy": own})
    refusal = refused(customer)
    because = f"because no identity-based policy allows the {INFER} action"
    check_denied(refusal, "access_denied_identity_policy", customer, because)
    assert statement_in(refusal.fix) == allow(INFER, customer.workspace_arn)
    assert customer.role_arn in refusal.fix


def test_the_statement_of_the_fix_is_what_was_missing(address, admin_key, emulator):
    """Read the refusal, add the statement, ask again."""
    customer = Customer(of_role={"permissions_policy": policy(allow(TOKEN))}).settle(emulator)
    setup = customers.set_up(address, admin_key, customer.configurations())
    statement = statement_in(by_openai(setup).fix)
    customer.of_role = {"permissions_policy": policy(allow(TOKEN), statement)}
    customer.settle(emulator)
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0) as client:
        hello = [{"role": "user", "content": "Hello"}]
        assert client.chat.completions.create(model=setup.model, max_tokens=100, messages=hello).choices


def test_a_session_policy_that_is_too_narrow_is_told_from_the_roles(refused):
    customer = Customer()
    narrow = policy(allow(f"{SERVICE}:CountTokens"), allow(TOKEN))
    refusal = refused(customer, session_policy=narrow)
    because = f"because no session policy allows the {INFER} action"
    check_denied(refusal, "access_denied_session_policy", customer, because)
    assert "session_policy" in refusal.fix
    assert statement_in(refusal.fix) == allow(INFER, customer.workspace_arn)


def test_a_permissions_boundary_is_told_as_such(refused):
    customer = Customer(of_role={"permissions_boundary": policy(allow("s3:*"), allow(TOKEN))})
    refusal = refused(customer)
    because = f"because no permissions boundary allows the {INFER} action"
    check_denied(refusal, "access_denied_permissions_boundary", customer, because)
    assert statement_in(refusal.fix) == allow(INFER, customer.workspace_arn)


@pytest.mark.parametrize(
    ("scp", "because"),
    [
        (policy(allow("s3:*"), allow("sts:*")), f"because no service control policy allows the {INFER} action"),
        (policy(allow("*"), deny(INFER)), "with an explicit deny in a service control policy"),
    ],
)
def test_a_control_policy_is_the_organisations_to_change(refused, scp, because):
    customer = Customer(of_account={"service_control_policy": scp})
    refusal = refused(customer)
    check_denied(refusal, "access_denied_control_policy", customer, because)
    assert "administrator of the AWS organisation" in refusal.fix and INFER in refusal.fix


def test_an_explicit_deny_says_in_which_policy(refused):
    own = policy(allow("*"), deny(INFER))
    customer = Customer(of_role={"permissions_policy": own})
    refusal = refused(customer)
    because = "with an explicit deny in an identity-based policy"
    check_denied(refusal, "access_denied_explicit", customer, because)
    assert "Remove the `Deny` statement" in refusal.fix and "the permission policy" in refusal.fix


@pytest.mark.parametrize("missing", TOKEN)
def test_a_role_without_the_tokens_permissions_is_told_both(refused, missing):
    others = [action for action in TOKEN if action != missing]
    customer = Customer(of_role={"permissions_policy": policy(allow(f"{SERVICE}:*"), allow(others))})
    refusal = refused(customer)
    assert refusal.told == (*DENIED, "access_denied_web_identity_token", "operator")
    assert refusal.metadata["denied_action"] == missing
    assert f"is not authorized to perform: {missing}" in refusal.said
    assert statement_in(refusal.fix) == allow(TOKEN)


def test_an_account_without_a_subscription_is_told_where_to_subscribe(refused):
    refusal = refused(Customer(of_account={"subscribed": False}))
    assert refusal.told == (*DENIED, "not_subscribed", "operator")
    assert refusal.said == "Your account has not subscribed to this service yet"
    assert "AWS Marketplace" in refusal.fix


def test_a_model_that_is_not_open_to_the_account_is_named(refused):
    refusal = refused(Customer(of_account={"models": ["claude-opus-5"]}))
    assert refusal.told == (*DENIED, "model_access", "operator")
    assert "does not have access to the model" in refusal.said and "claude-haiku-4-5" in refusal.said


def test_a_workspace_that_is_not_there_keeps_the_upstreams_answer_and_gains_a_fix(refused):
    refusal = refused(Customer(), anthropic_aws_workspace_id="wrkspc_nowhere")
    assert refusal.status == 404
    assert refusal.message == "Workspace `wrkspc_nowhere` not found."
    assert (refusal.metadata["cause"], refusal.metadata["fault"]) == ("workspace_not_found", "operator")
    assert "region" in refusal.fix


def test_a_workspace_of_another_region_is_a_wrong_signature(refused):
    refusal = refused(Customer(), aws_region="eu-central-1")
    assert refusal.told == (*UNAUTHENTICATED, "invalid_signature", "operator")
    assert "Credential should be scoped to a valid region" in refusal.said
    assert "region is the workspace's region" in refusal.fix


def test_a_secret_that_is_not_the_keys_is_a_wrong_signature(read, address, admin_key, emulator):
    customer = Customer(account="111122223333").settle(emulator)
    wrong = customer.with_access_key(GATEWAY_KEY, "x" * 40)
    refusal = checked(read(customers.set_up(address, admin_key, wrong)))
    assert refusal.told == (*UNAUTHENTICATED, "invalid_signature", "operator")
    assert refusal.said.startswith("The request signature we calculated does not match the signature")
    assert refusal.metadata["upstream_status"] == 401


def test_a_key_that_aws_does_not_know_is_told(read, address, admin_key, emulator):
    unknown = Customer().settle(emulator).with_access_key("AKIANOBODYKNOWSTHIS1", "x" * 40)
    refusal = checked(read(customers.set_up(address, admin_key, unknown)))
    assert refusal.told == (*UNAUTHENTICATED, "invalid_credentials", "operator")
    assert refusal.said == "The security token included in the request is invalid."
    assert "AKIANOBODYKNOWSTHIS1" not in f"{refusal}"


def test_a_workspace_key_that_is_refused_is_told_from_a_role(read, address, admin_key, emulator):
    customer = Customer().settle(emulator)
    configurations = {
        "aws_auth_type": "apiKey",
        "aws_region": customer.region,
        "anthropic_aws_workspace_id": customer.workspace,
        "anthropic_aws_api_key": "not-a-key-that-the-platform-knows",
    }
    refusal = checked(read(customers.set_up(address, admin_key, configurations)))
    assert refusal.told == (*UNAUTHENTICATED, "workspace_key_refused", "operator")
    assert "Invalid bearer token" in refusal.said
    assert "not-a-key-that" not in f"{refusal}"


@pytest.mark.parametrize(
    ("directive", "cause", "said"),
    [
        ("401_expired_token", "expired_credentials", "The security token included in the request is expired"),
        ("403_expired_token", "expired_credentials", "The security token included in the request is expired"),
        ("403_unknown_token", "invalid_credentials", "The security token included in the request is invalid."),
        ("401_skew", "clock_skew", "Signature expired: 20261122T120000Z is now earlier than 20261122T130000Z"),
    ],
)
def test_a_session_that_aws_goes_on_refusing_is_told(refused, directive, cause, said):
    refusal = refused(Customer(), script(directive))
    assert refusal.told == (*UNAUTHENTICATED, cause, "operator")
    assert refusal.said.startswith(said)
    assert refusal.fix


@pytest.mark.parametrize("directive", ["403_federation_off", "403_federation_off_aws"])
def test_federation_is_recognised_in_either_envelope(refused, directive):
    refusal = refused(Customer(), script(directive))
    assert refusal.told == (*DENIED, "federation_disabled", "operator")
    assert "aws iam enable-outbound-web-identity-federation" in refusal.fix


LIMITS = [
    ("400_spend_limit", 400, "spend_limit", "You have reached your specified API usage limits"),
    ("400_workspace_spend_limit", 400, "spend_limit", "You have reached your specified workspace API usage"),
    ("429_enforced_spend_limit", 429, "spend_limit", "Your organization has reached its enforced spend limit."),
    ("429_spend_cap", 429, "tier_spend_cap", "You have reached your API usage limits"),
    ("402_billing", 402, "billing", "There is a problem with the billing"),
    ("400_on_hold", 400, "organization_on_hold", "Your organization is on hold."),
]


@pytest.mark.parametrize(("directive", "status", "cause", "said"), LIMITS)
def test_money_that_is_spent_is_the_operators(refused, directive, status, cause, said):
    refusal = refused(Customer(), script(directive))
    assert refusal.status == status
    assert refusal.message.startswith(said)
    assert (refusal.metadata["cause"], refusal.metadata["fault"]) == (cause, "operator")
    assert refusal.fix and "retry-after" not in refusal.headers


def test_a_rate_limit_says_how_long_to_wait_and_is_nobodys_fault(setup):
    refusal = checked(by_openai(setup, script("429=7")))
    assert refusal.told == (429, "rate_limit_exceeded", "rate_limited", "upstream")
    assert refusal.headers["retry-after"] == "7" and "retry-after" in refusal.fix
    refusal = checked(by_openai(setup, script("429_aws")))
    assert refusal.told == (429, "rate_limit_exceeded", "rate_limited", "upstream")


def test_an_overload_is_the_upstreams(setup):
    refusal = checked(by_openai(setup, script("529")))
    assert refusal.told == (503, "overloaded", "overloaded", "upstream")
    assert refusal.message == "Overloaded" and "another provider" in refusal.fix


def test_what_anthropic_says_to_its_own_client_of_load_and_requests_stays_as_it_is(setup):
    for directive, status, kind in [("529", 529, "overloaded_error"), ("429=7", 429, "rate_limit_error")]:
        refusal = checked(by_anthropic(setup, script(directive)))
        assert (refusal.status, refusal.type, refusal.metadata) == (status, kind, {})


def check_sts(refusal: Refusal, status: int, code: str, fault: str):
    assert refusal.told == (status, code, code, fault)
    assert refusal.metadata["provider"] == "aws-sts"
    assert refusal.said in refusal.message and refusal.fix in refusal.message


@pytest.mark.parametrize("wrong", ["external id", "principal", "role"])
def test_a_trust_policy_that_does_not_let_the_gateway_in_is_told_with_both_sides(refused, wrong):
    """STS does not say which of them it is, so neither does the gateway."""
    customer, configurations = Customer(), {}
    if wrong == "external id":
        configurations["aws_external_id"] = f"{customer.external_id}-wrong"
    elif wrong == "principal":
        customer.trusted = "arn:aws:iam::999999999999:root"
    else:
        configurations["aws_role_arn"] = f"{customer.role_arn}-gone"
    refusal = refused(customer, **configurations)
    check_sts(refusal, 502, "aws_assume_role_denied", "operator")
    assert f"User: {customers.GATEWAY} is not authorized to perform: sts:AssumeRole" in refusal.said
    assert refusal.metadata["upstream_code"] == "AccessDenied" and refusal.metadata["aws_request_id"]
    trust = statement_in(refusal.fix)
    assert trust["Principal"] == {"AWS": customers.GATEWAY} and trust["Action"] == "sts:AssumeRole"
    assert "sts:ExternalId" in trust["Condition"]["StringEquals"]
    assert customer.external_id not in f"{refusal}"
    assert f'"Resource":"{configurations.get("aws_role_arn", customer.role_arn)}"' in refusal.fix


def test_sts_that_is_off_in_the_region_is_told(refused):
    customer = Customer(of_account={"sts_inactive_regions": ["us-west-2"]})
    refusal = refused(customer)
    check_sts(refusal, 502, "aws_sts_region_disabled", "operator")
    assert refusal.metadata["upstream_code"] == "RegionDisabledException"


def test_a_trust_policy_that_forgets_tags_is_told_with_both_actions(refused):
    customer = Customer()
    refusal = refused(customer, session_tags={"team": "{organisation}"})
    check_sts(refusal, 502, "aws_assume_role_denied", "operator")
    assert refusal.metadata["denied_action"] == "sts:TagSession"
    assert statement_in(refusal.fix)["Action"] == ["sts:AssumeRole", "sts:TagSession"]


@pytest.mark.parametrize(
    ("mode", "region", "code"),
    [
        ("throttling", "ap-southeast-2", "aws_sts_throttled"),
        ("unavailable", "ap-southeast-1", "aws_sts_unavailable"),
        ("internal_failure", "ap-northeast-1", "aws_sts_unavailable"),
        ("unreachable", "ap-northeast-2", "aws_sts_unavailable"),
        ("garbage", "ap-south-1", "aws_sts_malformed_answer"),
        ("incomplete", "ca-central-1", "aws_sts_malformed_answer"),
    ],
)
def test_an_sts_in_trouble_is_the_upstreams_and_worth_another_try(refused, emulator, mode, region, code):
    with emulator.with_sts(mode, region):
        refusal = refused(Customer(region=region))
    check_sts(refusal, 503, code, "upstream")
    assert refusal.headers["x-should-retry"] == "true"


def test_tags_that_do_not_fit_are_told(refused):
    tags = {f"tag-{n:02}": "x" * 250 for n in range(40)}
    refusal = refused(Customer(), session_tags=tags)
    check_sts(refusal, 502, "aws_packed_policy_too_large", "operator")
    assert "session tags" in refusal.fix


def test_a_gateway_without_an_identity_is_told_how_to_get_one(read, launcher):
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    gateway = launcher.start(**nobody)
    setup = customers.set_up(gateway.address, gateway.admin_key, Customer().configurations())
    refusal = read(setup)
    check_sts(refusal, 503, "aws_source_unavailable", "operator")
    assert "portcullis whoami" in refusal.fix


def test_a_gateway_whose_own_key_is_wrong_is_told_so(read, launcher):
    gateway = launcher.start(AWS_SECRET_ACCESS_KEY="x" * 40)
    setup = customers.set_up(gateway.address, gateway.admin_key, Customer().configurations())
    refusal = checked(read(setup))
    check_sts(refusal, 503, "aws_source_rejected", "operator")
    assert refusal.metadata["upstream_code"] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("address_of_nobody", ["http://127.0.0.1:9"])
def test_an_upstream_that_cannot_be_reached_is_told(read, launcher, emulator, address_of_nobody):
    gateway = launcher.start(ANTHROPIC_AWS_BASE_URL=address_of_nobody)
    setup = customers.set_up(
        gateway.address, gateway.admin_key, Customer().settle(emulator).configurations()
    )
    refusal = checked(read(setup))
    assert refusal.told == (502, "upstream_unreachable", "upstream_unreachable", "upstream")
    assert "DNS, proxy, firewall" in refusal.fix and "127.0.0.1:9" not in refusal.message


def test_a_stream_is_refused_before_it_begins(address, admin_key, emulator):
    customer = Customer(of_account={"federation": False}).settle(emulator)
    setup = customers.set_up(address, admin_key, customer.configurations())
    for path, headers in [
        ("chat/completions", {"authorization": f"Bearer {setup.key}"}),
        ("messages", {"x-api-key": setup.key, "anthropic-version": "2023-06-01"}),
    ]:
        hello = [{"role": "user", "content": "Hello"}]
        body = {"model": setup.model, "max_tokens": 10, "messages": hello, "stream": True}
        answer = httpx.post(f"{setup.v1}/{path}", json=body, headers=headers, trust_env=False)
        error = answer.json()["error"]
        metadata = error.get("metadata") or error["details"]["metadata"]
        assert (answer.status_code, metadata["cause"]) == (502, "federation_disabled"), answer.text


def test_a_stream_that_breaks_says_whose_fault_it_is(setup):
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0) as client:
        with pytest.raises(openai.APIError) as raised:
            hello = [{"role": "user", "content": script("error_mid_stream")}]
            list(
                client.chat.completions.create(
                    model=setup.model, max_tokens=100, messages=hello, stream=True
                )
            )
    assert raised.value.body["metadata"]["cause"] == "overloaded"
    assert raised.value.body["metadata"]["fault"] == "upstream"


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_what_an_upstream_repeats_of_a_signed_request_is_never_shown(read, echoing, status):
    """AWS quotes the canonical request in some refusals, and with it the session."""
    echo, setup, gateway = echoing
    echo.status = status
    refusal = read(setup)
    sent = echo.last().headers
    key_id = sent["authorization"].partition("Credential=")[2].partition("/")[0]
    signature = sent["authorization"].rpartition("Signature=")[2]
    everything = f"{refusal}{gateway.log()}"
    assert "[redacted]" in refusal.said and sent["x-amz-security-token"].startswith(SESSION_TOKEN)
    for secret in (key_id, signature, sent["x-amz-security-token"][:40], SESSION_TOKEN):
        assert secret not in everything, secret


def test_a_wrong_request_is_the_callers(setup):
    body = {"model": setup.model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx.post(
        f"{setup.v1}/chat/completions",
        json={**body, "temperature": 0.5, "top_k": -3},
        headers={"authorization": f"Bearer {setup.key}"},
        trust_env=False,
    )
    error = answer.json()["error"]
    assert answer.status_code == 400, error
    assert (error["metadata"]["cause"], error["metadata"]["fault"]) == ("invalid_request", "caller")
