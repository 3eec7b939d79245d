"""Forms and what is sent to them: kept first, counted exactly, then followed by row and run, whatever goes wrong."""

import asyncio
import csv
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from interlock.domains.forms import delivery, jobs, marks
from interlock.domains.forms.delivery import FINISH, FinishSubmission
from interlock.domains.forms.events import FormSubmitted
from interlock.domains.forms.models import form_counts, form_submissions
from interlock.domains.forms.models import forms as form_rows
from interlock.domains.forms.service import page, submissions
from interlock.domains.forms.service.definition import FormRef
from interlock.domains.forms.views import Form, FormId, Submission
from interlock.domains.tables.views import RowId, TableId
from interlock.kit.errors import InterlockError, Kind, conflict
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import job_rows
from tests.contracts.samples import SAMPLES
from tests.contracts.world import World
from tests.support.app import Server

FIELDS = [{"name": "email", "type": "email", "required": True}, {"name": "age", "type": "number"}]
DATA = {"email": "ada@example.com", "age": 36}
Make = Callable[[Ctx, Form, Submission], Awaitable[Any]]


@pytest.fixture
async def world(server: Server) -> World:
    return World(server, server.key, SAMPLES)


@pytest.fixture
async def told(server: Server) -> list[FormSubmitted]:
    """What subscribers hear."""
    heard: list[FormSubmitted] = []

    async def hear(_ctx: Ctx, event: FormSubmitted) -> None:
        heard.append(event)

    server.runtime.jobs.subscribe(FormSubmitted, "test.forms", hear)
    return heard


async def made(world: World, **values: Any) -> Form:
    form: Form = await world.call("forms.create", {"name": "Contact", "slug": "contact", "fields": FIELDS, **values})
    return form


async def linked(world: World, form: Form) -> None:
    """Bind a form to a table and a workflow behind the operations' back."""
    async with (await world.ctx()).begin() as unit:
        statement = update(form_rows).values(linked_table=TableId.new(), trigger_workflow=WorkflowId.new())
        await (await unit.session()).execute(statement.where(form_rows.c.guid == form.id))


def steps(monkeypatch: pytest.MonkeyPatch, row: Make, run: Make) -> None:
    """Have rows and runs made like this."""
    made_so = (replace(delivery._ROW, make=row), replace(delivery._RUN, make=run))
    monkeypatch.setattr(delivery, "_STEPS", made_so)


async def a_row(_ctx: Ctx, _form: Form, _submission: Submission) -> RowId:
    return RowId.new()


async def a_run(_ctx: Ctx, _form: Form, _submission: Submission) -> RunId:
    return RunId.new()


async def refuses(_ctx: Ctx, _form: Form, _submission: Submission) -> Any:
    raise conflict("The workflow is a draft.", code="workflow_not_published")


async def is_away(_ctx: Ctx, _form: Form, _submission: Submission) -> Any:
    raise InterlockError(Kind.UNAVAILABLE, "The database is not reachable.", code="database_unreachable")


async def breaks(_ctx: Ctx, _form: Form, _submission: Submission) -> Any:
    raise ZeroDivisionError


async def send(world: World, form: Form, **values: Any) -> Submission:
    sent: Submission = await world.call("forms.submit", {"form_id": form.id, "data": DATA, **values})
    return sent


async def waiting(world: World) -> int:
    """How many submissions have a job that would finish them."""
    async with (await world.ctx()).begin(write=False) as unit:
        jobs_waiting = select(func.count()).where(job_rows.c.handler == FINISH)
        return int((await (await unit.session()).execute(jobs_waiting)).scalar_one())


async def finish(world: World, submission: Submission) -> None:
    """Do what the job would do in a minute."""
    await jobs.finish_later(await world.ctx(), FinishSubmission(submission_id=submission.id))


async def hurry(world: World) -> None:
    """Let the minute pass after which a job looks for what is pending."""
    async with (await world.ctx()).begin() as unit:
        due = update(job_rows).where(job_rows.c.handler == FINISH).values(run_at=unit.now)
        await (await unit.session()).execute(due)
    world.server.runtime.jobs._wake.set()
    await world.settle()


async def again(world: World, submission: Submission) -> Submission:
    reference = {"form_id": submission.form_id, "submission_id": submission.id}
    found: Submission = await world.call("forms.get_submission", reference)
    return found


async def test_a_submission_is_kept_counted_and_told(world: World, told: list[FormSubmitted]) -> None:
    form = await made(world)
    assert form.status == "published"
    sent = await send(world, form)
    assert (sent.status, sent.data, sent.workflow_run_id, sent.row_id) == ("received", DATA, None, None)
    assert sent.settled_at is not None
    await world.settle()
    assert told == [FormSubmitted(form_id=form.id, submission_id=sent.id, run_id=None)]
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 1
    (listed,) = (await world.call("forms.list_submissions", {"form_id": form.id})).items
    assert listed == sent


async def test_row_and_run_follow_at_once_and_the_job_that_insured_them_is_withdrawn(
    world: World, told: list[FormSubmitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await made(world)
    await linked(world, form)
    steps(monkeypatch, a_row, a_run)
    sent = await send(world, form)
    assert (sent.row_state, sent.run_state) == ("done", "done")
    assert sent.row_id is not None
    assert sent.workflow_run_id is not None
    assert await waiting(world) == 0
    await world.settle()
    assert [event.run_id for event in told] == [sent.workflow_run_id]


async def test_what_cannot_follow_is_recorded_and_made_good_on_request(
    world: World, told: list[FormSubmitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await made(world)
    await linked(world, form)
    steps(monkeypatch, a_row, refuses)
    sent = await send(world, form)
    assert (sent.status, sent.row_state, sent.run_state, sent.workflow_run_id) == ("received", "done", "failed", None)
    assert sent.run_error == "workflow_not_published: The workflow is a draft."
    assert await waiting(world) == 0
    steps(monkeypatch, refuses, a_run)  # the row is made already: it is not made again
    reference = {"form_id": form.id, "submission_id": sent.id}
    assert (await world.call("forms.retry_submission", reference)).run_state == "pending"
    await world.settle()
    repaired = await again(world, sent)
    assert (repaired.row_id, repaired.run_state, repaired.run_error) == (sent.row_id, "done", None)
    assert len(told) == 1
    with pytest.raises(InterlockError) as caught:
        await world.call("forms.retry_submission", reference)
    assert caught.value.kind is Kind.CONFLICT


@pytest.mark.parametrize("trouble", [is_away, breaks])
async def test_what_a_passing_trouble_left_pending_a_job_finishes(
    world: World, told: list[FormSubmitted], monkeypatch: pytest.MonkeyPatch, trouble: Make
) -> None:
    form = await made(world)
    await linked(world, form)
    steps(monkeypatch, a_row, trouble)
    sent = await send(world, form)
    assert (sent.status, sent.row_state, sent.run_state, sent.settled_at) == ("received", "done", "pending", None)
    assert await waiting(world) == 1
    steps(monkeypatch, breaks, a_run)
    await hurry(world)
    done = await again(world, sent)
    assert (done.row_id, done.run_state) == (sent.row_id, "done")
    await finish(world, sent)
    assert (await again(world, sent)) == done, "finishing twice changes nothing"
    assert len(told) == 1


async def published(world: World, **values: Any) -> WorkflowId:
    nodes = [{"id": "start", "kind": "trigger"}]
    workflow = await world.call("workflows.create", {"name": "Greet", "nodes": nodes, **values})
    await world.call("workflows.update", {"workflow_id": workflow.id, "status": "published"})
    identity: WorkflowId = workflow.id
    return identity


async def test_the_linked_workflow_runs_with_the_answers(world: World, told: list[FormSubmitted]) -> None:
    form = await made(world, trigger_workflow=await published(world))
    sent = await send(world, form)
    assert sent.workflow_run_id is not None
    await world.settle()
    run = await world.call("runs.get", {"run_id": sent.workflow_run_id})
    assert (run.trigger, run.trigger_ref, run.input) == ("form", str(sent.id), DATA)
    assert (run.status, run.output) == ("completed", DATA)
    assert [event.run_id for event in told] == [run.id]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [("draft", "workflow_not_published"), ("deleted", "not_found"), ("no funds", "budget_exceeded")],
)
async def test_a_submission_survives_a_workflow_that_cannot_start(world: World, trouble: str, code: str) -> None:
    workflow = await published(world)
    form = await made(world, trigger_workflow=workflow)
    if trouble == "draft":
        await world.call("workflows.update", {"workflow_id": workflow, "status": "draft"})
    elif trouble == "deleted":
        await world.call("workflows.delete", {"workflow_id": workflow})
    else:
        await world.call("budget.update", {"monthly_cap": 0})
    sent = await send(world, form)
    assert (sent.status, sent.workflow_run_id, sent.run_state) == ("received", None, "failed")
    assert (sent.run_error or "").startswith(f"{code}: ")
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 1
    await world.call("budget.update", {"monthly_cap": 100})
    await world.call("forms.update", {"form_id": form.id, "trigger_workflow": await published(world)})
    await world.call("forms.retry_submission", {"form_id": form.id, "submission_id": sent.id})
    await world.settle()
    assert (await again(world, sent)).workflow_run_id is not None


async def test_a_crash_right_after_the_answers_are_kept_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await made(world)
    await linked(world, form)
    steps(monkeypatch, a_row, a_run)

    async def dies(*_: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(submissions, "_finish_now", dies)
    with pytest.raises(asyncio.CancelledError):
        await send(world, form)
    (kept,) = (await world.call("forms.list_submissions", {"form_id": form.id})).items
    assert (kept.row_state, kept.run_state) == ("pending", "pending")
    assert await waiting(world) == 1
    await finish(world, kept)
    assert (await again(world, kept)).run_state == "done"


async def test_a_step_and_its_mark_are_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers at the same submission make one run."""
    form = await made(world)
    await linked(world, form)
    runs: list[RunId] = []

    async def counted(ctx: Ctx, _form: Form, submission: Submission) -> RunId:
        await asyncio.sleep(0)
        runs.append(RunId.new())
        return runs[-1]

    steps(monkeypatch, a_row, is_away)
    sent = await send(world, form)
    steps(monkeypatch, a_row, counted)
    await asyncio.gather(*(finish(world, sent) for _ in range(4)))
    assert [(await again(world, sent)).workflow_run_id] == runs


async def test_a_link_taken_off_in_the_meantime_is_not_missed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    form = await made(world)
    await linked(world, form)
    steps(monkeypatch, refuses, refuses)
    sent = await send(world, form)
    await world.call("forms.update", {"form_id": form.id, "linked_table": None, "trigger_workflow": None})
    retried = await world.call("forms.retry_submission", {"form_id": form.id, "submission_id": sent.id})
    assert (retried.row_state, retried.run_state, retried.row_error) == ("none", "none", None)


async def test_simultaneous_senders_are_all_kept_and_counted(world: World) -> None:
    form = await made(world)
    await asyncio.gather(*(send(world, form) for _ in range(40)))
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 40
    (row,) = (await world.call("forms.list")).items
    assert row.submission_count == 40


async def test_the_same_key_twice_is_one_submission_however_fast(world: World) -> None:
    form = await made(world)
    sent = await asyncio.gather(*(send(world, form, idempotency_key="once") for _ in range(6)))
    assert len({one.id for one in sent}) == 1
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 1
    other = await made(world, slug="other")
    assert (await send(world, other, idempotency_key="once")).id != sent[0].id, "a key belongs to its form"
    with pytest.raises(InterlockError) as caught:
        await send(world, form, idempotency_key="once", data={"email": "eve@example.com"})
    assert caught.value.code == "idempotency_key_reused"


async def test_wrong_answers_are_refused_by_name_and_nothing_is_kept(world: World) -> None:
    form = await made(world)
    with pytest.raises(InterlockError) as caught:
        await send(world, form, data={"age": "old", "shoe": 9})
    assert caught.value.kind is Kind.INVALID
    assert [problem["field"] for problem in caught.value.data["problems"]] == ["email", "age", "shoe"]
    assert (await world.call("forms.list_submissions", {"form_id": form.id})).items == ()
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 0


@pytest.mark.parametrize("status", ["draft", "paused"])
async def test_only_a_published_form_is_there_for_the_public(world: World, status: str) -> None:
    form = await made(world, status=status)
    ctx = await world.ctx()
    async with ctx.begin(write=False) as unit:
        for owner in (submissions.owner_of(FormRef(form_id=form.id), unit), page.owner_of_slug(form.slug, unit)):
            with pytest.raises(InterlockError) as caught:
                await owner
            assert caught.value.kind is Kind.NOT_FOUND
    calls: dict[str, dict[str, Any]] = {
        "forms.submit": {"form_id": form.id, "data": DATA},
        "forms.open_page": {"slug": form.slug},
    }
    for name, command in calls.items():
        with pytest.raises(InterlockError) as caught:
            await world.call(name, command)
        assert caught.value.kind is Kind.NOT_FOUND
    await world.call("forms.update", {"form_id": form.id, "status": "published"})
    await send(world, form)


async def test_a_form_moves_only_along_its_life(world: World) -> None:
    form = await made(world, status="draft")
    with pytest.raises(InterlockError) as caught:
        await world.call("forms.update", {"form_id": form.id, "status": "paused"})
    assert caught.value.kind is Kind.CONFLICT


async def test_a_slug_is_taken_once_on_the_server(world: World, server: Server) -> None:
    form = await made(world)
    stranger = World(server, await server.another_workspace(), SAMPLES)
    with pytest.raises(InterlockError) as caught:
        await made(stranger)
    assert (caught.value.kind, caught.value.data["field"]) == (Kind.CONFLICT, "slug")
    other = await made(stranger, slug="other")
    with pytest.raises(InterlockError) as caught:
        await stranger.call("forms.update", {"form_id": other.id, "slug": form.slug})
    assert caught.value.kind is Kind.CONFLICT


@pytest.mark.parametrize(
    ("values", "field"),
    [({"linked_table": TableId.new()}, "linked_table"), ({"trigger_workflow": WorkflowId.new()}, "trigger_workflow")],
)
async def test_what_the_workspace_does_not_have_cannot_be_linked(
    world: World, server: Server, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InterlockError) as caught:
        await made(world, **values)
    assert (caught.value.kind, caught.value.data["field"]) == (Kind.INVALID, field)
    poor = World(server, (await world.call("accounts.create_key", {"name": "k", "scopes": ["forms"]})).secret, SAMPLES)
    with pytest.raises(InterlockError) as caught:
        await made(poor, **values)
    assert caught.value.kind is Kind.FORBIDDEN, "who may not use it may not have the public use it"


async def page_mark(world: World, form: Form, age: timedelta = timedelta(minutes=1)) -> str:
    ctx = await world.ctx()
    return marks.mint(ctx.runtime.secrets, form.id, ctx.now - age)


async def from_page(world: World, form: Form, token: str, trap: str = "") -> Submission:
    command = {"slug": form.slug, "answers": {"email": "ada@example.com"}, "token": token, "trap": trap}
    sent: Submission = await world.call("forms.send_page", command)
    return sent


async def test_spam_is_kept_apart_until_its_owner_accepts_it(
    world: World, told: list[FormSubmitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await made(world)
    await linked(world, form)
    steps(monkeypatch, a_row, a_run)
    trapped = await from_page(world, form, await page_mark(world, form), trap="x")
    hasty = await from_page(world, form, await page_mark(world, form, timedelta(0)))
    assert {one.status for one in (trapped, hasty)} == {"spam"}
    assert {one.row_state for one in (trapped, hasty)} == {"none"}
    assert "hidden field" in (trapped.spam_reason or "")
    assert "within 2 seconds" in (hasty.spam_reason or "")
    assert await waiting(world) == 0
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 0
    spam = await world.call("forms.list_submissions", {"form_id": form.id, "status": "spam"})
    assert [one.id for one in spam.items] == [hasty.id, trapped.id]
    await world.call("forms.retry_submission", {"form_id": form.id, "submission_id": hasty.id})
    await world.settle()
    accepted = await again(world, hasty)
    assert (accepted.status, accepted.row_state, accepted.run_state) == ("received", "done", "done")
    assert (await world.call("forms.get", {"form_id": form.id})).submission_count == 1
    assert [event.submission_id for event in told] == [hasty.id]


async def test_a_page_sent_twice_is_one_submission_and_an_old_or_foreign_mark_is_none(world: World) -> None:
    form, other = await made(world), await made(world, slug="other")
    token = await page_mark(world, form)
    assert (await from_page(world, form, token)).id == (await from_page(world, form, token)).id
    shown, nonce, mac = token.split(".")
    for wrong in (
        "",
        "x",
        await page_mark(world, other),
        await page_mark(world, form, marks.LONGEST_OPEN + timedelta(seconds=1)),
        f"{int(shown) + 1}.{nonce}.{mac}",
        f"{shown}.{nonce}0.{mac}",
        f"{shown}.{nonce}.{mac[:-1]}",
        f"{shown}.{nonce}.é",
        f"²{shown}.{nonce}.{mac}",
    ):
        with pytest.raises(InterlockError) as caught:
            await from_page(world, form, wrong)
        assert caught.value.code == "page_expired", wrong


async def test_with_the_form_goes_all_that_was_sent_to_it(world: World) -> None:
    form, other = await made(world), await made(world, slug="other")
    for target in (form, form, other):
        await send(world, target)
    await world.call("forms.delete", {"form_id": form.id})
    await world.settle()
    async with (await world.ctx()).begin(write=False) as unit:
        session = await unit.session()
        left = (await session.execute(select(form_submissions.c.form_id))).scalars().all()
        counts = (await session.execute(select(form_counts.c.form_id))).scalars().all()
    assert (left, set(counts)) == ([other.id], {other.id})


async def test_one_submission_can_be_removed_and_belongs_to_its_form_only(world: World) -> None:
    form, other = await made(world), await made(world, slug="other")
    sent = await send(world, form)
    with pytest.raises(InterlockError):
        await world.call("forms.delete_submission", {"form_id": other.id, "submission_id": sent.id})
    await world.call("forms.delete_submission", {"form_id": form.id, "submission_id": sent.id})
    assert (await world.call("forms.list_submissions", {"form_id": form.id})).items == ()
    with pytest.raises(InterlockError):
        await world.call("forms.list_submissions", {"form_id": FormId.new()})


async def test_everything_sent_to_a_form_comes_out_as_a_file_that_runs_nothing(world: World, server: Server) -> None:
    form = await made(world, fields=[{"name": "words", "type": "text"}, {"name": "old", "type": "text"}])
    for data in ({"words": "=1+1", "old": "gone"}, {"words": "plain, with a comma"}):
        await world.call("forms.submit", {"form_id": form.id, "data": data})
    await world.call("forms.update", {"form_id": form.id, "fields": [{"name": "words", "type": "text"}]})
    answer = await server.get(f"/api/v1/forms/{form.id}/export")
    assert answer.headers["content-disposition"] == f'attachment; filename="{form.slug}.csv"'
    header, first, second = csv.reader(answer.text.splitlines())
    assert header == ["submission", "sent at", "status", "row", "run", "words", "other answers"]
    assert (first[2], first[5:]) == ("received", ["'=1+1", '{"old":"gone"}'])
    assert second[5:] == ["plain, with a comma", ""]
    assert (await server.get(f"/api/v1/forms/{FormId.new()}/export")).status_code == 404


async def test_spam_goes_after_a_month(world: World) -> None:
    form = await made(world)
    old, fresh = [await from_page(world, form, await page_mark(world, form), trap="x") for _ in range(2)]
    kept = await send(world, form)
    ctx = await world.ctx()
    async with ctx.begin() as unit:
        long_ago = update(form_submissions).values(created_at=ctx.now - timedelta(days=31))
        where = form_submissions.c.guid.in_([old.id, kept.id])
        await (await unit.session()).execute(long_ago.where(where))
    await jobs.purge_spam(ctx)
    left = (await world.call("forms.list_submissions", {"form_id": form.id})).items
    assert {one.id for one in left} == {fresh.id, kept.id}
