"""Approvals, policies, audit and costs over HTTP: what is shown, what is refused, what a form sends."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import UsageKind
from interlock.runtime.context import Ctx
from tests.faces.dashboard.conftest import Person
from tests.support.app import Server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def hold(person: Person, tool: str = "pay.out", **args: Any) -> str:
    """A check that a policy holds; returns the approval's id."""
    listed = await person.call("policies.list")
    if not any(policy.match.tools == (tool,) for policy in listed.items):
        policy = {"name": f"Ask about {tool}", "type": "approval", "mode": "pause", "match": {"tools": [tool]}}
        await person.call("policies.create", {**policy, "config": {"reason": "Money leaves the house."}})
    verdict = await person.call("checks.check_action", {"tool": tool, "args": args, "agent_id": "desk"})
    return str(verdict.approval_id)


async def spend(person: Person, cost: str, reference: str, **values: Any) -> None:
    ctx: Ctx = await person.server.ctx(person.session)
    given = {"kind": UsageKind.MODEL, "cost": Decimal(cost), "reference": reference, **values}
    async with ctx.begin() as unit:
        await budgets.settle(unit, budgets.Settle.model_validate(given))


def words(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize(
    "path",
    [
        "/approvals",
        "/approvals/waiting",
        "/approvals/decided",
        "/approvals/decided?status=rejected",
        "/policies",
        "/policies/list",
        "/policies/new",
        "/policies/new?type=cost",
        "/policies/new?type=data_privacy",
        "/policies/new?type=content&view=json",
        "/policies/new?example=label",
        "/audit",
        "/audit/entries",
        "/audit?event=check&decision=denied&from=2026-01-01",
        "/audit/log",
        "/audit/verify",
        "/costs",
        "/costs/report",
        "/costs?since=2026-01-01&until=2026-02-01",
        "/costs/budget",
    ],
)
async def test_every_page_stands_also_where_nothing_has_happened(owner: Person, path: str) -> None:
    reply = await owner.get(path)
    assert reply.status_code == 200, words(reply.text)[:2000]


async def test_the_inbox_shows_what_is_asked_and_answers_it(owner: Person) -> None:
    key = await hold(owner, amount=5, to="ann")
    page = await owner.get("/approvals")
    said = words(page.text)
    assert "A person must agree: policy 'Ask about pay.out': Money leaves the house." in said
    assert "amount" in said
    assert "to ann" in said
    assert key in page.text


async def test_one_request_is_approved_with_a_comment(owner: Person) -> None:
    key = await hold(owner)
    assert "Decide" in words((await owner.get(f"/approvals/{key}")).text)
    reply = await owner.post(f"/approvals/{key}/approve", {"comment": "fine"})
    assert (reply.status_code, reply.headers["location"]) == (303, f"/approvals/{key}")
    shown = words((await owner.get(f"/approvals/{key}")).text)
    assert "approved" in shown
    assert "fine" in shown
    assert "Decide" not in shown
    again = await owner.post(f"/approvals/{key}/reject", {"comment": "no"})
    assert again.status_code == 409


async def test_identical_requests_are_rejected_together(owner: Person) -> None:
    policy = {"name": "x", "type": "approval", "mode": "pause", "match": {"tools": ["pay.out"]}}
    await owner.call("policies.create", policy)
    keys = []
    for number in range(2):
        asked = {"tool": "pay.out", "args": {"amount": 5}, "agent_id": "desk", "idempotency_key": f"k{number}"}
        keys.append(str((await owner.call("checks.check_action", asked)).approval_id))
    page = await owner.get("/approvals")
    assert "2 identical" in words(page.text)
    form = {"ids": ",".join(keys), "answer": "reject", "comment": "not today", "reason": "not_needed"}
    reply = await owner.post("/approvals/decide", form, htmx=True)
    assert reply.status_code == 200
    assert "2 rejected." in words(reply.text)
    assert "Nothing waits for you" in words(reply.text)
    found = await owner.call("approvals.get", {"approval_id": keys[1]})
    assert (found.status, found.comment, found.reason_code) == ("rejected", "not today", "not_needed")


async def test_an_edit_that_is_no_json_comes_back_with_its_text(owner: Person) -> None:
    key = await hold(owner, amount=5)
    reply = await owner.post(f"/approvals/{key}/approve", {"editing": "json", "edited": '{"amount": '})
    assert reply.status_code == 422
    assert "This is not JSON" in words(reply.text)
    assert "{&#34;amount&#34;: </textarea>" in reply.text
    await owner.post(f"/approvals/{key}/approve", {"editing": "json", "edited": '{"amount": 3}'})
    assert (await owner.call("approvals.get", {"approval_id": key})).edited_output == {"amount": 3}


async def test_approvals_of_others_are_not_there_and_forms_from_elsewhere_do_nothing(
    server: Server, owner: Person
) -> None:
    key = await hold(owner)
    assert (await owner.post(f"/approvals/{key}/approve", csrf="")).status_code == 403
    assert (await owner.call("approvals.get", {"approval_id": key})).status == "pending"
    assert (await owner.get("/approvals/appr_01h455vb4pex5vsknk084sn02q")).status_code == 404
    assert (await server.http.get(f"/approvals/{key}", headers={"accept": "text/html"})).status_code == 401


POLICY = {
    "view": "form",
    "type": "approval",
    "name": "Refunds",
    "mode": "pause",
    "match.tools": "payments\r\nbilling.*",
    "match.callers": "",
    "match.resources": "channel: ops-*, dev-*",
    "config.min_cost": "2.5",
    "config.min_risk": "",
    "config.reason": "Because.",
    "channels": "email",
    "enabled": "true",
}


async def test_a_policy_is_made_changed_switched_off_and_retired(owner: Person) -> None:
    made = await owner.post("/policies/new", POLICY)
    assert made.status_code == 303, words(made.text)[:2000]
    path = made.headers["location"]
    policy = (await owner.call("policies.list")).items[0]
    assert policy.match.tools == ("payments", "billing.*")
    assert policy.match.resources == {"channel": ("ops-*", "dev-*")}
    assert policy.config == {"reason": "Because.", "min_cost": 2.5}
    assert 'value="2.5"' in (await owner.get(path)).text
    changed = await owner.post(path, {**POLICY, "policy_id": str(policy.id), "mode": "block", "config.min_cost": ""})
    assert changed.status_code == 303
    as_json = await owner.get(f"{path}?view=json")
    assert "&#34;mode&#34;: &#34;block&#34;" in as_json.text
    await owner.post(f"{path}/toggle", {"enabled": "false"})
    assert (await owner.call("policies.get", {"policy_id": str(policy.id)})).enabled is False
    assert (await owner.post(f"{path}/delete")).status_code == 303
    assert (await owner.get(path)).status_code == 404


async def test_json_makes_a_policy_too_and_says_what_is_wrong(owner: Person) -> None:
    wrong = await owner.post("/policies/new", {"view": "json", "json": '{"name": "x", "nme": 1}'})
    assert wrong.status_code == 422
    assert "A policy has no field 'nme'." in words(wrong.text)
    text = '{"name": "x", "type": "compliance", "config": {"controls": ["Art.5"]}}'
    assert (await owner.post("/policies/new", {"view": "json", "json": text})).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"config.min_cost": "much"}, "valid decimal"),
        ({"match.resources": "channel"}, "Write each line as: argument: pattern"),
        ({"name": ""}, "at least 1 character"),
        ({"type": "nonsense"}, "There is no such type of policy."),
    ],
)
async def test_a_wrong_policy_comes_back_with_what_is_wrong(owner: Person, wrong: dict[str, str], said: str) -> None:
    reply = await owner.post("/policies/new", {**POLICY, **wrong})
    assert reply.status_code == 422
    assert said in words(reply.text)
    assert not (await owner.call("policies.list")).items


async def test_dry_runs_show_what_would_have_changed_and_save_nothing(owner: Person) -> None:
    await owner.call("checks.check_action", {"tool": "payments.refund", "args": {}})
    draft = {**POLICY, "config.min_cost": "", "match.resources": ""}
    replayed = await owner.post("/policies/replay", draft, htmx=True)
    assert "1 of the last 1 decisions would have been another one." in words(replayed.text)
    assert "authorized → escalated" in words(replayed.text)
    tried = await owner.post("/policies/try", {**draft, "try_tool": "payments.refund", "try_args": ""}, htmx=True)
    assert "escalated A person must agree: policy 'Refunds': Because." in words(tried.text)
    wrong = await owner.post("/policies/try", {**draft, "try_tool": "x", "try_args": "[1]"}, htmx=True)
    assert "Arguments are a JSON object." in words(wrong.text)
    assert not (await owner.call("policies.list")).items


async def test_members_see_policies_and_cannot_change_them(owner: Person, member: Person) -> None:
    made = await owner.post("/policies/new", POLICY)
    page = await member.get(made.headers["location"])
    assert page.status_code == 200
    assert ">Save<" not in page.text
    assert "Retire it" not in page.text
    refused = await member.post(made.headers["location"], {**POLICY, "mode": "block"})
    assert refused.status_code == 403
    assert (await member.get("/audit/log")).status_code == 403
    assert "System log" not in (await member.get("/audit")).text


async def test_the_ledger_is_filtered_by_its_address_and_verified(owner: Person) -> None:
    await hold(owner)
    await owner.call("checks.check_action", {"tool": "crm.create", "args": {}})
    page = await owner.get("/audit?tool=crm.create")
    assert "crm.create" in words(page.text)
    assert "pay.out" not in words(page.text)
    entry = (await owner.call("ledger.list", {"tool": "crm.create"})).items[0]
    shown = await owner.get(f"/audit/{entry.id}")
    assert entry.hash in shown.text
    assert entry.previous_hash in shown.text
    verified = await owner.get("/audit/verify?first=1", htmx=True)
    assert "The chain is whole. 3 entries were walked" in words(verified.text)
    wrong = await owner.get("/audit?from=yesterday")
    assert wrong.status_code == 422
    assert "'from' is neither a sequence number nor a date or time." in words(wrong.text)


async def test_evidence_is_exported(owner: Person) -> None:
    await owner.call("checks.check_action", {"tool": "crm.create", "args": {}})
    lines = await owner.get("/audit/export?format=jsonl")
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert '"tool":"crm.create"' in lines.text
    cells = await owner.get("/audit/export?format=csv&from=&to=&framework=")
    assert cells.text.startswith("sequence,id,at,event")
    assert "attachment" in cells.headers["content-disposition"]


async def test_costs_are_shown_and_downloaded(owner: Person) -> None:
    await spend(owner, "1.25", "a", model="=gpt", provider="openai", input_tokens=1200)
    page = words((await owner.get("/costs")).text)
    assert "Today $1.25 1 call" in page
    assert "Yesterday $0.00" in page
    assert "=gpt" in page
    assert "Known after the first full day of spending." in page
    days = await owner.get("/costs/export.csv?by=day")
    assert days.text.splitlines()[-1].endswith(",1.25,1,0,1200,0,0") or ",1.250000000,1,0,1200" in days.text
    models = await owner.get("/costs/export.csv?by=model")
    assert models.text.splitlines()[1].startswith("'=gpt,openai,'=gpt,1.25")
    assert (await owner.get("/costs?since=2026-05-01&until=2026-01-01")).status_code == 422


async def test_the_budget_is_set_by_its_form(owner: Person) -> None:
    form = {"monthly_cap": "200", "daily_cap": "", "per_run_cap": "2.5", "alerts": "50, 80%", "channels": "email"}
    assert (await owner.post("/costs/budget", form)).status_code == 303
    budget = await owner.call("budget.get")
    assert (budget.monthly_cap, budget.daily_cap, budget.per_run_cap) == (Decimal(200), None, Decimal("2.5"))
    assert [alert.threshold_percent for alert in budget.alerts] == [50, 80]
    assert 'value="50, 80"' in (await owner.get("/costs/budget")).text
    wrong = await owner.post("/costs/budget", {**form, "daily_cap": "-1"})
    assert wrong.status_code == 422
    assert "greater than or equal to 0" in words(wrong.text)
    assert 'value="-1"' in wrong.text


async def test_a_held_call_is_edited_field_by_field(owner: Person) -> None:
    asked = {"tool": "payments.create_refund", "arguments": {"charge_id": "ch_1", "amount_cents": 500}}
    held = await owner.call("tools.call", asked)
    path = f"/approvals/{held.escalation_id}"
    page = await owner.get(f"{path}?editing=fields")
    assert 'name="arg.amount_cents" type="text" value="500"' in page.text
    assert "always needs a person" in words(page.text)
    sent = {"editing": "fields", "arg.charge_id": "ch_1", "arg.amount_cents": "many", "arg.reason": ""}
    wrong = await owner.post(f"{path}/approve", sent)
    assert wrong.status_code == 422
    assert "This is not a whole number." in words(wrong.text)
    assert 'value="many"' in wrong.text
    unfit = await owner.post(f"{path}/approve", {**sent, "arg.amount_cents": "-3"})
    assert unfit.status_code == 422
    assert 'aria-invalid="true"' in unfit.text
    done = await owner.post(f"{path}/approve", {**sent, "arg.amount_cents": "200", "comment": "half of it"})
    assert done.status_code == 303
    approval = await owner.call("approvals.get", {"approval_id": held.escalation_id})
    assert (approval.status, approval.comment) == ("approved", "half of it")
    assert approval.edited_hash is not None


async def test_a_made_up_identical_answer_is_refused(owner: Person) -> None:
    first, other = await hold(owner, amount=1), await hold(owner, amount=2)
    reply = await owner.post("/approvals/decide", {"ids": f"{first},{other}", "answer": "approve"}, htmx=True)
    assert reply.status_code == 422
    assert "These requests are not identical." in words(reply.text)
    assert (await owner.post("/approvals/decide", {"answer": "approve"}, htmx=True)).status_code == 422
