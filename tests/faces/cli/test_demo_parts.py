"""The demo's final checks must be able to fail, and its client must survive what servers do."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.faces.cli.demo import evidence, material, review, setup
from interlock.faces.cli.demo.checks import all_checks
from interlock.faces.cli.demo.client import Api, RunEvent
from interlock.faces.cli.demo.evidence import RECEIPT_COST, Attestation, Evidence
from interlock.faces.cli.demo.timeline import Timeline
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.settings import Settings

MAIL = material.read_mail(Settings())
CHARGE = "ch_3QNw7x2eZvKYlo2C1kTz8uPq"
ASKED = {"charge_id": CHARGE, "amount_cents": 6490, "reason": "duplicate"}
Change = Callable[[Evidence], Evidence]


def _effect(provider: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"provider": provider, "kind": kind, "data": data}


def _refund(amount: int = 6490, charge: str = CHARGE) -> dict[str, Any]:
    return _effect("stripe", "refund", id="re_1", charge=charge, amount=amount, reason="duplicate")


EFFECTS = (
    _effect("hubspot", "contact", properties={"email": MAIL.address}),
    _refund(),
    _effect("gmail", "mail", recipients=[MAIL.address], to=MAIL.address, subject="Your refund", text="Hello"),
    _effect("slack", "message", asked_channel="#refunds"),
)


def _timeline() -> Timeline:
    timeline = Timeline()
    for position, name in enumerate(setup.TOOLS):
        facts = {
            "position": position,
            "kind": "tool",
            "name": name,
            "status": "completed",
            "cost": 0.0,
            "latency_ms": 3,
        }
        timeline.take(RunEvent(position + 1, "tool.finished", {**facts, "decision": "authorized"}))
    return timeline


def _good() -> Evidence:
    entry = {"reviewer": None, "approval_id": None}
    return Evidence(
        run={
            "status": "completed",
            "error": None,
            "total_cost": 0.03,
            "unknown_costs": 0,
            "nodes": [{"cost": 0.01}, {"cost": 0.01}],
            "mcp_calls": [{"cost": 0.01}],
        },
        timeline=_timeline(),
        approval={"status": "approved", "arguments": ASKED, "args_hash": "a" * 64, "edited_hash": None},
        second_decision=Kind.CONFLICT,
        effects=EFFECTS,
        budget_before={"monthly_spent": 1.0},
        budget={
            "monthly_cap": 5.0,
            "monthly_spent": 1.03 + RECEIPT_COST,
            "monthly_remaining": 5.0 - 1.03 - RECEIPT_COST,
        },
        ledger={"valid": True, "entries": 8, "head_hash": "a" * 64, "first_invalid": None},
        entries=tuple({**entry, "tool": name, "approval_id": "appr_1"} for name in setup.TOOLS),
        attestation=Attestation("k", {"decision": "authorized"}, None, altered_is_refused=True),
    )


def _failing(found: Evidence) -> set[str]:
    return {check.title for check in all_checks(MAIL, found) if not check.holds}


def test_everything_holds_when_all_is_well() -> None:
    assert _failing(_good()) == set()


ON_RECORD = "Every tool call is on record, the refund with its approval"
REFUNDED = "The refund arrived once, as approved"
BUDGET = "Spending counts against the budget"
WRONG: dict[str, tuple[Change, str]] = {
    "a failed run": (lambda e: replace(e, run={**e.run, "status": "failed"}), "The run completed"),
    "two contacts": (lambda e: replace(e, effects=(*e.effects, e.effects[0])), "The customer is on file, once"),
    "two refunds": (lambda e: replace(e, effects=(*e.effects, _refund())), REFUNDED),
    "no refund": (lambda e: replace(e, effects=(e.effects[0], *e.effects[2:])), REFUNDED),
    "another amount": (lambda e: replace(e, effects=(e.effects[0], _refund(100), *e.effects[2:])), REFUNDED),
    "two mails": (lambda e: replace(e, effects=(*e.effects, e.effects[2])), "The customer was answered, once"),
    "a silent channel": (lambda e: replace(e, effects=e.effects[:3]), "The team channel was told, once"),
    "a second decision": (lambda e: replace(e, second_decision=None), "A second decision changes nothing"),
    "a wrong total": (lambda e: replace(e, run={**e.run, "total_cost": 0.05}), "The steps' costs add up"),
    "lost spending": (lambda e: replace(e, budget_before={"monthly_spent": 0.5}), BUDGET),
    "a wrong remainder": (lambda e: replace(e, budget={**e.budget, "monthly_remaining": 5.0}), BUDGET),
    "a broken chain": (lambda e: replace(e, ledger={**e.ledger, "valid": False}), "The evidence ledger verifies"),
    "a call off the record": (lambda e: replace(e, entries=e.entries[1:]), ON_RECORD),
    "no approval on record": (
        lambda e: replace(e, entries=tuple({**entry, "approval_id": None} for entry in e.entries)),
        ON_RECORD,
    ),
    "a forgeable proof": (
        lambda e: replace(e, attestation=replace(e.attestation, altered_is_refused=False)),
        "An attestation verifies, an altered one does not",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_check_sees_what_it_is_there_for(case: str) -> None:
    change, title = WRONG[case]
    assert title in _failing(change(_good()))


@pytest.mark.parametrize("word", sorted(MAIL.bait))
def test_acting_on_the_quoted_orders_is_seen(word: str) -> None:
    found = replace(_good(), effects=(*EFFECTS, _effect("slack", "message", asked_channel="#refunds", text=word)))
    assert "Orders quoted in the mail were followed by nobody" in _failing(found)


def test_an_edited_amount_must_be_the_one_that_arrived() -> None:
    edited = {"status": "approved", "arguments": ASKED, "args_hash": "a" * 64, "edited_hash": "b" * 64}
    arrived = (EFFECTS[0], _refund(2050), *EFFECTS[2:])
    assert _failing(replace(_good(), approval=edited, effects=arrived)) == set()
    assert "The refund arrived once, as approved" in _failing(replace(_good(), approval=edited))
    unchanged = {**edited, "edited_hash": "a" * 64}
    assert _failing(replace(_good(), approval=unchanged)) == set()
    assert "The refund arrived once, as approved" in _failing(replace(_good(), approval=unchanged, effects=arrived))


def test_after_a_refusal_no_money_may_move() -> None:
    refused = {"status": "rejected", "arguments": ASKED, "args_hash": "a" * 64, "edited_hash": None}
    found = replace(_good(), approval=refused, run={**_good().run, "status": "failed", "error": "script"})
    assert _failing(replace(found, effects=EFFECTS[:1])) == set()
    assert _failing(replace(found, effects=EFFECTS[:2])) == {"No money moved"}


def test_the_mail_names_the_charge_and_its_quote_the_bait() -> None:
    assert MAIL.wanted_charge == CHARGE
    assert MAIL.bait == {"ch_3QNw7x2eZvKYlo2C0aH4mR1s", "audit@northwlnd-support.example"}
    assert (MAIL.sender, MAIL.address) == ("Maya Okafor", "maya.okafor@fernleaf.example")


@pytest.mark.parametrize(
    ("text", "cents"), [("20.50", 2050), (" $7 ", 700), ("1.005", None), ("nan", None), ("", None), ("inf", None)]
)
def test_amounts_are_read_in_whole_cents(text: str, cents: int | None) -> None:
    assert review.cents_in(text) == cents


def _signed(key: Ed25519PrivateKey, **claims: Any) -> tuple[str, dict[str, Any]]:
    x = urlsafe_b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode()
    facts = {"aud": "mcp-governance", "sub": "user_1", "nbf": int(time.time()), "decision": "authorized", **claims}
    token = jwt.encode(facts, key, algorithm="EdDSA", headers={"kid": "k1"})
    return token, {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k1", "alg": "EdDSA", "use": "sig"}]}


def test_a_signed_attestation_passes_and_others_do_not() -> None:
    token, jwks = _signed(Ed25519PrivateKey.generate())
    good = evidence.checked(token, "k1", jwks)
    assert good.claims is not None
    assert good.altered_is_refused
    _, others = _signed(Ed25519PrivateKey.generate())
    assert evidence.checked(token, "k1", others).claims is None
    assert evidence.checked(token, "k2", jwks).claims is None
    wrong, keys = _signed(Ed25519PrivateKey.generate(), aud="somebody else")
    assert evidence.checked(wrong, "k1", keys).claims is None


def _stream(*events: tuple[int, str]) -> bytes:
    lines = [f"id: {seq}\ndata: {json.dumps({'seq': seq, 'type': kind, 'data': {}})}\n\n" for seq, kind in events]
    return b"retry: 1000\n\n: keep-alive\n\n" + "".join(lines).encode()


class _Cut(httpx.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Any:
        yield self.content
        raise httpx.ReadError("cut")


def test_a_broken_stream_is_taken_up_where_it_broke() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["last-event-id"])
        if len(asked) == 1:
            return httpx.Response(200, stream=_Cut(_stream((1, "run.started"), (2, "model.requested"))))
        return httpx.Response(200, content=_stream((3, "run.completed")))

    with Api("http://server", "sk_live_x", transport=httpx.MockTransport(answer)) as api:
        assert [event.seq for event in api.events("run_1")] == [1, 2, 3]
    assert asked == ["0", "2"]


def test_too_many_requests_are_waited_out() -> None:
    answers = [httpx.Response(429, headers={"retry-after": "0"}), httpx.Response(200, json={"ok": True})]
    with Api("http://server", "k", transport=httpx.MockTransport(lambda _: answers.pop(0))) as api:
        assert api.get("/api/v1/budget") == {"ok": True}
    assert answers == []


def test_a_refusal_keeps_its_reason_and_kind() -> None:
    body = {"detail": "no", "error": {"code": "conflict", "message": "settled", "details": {"hint": "stop"}}}
    with (
        Api("http://server", "k", transport=httpx.MockTransport(lambda _: httpx.Response(409, json=body))) as api,
        pytest.raises(InterlockError, match="settled") as refused,
    ):
        api.post("/api/v1/approvals/appr_1/approve")
    assert (refused.value.kind, refused.value.hint) == (Kind.CONFLICT, "stop")


def test_a_held_call_stays_marked_as_decided_by_a_person() -> None:
    timeline = Timeline()
    facts = {"position": 0, "kind": "tool", "name": "payments.create_refund", "cost": None, "latency_ms": 1}
    timeline.take(RunEvent(1, "tool.held", {**facts, "status": "waiting_approval", "decision": "escalated"}))
    assert timeline.doing == "waiting for a person"
    timeline.take(RunEvent(2, "tool.finished", {**facts, "status": "completed", "decision": "authorized"}))
    assert [step["was_held"] for step in timeline.tool_calls()] == [True]


def test_a_configured_provider_thinks_and_else_the_script() -> None:
    assert setup.model_for(Settings()) == material.SCRIPTED_MODEL
    keyed = Settings.model_validate({"openai_api_key": "sk-x"})
    assert setup.model_for(keyed).startswith("openai:")
