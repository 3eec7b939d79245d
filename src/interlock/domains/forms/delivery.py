"""From an answer to its row and its run, so that nothing is lost in between.

The submission commits first and alone. Row and run follow in units of work of their own, each together with its mark on
the submission: a step is either done and marked, or neither. Savepoints in one unit would undo the rows of a failed
step, but not what it asked to happen after the commit. A job that is due in a minute finishes what a crash, or a
database in trouble, left pending; when all went well it is withdrawn before.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from interlock.domains.forms import links, repository
from interlock.domains.forms.errors import key_reused
from interlock.domains.forms.events import FormSubmitted
from interlock.domains.forms.repository import Forms, Submissions
from interlock.domains.forms.states import Delivery, SubmissionStatus
from interlock.domains.forms.views import Form, Submission, SubmissionId
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Command
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import JobId

log = structlog.get_logger(__name__)

FINISH = "forms.finish"
_PATIENCE = timedelta(minutes=1)
_LONGEST_ERROR = 1_000
_PASSING = frozenset({Kind.UNAVAILABLE, Kind.INTERNAL, Kind.RATE_LIMITED, Kind.UPSTREAM, Kind.UPSTREAM_TIMEOUT})


class FinishSubmission(Command):
    """Which submission may have something left to do."""

    submission_id: SubmissionId


@dataclass(frozen=True, slots=True)
class _Step:
    """One consequence: which columns tell of it, and how it is made."""

    state: str
    made: str
    error: str
    wanted: Callable[[Form], bool]
    make: Callable[[Ctx, Form, Submission], Awaitable[Any]]


_ROW = _Step(
    "row_state",
    "row_id",
    "row_error",
    lambda form: form.linked_table is not None,
    links.append_row,
)
_RUN = _Step(
    "run_state",
    "workflow_run_id",
    "run_error",
    lambda form: form.trigger_workflow is not None,
    links.start_run,
)
_STEPS = (_ROW, _RUN)


async def store(
    ctx: Ctx, form: Form, answers: dict[str, Any], *, once: str | None, doubt: str | None
) -> tuple[Submission, JobId | None]:
    """Keep a submission, once per key; tells also the job that would finish it.

    Args:
        once: what the sender calls this sending.
        doubt: why it looks like spam.
    """
    submissions, key = Submissions(ctx), SubmissionId.new()
    once_key = None if once is None else ctx.runtime.secrets.keyed_digest(["forms.once", once])
    states = {step.state: Delivery.PENDING if doubt is None and step.wanted(form) else Delivery.NONE for step in _STEPS}
    waits = Delivery.PENDING in states.values()
    row = {
        "guid": key,
        "form_id": form.id,
        "status": SubmissionStatus.RECEIVED if doubt is None else SubmissionStatus.SPAM,
        "spam_reason": doubt,
        "data": answers,
        "once_key": once_key,
        "created_at": ctx.now,
        "settled_at": None if waits or doubt is not None else ctx.now,
        **states,
    }
    if not await submissions.add_once(row):
        earlier = await submissions.of_key(form.id, once_key or "")
        if earlier is None or earlier.data != answers:
            raise key_reused()
        return earlier, None
    job = None
    if doubt is None:
        await repository.count_one(ctx, key, form.id)
        if waits:
            job = await _order(ctx, key, ctx.now + _PATIENCE)
        else:
            await ctx.emit(FormSubmitted(form_id=form.id, submission_id=key, run_id=None))
    return await submissions.get(key), job


async def _order(ctx: Ctx, submission_id: SubmissionId, at: datetime) -> JobId:
    return await ctx.runtime.jobs.enqueue(ctx, FINISH, FinishSubmission(submission_id=submission_id), at=at)


async def begin_again(ctx: Ctx, form: Form, submission: Submission) -> Submission:
    """Make what failed, or what was held as spam, pending once more; a job does it at once."""
    was_spam = submission.status is SubmissionStatus.SPAM
    values: dict[str, Any] = {"status": SubmissionStatus.RECEIVED}
    for step in _STEPS:
        if was_spam or getattr(submission, step.state) in {Delivery.FAILED, Delivery.PENDING}:
            values[step.state] = Delivery.PENDING if step.wanted(form) else Delivery.NONE
            values[step.error] = None
    changed = await Submissions(ctx).change(submission.id, values)
    if was_spam:
        await repository.count_one(ctx, submission.id, form.id)
    if pending(changed):
        await _order(ctx, submission.id, ctx.now)
        return changed
    return await _settle(ctx, changed, None)


def pending(submission: Submission) -> bool:
    """Whether a consequence is still to come."""
    return any(getattr(submission, step.state) is Delivery.PENDING for step in _STEPS)


async def finish(ctx: Ctx, submission_id: SubmissionId, insurance: JobId | None = None) -> None:
    """Do what is pending; what cannot be done is recorded on the submission.

    Args:
        ctx: without a unit of work.
        insurance: the job to withdraw once nothing is pending.

    Raises:
        InterlockError: the database, or something else that passes, stood in the way; the step is still pending.
    """
    for step in _STEPS:
        try:
            await _take(ctx, submission_id, step, insurance)
        except InterlockError as error:
            if error.kind in _PASSING:
                raise
            await _give_up(ctx, submission_id, step, error, insurance)


async def _take(ctx: Ctx, submission_id: SubmissionId, step: _Step, insurance: JobId | None) -> None:
    async with ctx.begin() as unit:
        submission = await Submissions(unit).hold(submission_id)
        if submission is None or getattr(submission, step.state) is not Delivery.PENDING:
            return
        form = await Forms(unit).get(submission.form_id)
        if step.wanted(form):
            made = await step.make(unit, form, submission)
            values = {step.state: Delivery.DONE, step.made: made, step.error: None}
        else:  # the link was taken off in the meantime
            values = {step.state: Delivery.NONE}
        await _mark(unit, submission_id, values, insurance)


async def _give_up(
    ctx: Ctx, submission_id: SubmissionId, step: _Step, error: InterlockError, insurance: JobId | None
) -> None:
    async with ctx.begin() as unit:
        submission = await Submissions(unit).hold(submission_id)
        if submission is None or getattr(submission, step.state) is not Delivery.PENDING:
            return
        log.warning("a submission is kept, but what should follow failed", step=step.state, code=error.code)
        words = f"{error.code}: {error.message}"[:_LONGEST_ERROR]
        await _mark(unit, submission_id, {step.state: Delivery.FAILED, step.error: words}, insurance)


async def _mark(ctx: Ctx, submission_id: SubmissionId, values: dict[str, Any], insurance: JobId | None) -> None:
    marked = await Submissions(ctx).change(submission_id, values)
    if not pending(marked):
        await _settle(ctx, marked, insurance)


async def _settle(ctx: Ctx, submission: Submission, insurance: JobId | None) -> Submission:
    """Nothing more is to come: say so once, and let the job go that would have seen to it."""
    if insurance is not None:
        await ctx.runtime.jobs.withdraw(ctx, insurance)
    if submission.settled_at is not None:
        return submission
    await ctx.emit(
        FormSubmitted(form_id=submission.form_id, submission_id=submission.id, run_id=submission.workflow_run_id)
    )
    return await Submissions(ctx).change(submission.id, {"settled_at": ctx.now})
