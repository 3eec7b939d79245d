"""Templates: every one of them runs to its end; copies differ as wanted, the template stays as it is."""

import asyncio
import json
from typing import Any

import pytest

from interlock.domains.workflows.templates.catalogue import catalogue
from interlock.domains.workflows.templates.service import merged
from tests.domains.workflows.support import ENDINGS, told
from tests.support.app import Server
from tests.support.story import write_script

TRIAGE = "/api/v1/templates/tpl_ticket_triage"
DRAFT = "Thank you for writing; we look into it."
KNOWN = "Double charges: the second payment goes back to the card within 5 to 10 days."
SUPPORT = f"Hi Ana,\n\n{DRAFT}\n\n{KNOWN}\n\nYour help desk"
WANTED: dict[str, dict[str, Any]] = {
    "tpl_bug_intake": {"filed": True, "part": "backend"},
    "tpl_comment_moderation": {"published": True},
    "tpl_contract_renewals": {"count": 2},
    "tpl_discount_approval": {"granted": True, "net": 750},
    "tpl_expense_approval": {"pay": True, "total": 213.5},
    "tpl_feedback_themes": {"price": 1, "delivery": 2, "quality": 0},
    "tpl_application_routing": {"team": "engineering"},
    "tpl_incident_intake": {"severity": "outage", "text": DRAFT},
    "tpl_invoice_check": {"pay": True, "computed": 65},
    "tpl_lead_follow_up": {"to": "maya@example.com", "text": DRAFT},
    "tpl_lead_scoring": {"grade": "hot", "points": 100},
    "tpl_leave_request": {"granted": True, "days": 11, "left": 4},
    "tpl_post_with_review": {"text": DRAFT, "was_cut": False},
    "tpl_refund_check": {"refund": True, "by": "a person"},
    "tpl_support_triage": {"topic": "billing", "decision": "approved", "reply": SUPPORT},
    "tpl_ticket_triage": {"to": "ana@example.com", "topic": "billing", "text": DRAFT},
    "tpl_urgent_messages": {"queue": "now"},
}


async def _through(server: Server, run_id: str) -> dict[str, Any]:
    """A run's detail at its end, with every gate on the way approved."""
    while await told(server, run_id, {"node.held", *ENDINGS}) not in ENDINGS:
        pending = (await server.get("/api/v1/approvals", status="pending")).json()
        if not pending:
            break
        for gate in pending:
            assert (await server.post(f"/api/v1/approvals/{gate['id']}/approve")).status_code == 200
    await told(server, run_id, ENDINGS)
    found: dict[str, Any] = (await server.get(f"/api/v1/runs/{run_id}")).json()
    return found


def test_every_template_has_an_ending_to_come_to() -> None:
    assert set(WANTED) == set(catalogue())


@pytest.mark.parametrize("template_id", sorted(catalogue()))
async def test_every_template_runs_to_its_end(server: Server, template_id: str) -> None:
    template = catalogue()[template_id]
    model = write_script(server.runtime.settings.data_dir, "draft", DRAFT)
    thinking = {node.id: {"config": {"model": model}} for node in template.nodes if node.kind == "ai"}
    answer = await server.post(f"/api/v1/templates/{template_id}/instantiate", {"overrides": {"nodes": thinking}})
    assert answer.status_code == 200, answer.text
    path = f"/api/v1/workflows/{answer.json()['workflow_id']}/run"
    started = await server.post(path, {"input_data": json.loads(json.dumps(template.input_data))})
    run = await _through(server, started.json()["run_id"])
    assert run["status"] == "completed", run
    assert run["output"] | WANTED[template_id] == run["output"]


async def test_a_copy_has_its_own_settings(server: Server) -> None:
    before = (await server.get(TRIAGE)).json()
    overrides = {
        "nodes": {"draft": {"config": {"model": "local:other", "temperature": 0.5}}},
        "budget": {"daily_cap": 5.0},
    }
    made = (await server.post(f"{TRIAGE}/instantiate", {"name": "Ours", "overrides": overrides})).json()
    assert (made["name"], made["template_id"], made["status"]) == ("Ours", "tpl_ticket_triage", "draft")
    copy = (await server.get(f"/api/v1/workflows/{made['workflow_id']}")).json()
    draft = next(node for node in copy["nodes"] if node["id"] == "draft")["config"]
    kept = next(node for node in before["nodes"] if node["id"] == "draft")["config"]
    assert draft == {**kept, "model": "local:other", "temperature": 0.5}
    assert copy["budget"] == {"per_run_cap": before["budget"]["per_run_cap"], "daily_cap": 5.0}
    after = (await server.get(TRIAGE)).json()
    assert after.pop("installs") == before.pop("installs") + 1
    assert after == before


async def test_copies_made_at_once_are_all_counted(server: Server) -> None:
    other = await server.another_workspace()
    answers = await asyncio.gather(
        *(server.post(f"{TRIAGE}/instantiate", key=key) for key in (server.key, other) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {200}
    rows = {row["id"]: row for row in (await server.get("/api/v1/templates")).json()}
    assert rows["tpl_ticket_triage"]["installs"] == 8
    assert rows["tpl_lead_scoring"]["installs"] == 0
    assert len(rows) == len(catalogue())


@pytest.mark.parametrize(
    ("nodes", "told_of"),
    [
        ({"nobody": {"config": {}}}, "nobody"),
        ({"draft": {"config": {"prompt": "{{ broken"}}}, "draft"),
        ({"draft": {"config": {"colour": "red"}}}, "colour"),
        ({"draft": {"settings": {}}}, "settings"),
    ],
)
async def test_an_override_that_does_not_fit_is_named(server: Server, nodes: dict[str, Any], told_of: str) -> None:
    answer = await server.post(f"{TRIAGE}/instantiate", {"overrides": {"nodes": nodes}})
    assert answer.status_code == 422
    assert told_of in answer.text
    assert (await server.get("/api/v1/workflows")).json() == []
    assert (await server.get(TRIAGE)).json()["installs"] == 0


async def test_an_unknown_template_is_not_found(server: Server) -> None:
    assert (await server.post("/api/v1/templates/tpl_nothing/instantiate")).status_code == 404
    assert (await server.get("/api/v1/templates/tpl_nothing")).status_code == 404


def test_settings_are_merged_deep() -> None:
    base = {"a": {"b": 1, "c": {"d": 2}}, "list": [1, 2]}
    assert merged(base, {"a": {"c": {"e": 3}}, "list": [4], "new": None}) == {
        "a": {"b": 1, "c": {"d": 2, "e": 3}},
        "list": [4],
        "new": None,
    }
    assert base == {"a": {"b": 1, "c": {"d": 2}}, "list": [1, 2]}
