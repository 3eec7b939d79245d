"""Settings: partial changes, null for the default, masked secrets, and that each field is obeyed."""

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from interlock.domains.activity import jobs as activity_jobs
from interlock.domains.activity.models import system_log
from interlock.domains.activity.service import ListLog
from interlock.domains.activity.service import list_ as list_log
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.service import OpenGate
from interlock.domains.governance.approvals.views import Approval, ApprovalKind
from interlock.domains.llm.directory import directory_of
from interlock.domains.settings import service as settings
from interlock.domains.settings.models import workspace_settings
from interlock.kit.errors import InterlockError
from interlock.runtime import daily
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import JobId, job_rows
from tests.support.app import Server

PATH = "/api/v1/settings"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
UNSET: dict[str, Any] = {
    "alerts": {"slack_channel": None, "email_to": [], "webhook_url": None, "webhook_secret": None},
    "risk": {"threshold": 60.0, "weights": {"bias": 1.0, "privacy": 1.0, "operational": 1.0, "regulatory": 1.0}},
    "log_retention_days": 30,
    "approval_hours": 24.0,
    "default_model": None,
    "updated_at": None,
}
UNFIT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"alerts": {"webhook_url": "https://hooks.example.com"}}, "alerts.webhook_secret"),
    ({"alerts": {"webhook_secret": "…4f8="}}, "alerts.webhook_secret"),
    ({"alerts": {"webhook_secret": "whsec_c2hvcnQ="}}, "alerts.webhook_secret"),
    ({"alerts": {"webhook_url": "ftp://hooks.example.com"}}, "alerts.webhook_url"),
    ({"alerts": {"webhook_url": "https://user:pw@hooks.example.com/"}}, "alerts.webhook_url"),
    ({"alerts": {"webhook_url": "https://[::1"}}, "alerts.webhook_url"),
    ({"alerts": {"email_to": ["a@example.com\nBcc: b@example.com"]}}, "alerts.email_to.0"),
    ({"alerts": {"email_to": ["nobody"]}}, "alerts.email_to.0"),
    ({"alerts": {"slack_channel": "two words"}}, "alerts.slack_channel"),
    ({"alerts": {"pager": "1"}}, "alerts.pager"),
    ({"log_retention_days": 0}, "log_retention_days"),
    ({"approval_hours": 0}, "approval_hours"),
    ({"default_model": " "}, "default_model"),
    ({"risk": {"threshold": 101}}, "risk.threshold"),
    ({"risk": {f"{name}_weight": 0 for name in ("bias", "privacy", "operational", "regulatory")}}, "risk"),
)


async def changed(server: Server, **fields: Any) -> dict[str, Any]:
    reply = await server.patch(PATH, fields)
    assert reply.status_code == httpx.codes.OK, reply.text
    return dict(reply.json())


async def test_a_workspace_starts_with_the_defaults(server: Server) -> None:
    assert (await server.get(PATH)).json() == UNSET


async def test_absent_fields_stay_and_null_goes_back_to_the_default(server: Server) -> None:
    await changed(server, alerts={"slack_channel": "#ops", "email_to": ["a@example.com", "b@example.com"]})
    after = await changed(server, log_retention_days=7, approval_hours=1.5)
    assert after["alerts"]["slack_channel"] == "#ops"
    assert (after["log_retention_days"], after["approval_hours"]) == (7, 1.5)
    after = await changed(server, alerts={"slack_channel": None}, log_retention_days=None)
    assert after["alerts"] == {**UNSET["alerts"], "email_to": ["a@example.com", "b@example.com"]}
    assert (after["log_retention_days"], after["approval_hours"]) == (30, 1.5)
    after = await changed(server, alerts=None, approval_hours=None)
    assert {**after, "updated_at": None} == UNSET
    assert (await server.get(PATH)).json() == after


async def test_a_secret_is_encrypted_and_only_its_end_is_shown(server: Server) -> None:
    after = await changed(server, alerts={"webhook_url": "https://hooks.example.com/a", "webhook_secret": SECRET})
    assert after["alerts"]["webhook_secret"] == f"…{SECRET[-4:]}"
    ctx = await server.ctx()
    async with ctx.begin(write=False) as reading:
        row = (await (await reading.session()).execute(select(workspace_settings))).one()
        targets = await settings.alert_targets(reading)
    assert targets.webhook_secret == SECRET
    assert SECRET not in repr(targets)
    assert SECRET.encode() not in row.sealed
    assert SECRET not in str(row.chosen)
    # A later change of another field leaves the secret alone.
    await changed(server, log_retention_days=3)
    async with ctx.begin(write=False) as reading:
        assert (await settings.alert_targets(reading)).webhook_secret == SECRET


async def test_what_cannot_be_used_is_refused_by_name(server: Server) -> None:
    for fields, field in UNFIT:
        reply = await server.patch(PATH, fields)
        assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY, reply.text
        assert reply.json()["error"]["details"]["field"] == field
    assert (await server.get(PATH)).json() == UNSET


async def test_the_secret_of_a_webhook_in_use_cannot_be_taken_away_alone(server: Server) -> None:
    await changed(server, alerts={"webhook_url": "https://hooks.example.com", "webhook_secret": SECRET})
    reply = await server.patch(PATH, {"alerts": {"webhook_secret": None}})
    assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    await changed(server, alerts={"webhook_url": None, "webhook_secret": None})


async def test_each_workspace_has_its_own(server: Server) -> None:
    other = await server.another_workspace()
    await changed(server, log_retention_days=7)
    assert (await server.get(PATH, key=other)).json() == UNSET


async def test_a_gate_waits_as_long_as_its_workspace_says(server: Server) -> None:
    async def opened() -> Approval:
        gate = OpenGate(kind=ApprovalKind.TOOL_CALL, tool="payments.create_refund", reason="asked", subject="call_1")
        async with (await server.ctx()).begin() as unit:
            return await approvals.open_gate(unit, gate)

    gate = await opened()
    assert timedelta(hours=23) < gate.expires_at - gate.created_at < timedelta(hours=25)
    await changed(server, approval_hours=0.5)
    gate = await opened()
    assert timedelta(minutes=29) < gate.expires_at - gate.created_at < timedelta(minutes=31)


async def test_the_name_default_stands_for_the_chosen_model(server: Server) -> None:
    async def served() -> list[str]:
        return [target.id for target in (await directory_of(await server.ctx())).resolve("default")]

    with pytest.raises(InterlockError) as unknown:
        await served()
    assert unknown.value.code == "unknown_model"
    await changed(server, default_model="scripted:refund-desk/conversation")
    assert await served() == ["scripted:refund-desk/conversation"]
    await changed(server, default_model="smollm2")
    assert await served() == ["local:smollm2-135m-instruct"]


async def test_the_log_is_kept_as_long_as_its_workspace_says(server: Server) -> None:
    other = await server.another_workspace()
    for key in (server.key, other):
        assert (await server.patch(PATH, {"approval_hours": 3}, key=key)).status_code == httpx.codes.OK
    await changed(server, log_retention_days=5)
    ctx = await server.ctx()
    async with ctx.begin() as unit:
        await (await unit.session()).execute(update(system_log).values(at=ctx.now - timedelta(days=6)))
    await changed(server, approval_hours=4)
    await activity_jobs.purge(_of_the_system(ctx))
    assert len((await invoke(ctx, list_log, ListLog())).items) == 1
    assert len((await invoke(await server.ctx(other), list_log, ListLog())).items) >= 1


async def test_the_purge_plans_its_successor_once(server: Server) -> None:
    ctx = _of_the_system(await server.ctx())

    async def waiting() -> list[Any]:
        statement = select(job_rows.c.guid, job_rows.c.run_at).where(job_rows.c.handler == activity_jobs.PURGE)
        async with ctx.begin(write=False) as reading:
            return list((await (await reading.session()).execute(statement)).all())

    (first,) = await waiting()
    assert timedelta(hours=23) < first.run_at - ctx.now <= timedelta(days=1)
    await daily.plan(ctx, activity_jobs.PURGE)
    assert await waiting() == [first]
    for _ in range(2):  # a job that is delivered twice has one successor
        await daily.plan(ctx, activity_jobs.PURGE, besides=JobId.of(first.guid))
        assert len(await waiting()) == 2


def _of_the_system(ctx: Ctx) -> Ctx:
    return Ctx(ctx.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id=str(JobId.new()), face="jobs")
