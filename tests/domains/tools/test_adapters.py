import base64
import email
import email.policy
from typing import Any

import pytest

from interlock.domains.connectors.views import Account, ConnectionId, ConnectorKind
from interlock.domains.tools.adapters import gmail, hubspot, make, n8n, slack, stripe, zapier
from interlock.domains.tools.adapters.call import Adapter, AdapterCall, AdapterResult
from interlock.domains.tools.adapters.gmail import compose
from interlock.kit.errors import InterlockError
from interlock.sandbox import Fault, FaultKind, ProviderName, SandboxSettings
from interlock.sandbox.stripe_data import DISPUTED_CHARGE, FIRST_CHARGE, REFUNDED_CHARGE
from tests.domains.tools.world import CREDENTIALS, ToolWorld

ADAPTERS: dict[ConnectorKind, tuple[Adapter, dict[str, Any]]] = {
    ConnectorKind.SLACK: (slack.post_message, {"channel": "#support", "text": "hi"}),
    ConnectorKind.GMAIL: (gmail.send_email, {"to": "a@example.com", "subject": "s", "body": "b"}),
    ConnectorKind.HUBSPOT: (hubspot.create_contact, {"email": "a@example.com"}),
    ConnectorKind.STRIPE: (stripe.create_refund, {"charge_id": FIRST_CHARGE, "amount_cents": 100}),
    ConnectorKind.ZAPIER: (zapier.run_zap, {"zap_id": "abc12"}),
    ConnectorKind.N8N: (n8n.trigger, {"workflow_id": "refund-desk"}),
    ConnectorKind.MAKE: (make.run_scenario, {"scenario_id": "hook123"}),
}
IDEMPOTENT = {ConnectorKind.HUBSPOT, ConnectorKind.STRIPE}
TALKATIVE = {ConnectorKind.N8N, ConnectorKind.MAKE}
"""Their workflows answer in any words."""
each_connector = pytest.mark.parametrize("kind", list(ConnectorKind))


async def _act(
    world: ToolWorld,
    kind: ConnectorKind,
    arguments: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
) -> AdapterResult:
    adapter, usual = ADAPTERS[kind]
    base_url = world.sandbox.url(ProviderName(kind.value))
    account = Account(ConnectionId.new(), kind, base_url, {**CREDENTIALS[kind], **(credentials or {})})
    return await adapter(AdapterCall(world.base.runtime.http, arguments or usual, "key-1", account))


def _fault(world: ToolWorld, kind: ConnectorKind, fault: FaultKind, **more: Any) -> None:
    planned = {"provider": kind.value, "kind": fault, "retry_after": 0, "delay_seconds": 5, **more}
    world.sandbox.state.faults.add(Fault.model_validate(planned))


@each_connector
async def test_it_does_what_was_asked_once(world: ToolWorld, kind: ConnectorKind) -> None:
    outcome = await _act(world, kind)
    assert outcome.result["ok"] is True
    assert outcome.result["_cost_usd"] == 0
    assert len(world.effects(kind.value)) == 1


@each_connector
async def test_a_rate_limit_is_waited_out(world: ToolWorld, kind: ConnectorKind) -> None:
    _fault(world, kind, FaultKind.RATE_LIMITED)
    assert (await _act(world, kind)).result["ok"] is True
    assert len(world.effects(kind.value)) == 1


@each_connector
async def test_a_long_rate_limit_is_told_not_waited_for(world: ToolWorld, kind: ConnectorKind) -> None:
    _fault(world, kind, FaultKind.RATE_LIMITED, retry_after=60)
    with pytest.raises(InterlockError):
        await _act(world, kind)
    assert world.effects(kind.value) == []


@each_connector
@pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.CUT, FaultKind.TIMEOUT])
async def test_after_a_lost_answer_only_what_is_safe_is_sent_again(
    world: ToolWorld, kind: ConnectorKind, fault: FaultKind
) -> None:
    _fault(world, kind, fault, after_effect=True)
    if kind in IDEMPOTENT:
        assert (await _act(world, kind)).result["ok"] is True
    else:
        with pytest.raises(InterlockError, match="not known whether it was done"):
            await _act(world, kind)
    assert len(world.effects(kind.value)) == 1


@each_connector
async def test_an_error_behind_a_200_is_an_error(world: ToolWorld, kind: ConnectorKind) -> None:
    _fault(world, kind, FaultKind.LYING_200)
    with pytest.raises(InterlockError):
        await _act(world, kind)


@pytest.mark.parametrize(
    "kind", [kind for kind in ConnectorKind if kind not in {ConnectorKind.N8N, ConnectorKind.MAKE}]
)
async def test_garbage_is_an_error(world: ToolWorld, kind: ConnectorKind) -> None:
    _fault(world, kind, FaultKind.GARBAGE)
    with pytest.raises(InterlockError, match="unreadable"):
        await _act(world, kind)


@each_connector
async def test_nothing_listening_is_told_after_a_few_tries(world: ToolWorld, kind: ConnectorKind) -> None:
    adapter, arguments = ADAPTERS[kind]
    account = Account(ConnectionId.new(), kind, "http://127.0.0.1:9", CREDENTIALS[kind])
    with pytest.raises(InterlockError, match="cannot be reached"):
        await adapter(AdapterCall(world.base.runtime.http, arguments, "key-1", account))


@pytest.mark.parametrize(
    ("kind", "credential", "says"),
    [
        (ConnectorKind.SLACK, {"token": "xoxb-"}, "invalid_auth.*connect Slack again"),
        (ConnectorKind.GMAIL, {"access_token": "nope"}, "401.*invalid authentication"),
        (ConnectorKind.HUBSPOT, {"token": "nope"}, "401.*credentials not found"),
        (ConnectorKind.STRIPE, {"secret_key": "nope"}, "401.*Invalid API Key"),
    ],
)
async def test_a_refused_credential_is_told_in_the_providers_words(
    world: ToolWorld, kind: ConnectorKind, credential: dict[str, str], says: str
) -> None:
    with pytest.raises(InterlockError, match=says):
        await _act(world, kind, credentials=credential)


async def test_slack_names_the_channel_problem(world: ToolWorld) -> None:
    with pytest.raises(InterlockError, match=r"channel_not_found\): there is no such channel"):
        await _act(world, ConnectorKind.SLACK, {"channel": "#nowhere", "text": "hi"})


async def test_stripe_speaks_minor_units_and_keeps_free_reasons_as_metadata(world: ToolWorld) -> None:
    arguments = {"charge_id": FIRST_CHARGE, "amount_cents": 250, "reason": "parcel lost"}
    result = (await _act(world, ConnectorKind.STRIPE, arguments)).result
    assert (result["amount_cents"], result["currency"], result["charge_id"]) == (250, "usd", FIRST_CHARGE)
    (refund,) = world.effects("stripe")
    assert refund["metadata"]["reason"] == "parcel lost"
    assert world.sandbox.state.effects[0].idempotency_key == "key-1"


async def test_stripe_takes_a_payment_intent_and_its_own_reasons(world: ToolWorld) -> None:
    arguments = {"charge_id": FIRST_CHARGE.replace("ch_", "pi_"), "reason": "duplicate"}
    await _act(world, ConnectorKind.STRIPE, arguments)
    assert world.effects("stripe")[0]["reason"] == "duplicate"


@pytest.mark.parametrize(
    ("charge", "says"), [(REFUNDED_CHARGE, "already been refunded"), (DISPUTED_CHARGE, "charged back")]
)
async def test_stripe_refuses_in_its_own_words(world: ToolWorld, charge: str, says: str) -> None:
    with pytest.raises(InterlockError, match=says):
        await _act(world, ConnectorKind.STRIPE, {"charge_id": charge})


async def test_an_existing_contact_is_returned_as_it_stands(world: ToolWorld) -> None:
    arguments = {"email": "Ada@Example.com", "first_name": "Ada", "last_name": "Lovelace"}
    first = (await _act(world, ConnectorKind.HUBSPOT, arguments)).result
    again = (await _act(world, ConnectorKind.HUBSPOT, {"email": "ada@example.com"})).result
    assert (first["created"], again["created"]) == (True, False)
    assert again["contact_id"] == first["contact_id"]
    assert again["first_name"] == "Ada"


async def test_an_inactive_n8n_workflow_is_explained(world: ToolWorld) -> None:
    world.sandbox.state.settings = SandboxSettings(unregistered_hooks=("refund-desk",))
    with pytest.raises(InterlockError, match="not registered"):
        await _act(world, ConnectorKind.N8N)


async def test_hooks_get_the_payload_and_the_key(world: ToolWorld) -> None:
    payload = {"order": "NW-1", "lines": [1, 2]}
    await _act(world, ConnectorKind.ZAPIER, {"zap_id": "abc12", "payload": payload})
    await _act(world, ConnectorKind.N8N, {"workflow_id": "a/b", "payload": payload})
    await _act(world, ConnectorKind.MAKE, {"scenario_id": "xyz", "payload": payload})
    effects = world.sandbox.state.effects
    assert [effect.data["payload"] for effect in effects] == [payload] * 3
    assert {effect.idempotency_key for effect in effects} == {"key-1"}


def test_a_mail_carries_all_recipients_and_any_letters() -> None:
    raw = compose("Ada <ada@example.com>, bob@example.com", "Grüße, 100%", "Zeile 1\n.\nZeile 3 ✓", "k-1").as_bytes()
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert [address.addr_spec for address in parsed["to"].addresses] == ["ada@example.com", "bob@example.com"]
    assert parsed["subject"] == "Grüße, 100%"
    assert parsed["x-interlock-idempotency-key"] == "k-1"
    body = parsed.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == "Zeile 1\n.\nZeile 3 ✓\n"
    assert base64.urlsafe_b64encode(raw)


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("a@example.com\r\nBcc: evil@example.com", "s"),
        ("a@example.com", "s\r\nBcc: evil@example.com"),
        ("a@example.com", "s\nX: y"),
        ("not an address", "s"),
        ("a@", "s"),
        ("", "s"),
    ],
)
def test_a_mail_refuses_what_would_become_another_header_or_is_no_address(to: str, subject: str) -> None:
    with pytest.raises(InterlockError):
        compose(to, subject, "b", "k")
