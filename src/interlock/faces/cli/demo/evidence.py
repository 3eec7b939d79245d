"""What the demo collects once the run has ended: everything the final checks look at, read over HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from interlock.faces.cli.demo.client import Api
from interlock.faces.cli.demo.timeline import Timeline
from interlock.kit.errors import InterlockError, Kind

AUDIENCE = "mcp-governance"
RECEIPT_TOOL = "terminal.print_receipt"
RECEIPT_COST = 0.002
_PAGE = 200
Effects = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Attestation:
    """A signed proof, and what a stock JWT library says to it and to an altered copy."""

    kid: str
    claims: dict[str, Any] | None
    problem: str | None
    altered_is_refused: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The state of both sides after the run.

    Args:
        approval: the gate of the refund; None when the run never came to one.
        second_decision: status code with which a second decision on that gate was answered.
        effects: what happened in the pretend outside world.
        entries: what the ledger says of the run.
    """

    run: dict[str, Any]
    timeline: Timeline
    approval: dict[str, Any] | None
    second_decision: Kind | None
    effects: Effects
    budget_before: dict[str, Any]
    budget: dict[str, Any]
    ledger: dict[str, Any]
    entries: tuple[dict[str, Any], ...]
    attestation: Attestation


def effects_in(sandbox_url: str) -> Effects:
    """What happened at the pretend providers so far."""
    try:
        reply = httpx.get(f"{sandbox_url}/_sandbox/state", timeout=10, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise InterlockError(Kind.UNAVAILABLE, f"The sandbox does not answer ({type(error).__name__}).") from error
    return tuple(reply.json()["effects"])


def decide_again(api: Api, approval: dict[str, Any] | None) -> Kind | None:
    """Try to approve a gate a second time; what the server says to that."""
    if approval is None:
        return None
    try:
        api.post(f"/api/v1/approvals/{approval['id']}/approve", {"comment": "a second time"})
    except InterlockError as error:
        return error.kind
    return None


def attested(api: Api, args: Mapping[str, Any], act: Callable[[], None]) -> Attestation:
    """Ask for a verdict on an action of our own, act, report the outcome, and check what is attested."""
    asked = {"tool": RECEIPT_TOOL, "args": dict(args), "cost_estimate": RECEIPT_COST, "agent_id": "interlock demo"}
    verdict = api.post("/api/v1/check-action", asked)
    if verdict["decision"] != "authorized":
        return Attestation(
            "", None, f"the check was {verdict['decision']}: {verdict['reason']}", altered_is_refused=False
        )
    act()
    outcome = {"tool": RECEIPT_TOOL, "check_id": verdict["check_id"], "outcome": "success", "cost_usd": RECEIPT_COST}
    report = api.post("/api/v1/record-outcome", {**outcome, "agent_id": "interlock demo"})
    return checked(report["attestation"], report["attestation_kid"], api.get("/api/.well-known/jwks.json"))


def checked(token: str, kid: str, jwks: dict[str, Any]) -> Attestation:
    """Check an attestation with PyJWT and the published keys, and an altered copy of it too."""
    try:
        claims = _decoded(token, kid, jwks)
    except (jwt.PyJWTError, KeyError) as error:
        return Attestation(kid, None, f"{type(error).__name__}: {error}", altered_is_refused=False)
    header, payload, signature = token.split(".")
    altered = f"{header}.{payload[:-2]}{'AA' if payload[-2:] != 'AA' else 'BB'}.{signature}"
    try:
        _decoded(altered, kid, jwks)
    except jwt.InvalidSignatureError:
        return Attestation(kid, claims, None, altered_is_refused=True)
    except jwt.PyJWTError as error:
        return Attestation(kid, claims, f"altered: {error}", altered_is_refused=False)
    return Attestation(kid, claims, None, altered_is_refused=False)


def _decoded(token: str, kid: str, jwks: dict[str, Any]) -> dict[str, Any]:
    key = jwt.PyJWKSet.from_dict(jwks)[kid]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["EdDSA"], audience=AUDIENCE, options={"require": ["aud", "sub", "nbf"]}
    )
    return claims


def entries_of(api: Api, run_id: str) -> tuple[dict[str, Any], ...]:
    """What the ledger says of a run, oldest first."""
    page = api.get("/api/ledger", limit=_PAGE)
    return tuple(entry for entry in reversed(page) if entry["run_id"] == run_id)
