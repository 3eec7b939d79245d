"""Operations on submissions: send one in, read them, retry, delete."""

from typing import Annotated, Any

import structlog
from pydantic import Field

from interlock.domains.forms import delivery, repository
from interlock.domains.forms.answers import checked
from interlock.domains.forms.errors import nothing_to_retry
from interlock.domains.forms.repository import Forms, Submissions
from interlock.domains.forms.service.definition import FormRef
from interlock.domains.forms.states import Delivery, FormStatus, SubmissionStatus
from interlock.domains.forms.views import Form, FormId, Submission, SubmissionId
from interlock.kit.errors import not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.jobs import JobId

log = structlog.get_logger(__name__)

_RETRIABLE = frozenset({Delivery.FAILED, Delivery.PENDING})


class SubmitForm(Command):
    """Answers to a form."""

    form_id: FormId
    data: Annotated[dict[str, Any], Field(description="Answers by field name.")]
    idempotency_key: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Sent twice, the form is submitted once.")
    ] = None


class ListSubmissions(PageQuery):
    """Of which form, which of them, and which page."""

    form_id: FormId
    status: SubmissionStatus | None = None


class SubmissionRef(Command):
    """Which submission of which form."""

    form_id: FormId
    submission_id: SubmissionId


async def owner_of(command: SubmitForm | FormRef, ctx: Ctx) -> WorkspaceId:
    """Whose published form it is; raises not_found for any other."""
    found = await repository.owner(ctx, command.form_id)
    if found is None:
        raise not_found("form", command.form_id)
    return found


@operation("forms.submit", effect=Effect.EXTERNAL, public=True)
async def submit(ctx: Ctx, command: SubmitForm) -> Submission:
    """Send a form in: the answers are kept, then go into the linked table and start the linked workflow."""
    return await receive(ctx, command.form_id, command.data, once=command.idempotency_key)


async def receive(
    ctx: Ctx, form_id: FormId, given: dict[str, Any], *, once: str | None = None, doubt: str | None = None
) -> Submission:
    """Check answers, keep them, and do what follows.

    Args:
        ctx: without a unit of work.
        once: what the sender calls this sending; a second one with the same answers is the first one again.
        doubt: why it looks like spam; then nothing follows.
    """
    async with ctx.begin() as unit:
        form = await _open(unit, form_id)
        submission, insurance = await delivery.store(unit, form, checked(form.fields, given), once=once, doubt=doubt)
    if delivery.pending(submission):
        await _finish_now(ctx, submission.id, insurance)
        async with ctx.begin(write=False) as unit:
            return await Submissions(unit).get(submission.id)
    return submission


async def _finish_now(ctx: Ctx, submission_id: SubmissionId, insurance: JobId | None) -> None:
    """What cannot be done now a job does later: the sender has done their part."""
    try:
        await delivery.finish(ctx, submission_id, insurance)
    except Exception as error:
        log.warning("what follows a submission is left to a job", submission=str(submission_id), exc_info=error)


async def _open(ctx: Ctx, form_id: FormId) -> Form:
    form = await Forms(ctx).shared(form_id)
    if form is None or form.status is not FormStatus.PUBLISHED:
        raise not_found("form", form_id)
    return form


@operation("forms.list_submissions", scope="forms")
async def list_submissions(ctx: Ctx, command: ListSubmissions) -> Page[Submission]:
    """List what was sent to a form, newest first, with what has become of it."""
    await Forms(ctx).get(command.form_id)
    return await Submissions(ctx).of_form(command.form_id, command, command.status)


@operation("forms.get_submission", scope="forms")
async def get_submission(ctx: Ctx, command: SubmissionRef) -> Submission:
    """Show one submission and why its row or its run failed, if they did."""
    return _of_form(command, await Submissions(ctx).get(command.submission_id))


def _of_form(command: SubmissionRef, submission: Submission | None) -> Submission:
    if submission is None or submission.form_id != command.form_id:
        raise not_found("submission", command.submission_id)
    return submission


@operation("forms.retry_submission", scope="forms", effect=Effect.WRITE)
async def retry_submission(ctx: Ctx, command: SubmissionRef) -> Submission:
    """Make the row and the run that failed, or accept what was held as spam; the work is done right afterwards."""
    submission = _of_form(command, await Submissions(ctx).hold(command.submission_id))
    states = {submission.row_state, submission.run_state}
    if submission.status is not SubmissionStatus.SPAM and not states & _RETRIABLE:
        raise nothing_to_retry()
    return await delivery.begin_again(ctx, await Forms(ctx).get(command.form_id), submission)


@operation("forms.delete_submission", scope="forms", effect=Effect.WRITE)
async def delete_submission(ctx: Ctx, command: SubmissionRef) -> SubmissionId:
    """Remove one submission with its answers; the form's count, its row and its run stay."""
    _of_form(command, await Submissions(ctx).hold(command.submission_id))
    await Submissions(ctx).remove(command.submission_id)
    return command.submission_id
