"""Policies: the list, an editor made from each type's own fields, and dry runs before anything is saved."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.service import CreatePolicy, ListPolicies, TryPolicies, UpdatePolicy
from interlock.domains.governance.policies.views import AlertChannel, Policy, PolicyType, RiskLevel
from interlock.domains.governance.replay.service import ReplayPolicy, replay
from interlock.faces.dashboard.policy_form import (
    EXAMPLES,
    MODES,
    TYPES,
    config_fields,
    draft_of,
    read_draft,
    shown_match,
)
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.kit.paging import MAXIMUM_LIMIT

_LOOK_BACK = 100


async def index(visit: Visit) -> Response:
    """Every policy, with how often it applied lately."""
    return html(visit, "policies/index.html", **await _listed(visit))


async def part(visit: Visit) -> Response:
    """The list by itself, when a policy has changed."""
    return html(visit, "policies/_list.html", **await _listed(visit))


async def new(visit: Visit) -> Response:
    """A policy to be made: from an example, or of a type."""
    example = next((one for one in EXAMPLES if one.key == visit.query.get("example")), None)
    kind = visit.query.get("type", PolicyType.APPROVAL.value)
    if example is not None:
        draft: Mapping[str, Any] = example.policy
    else:
        draft = {"name": "", "type": kind if kind in set(PolicyType) else PolicyType.APPROVAL.value, "mode": "log"}
    return await _editor(visit, None, draft, visit.query.get("view", "form"))


async def edit(visit: Visit) -> Response:
    """A policy in its editor."""
    policy = await _policy(visit)
    return await _editor(visit, policy, draft_of(policy), visit.query.get("view", "form"))


async def create(visit: Visit) -> Response:
    """Make a policy."""
    return await _save(visit, None)


async def update(visit: Visit) -> Response:
    """Change a policy."""
    return await _save(visit, await _policy(visit))


async def toggle(visit: Visit) -> Response:
    """Switch a policy on or off."""
    enabled = (await visit.form()).get("enabled") == "true"
    policy = await visit.call(policies.update, visit.command(UpdatePolicy, {"enabled": enabled}, "policy_id"))
    said = f"'{policy.name}' is {'on' if policy.enabled else 'off'}."
    return go(visit, "/policies", said=said)


async def delete(visit: Visit) -> Response:
    """Retire a policy."""
    await visit.call(policies.delete, visit.command(policies.PolicyRef, {}, "policy_id"))
    return go(visit, "/policies", said="The policy is retired; the evidence keeps what it did.")


async def try_call(visit: Visit) -> Response:
    """The verdict that a made-up call would get with the policy as it stands in the form."""
    form, lists = await visit.form(), await visit.form_lists()
    try:
        values: dict[str, Any] = {
            "tool": form.get("try_tool", ""),
            "args": _json_object(form.get("try_args", ""), "try_args"),
            "agent_id": form.get("try_agent") or "default",
            "cost_estimate": form.get("try_cost") or 0,
            "risk": form.get("try_risk") or RiskLevel.LOW.value,
        }
        draft = _with_name(read_draft(form, lists))
        # One that is switched off is tried all the same: to see what it would do is what a trial is for.
        values["policy"] = {**draft, "enabled": True}
        if form.get("policy_id"):
            values["policy_id"] = form["policy_id"]
        told = await visit.call(policies.dry_run, visit.command(TryPolicies, values))
    except InterlockError as error:
        return _not_run(visit, error)
    return html(visit, "policies/_tried.html", told=told)


async def replay_last(visit: Visit) -> Response:
    """What the policy in the form would have done to the last decisions."""
    form, lists = await visit.form(), await visit.form_lists()
    try:
        values: dict[str, Any] = {"policy": _with_name(read_draft(form, lists)), "last": _LOOK_BACK}
        if form.get("policy_id"):
            values["policy_id"] = form["policy_id"]
        told = await visit.call(replay, visit.command(ReplayPolicy, values))
    except InterlockError as error:
        return _not_run(visit, error)
    return html(visit, "policies/_replayed.html", told=told)


def _not_run(visit: Visit, error: InterlockError) -> Response:
    """Why there was no dry run, in the place where its result would stand."""
    return html(visit, "policies/_not_run.html", problems=problems_of(error), status=200)


def _with_name(draft: dict[str, Any]) -> dict[str, Any]:
    """A dry run needs no name yet."""
    return {**draft, "name": draft.get("name") or "this policy"}


def _json_object(text: str, field: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(f"The arguments are not JSON: {error}.", field=field) from error
    if not isinstance(value, dict):
        raise invalid("Arguments are a JSON object.", field=field)
    return value


async def _policy(visit: Visit) -> Policy:
    return await visit.call(policies.get, visit.command(policies.PolicyRef, {}, "policy_id"))


async def _listed(visit: Visit) -> dict[str, Any]:
    found = await visit.call(policies.list_, ListPolicies(limit=MAXIMUM_LIMIT))
    lately = await visit.call(ledger.list_, ledger.ListEntries(limit=MAXIMUM_LIMIT))
    hits = Counter(match.get("policy_id") for entry in lately.items for match in entry.matched)
    order = list(reversed(MODES))
    ranked = sorted(found.items, key=lambda policy: (not policy.enabled, order.index(policy.mode), policy.number))
    return {
        "policies": ranked,
        "hits": hits,
        "looked_at": len(lately.items),
        "examples": EXAMPLES,
        "types": TYPES,
        "modes": MODES,
    }


async def _save(visit: Visit, policy: Policy | None) -> Response:
    form, lists = await visit.form(), await visit.form_lists()
    draft: dict[str, Any] = {}
    try:
        draft = read_draft(form, lists)
        if policy is None:
            saved = await visit.call(policies.create, visit.command(CreatePolicy, draft))
        else:
            values = {name: value for name, value in draft.items() if name != "type"}
            if draft.get("type", policy.type) != policy.type:
                raise invalid("A policy keeps its type for good; make another one.", field="type")
            saved = await visit.call(policies.update, visit.command(UpdatePolicy, values, "policy_id"))
    except InterlockError as error:
        if error.kind is not Kind.INVALID:
            raise
        known = draft or ({"type": form.get("type", "")} if policy is None else draft_of(policy))
        return await _editor(
            visit, policy, known, form.get("view", "form"), sent=form,
            problems=problems_of(error), status=STATUS[error.kind],
        )  # fmt: skip
    return go(visit, f"/policies/{saved.id}", said="Saved; the next verdict obeys it.")


async def _editor(
    visit: Visit,
    policy: Policy | None,
    draft: Mapping[str, Any],
    view: str,
    *,
    sent: Mapping[str, str] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    kind = PolicyType(draft["type"]) if draft.get("type") in set(PolicyType) else PolicyType.APPROVAL
    typed = sent or {}
    match = {**shown_match(draft.get("match", {})), **_typed(typed, "match.")}
    whole = {"mode": "log", "match": {}, "config": {}, "channels": [], "enabled": True, **draft}
    return html(
        visit,
        "policies/editor.html",
        status=status,
        policy=policy,
        draft=whole,
        kind=kind,
        match=match,
        fields=config_fields(kind, draft.get("config", {})),
        typed=typed,
        json_text=typed.get("json") or orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode(),
        view="json" if view == "json" else "form",
        types=TYPES,
        modes=MODES,
        channels=tuple(AlertChannel),
        risks=tuple(RiskLevel),
        problems=problems,
    )


def _typed(sent: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in sent.items() if name.startswith(prefix)}


ROUTES = (
    page("/policies", index),
    page("/policies/list", part),
    page("/policies/new", new),
    action("/policies/new", create),
    action("/policies/try", try_call),
    action("/policies/replay", replay_last),
    page("/policies/{policy_id}", edit),
    action("/policies/{policy_id}", update),
    action("/policies/{policy_id}/toggle", toggle),
    action("/policies/{policy_id}/delete", delete),
)
