"""Work of the forms domain that nobody waits for."""

from datetime import timedelta

from interlock.domains.forms import repository
from interlock.domains.forms.delivery import FINISH, FinishSubmission, finish
from interlock.domains.forms.repository import Submissions
from interlock.domains.forms.views import FormId
from interlock.kit.operations import Command
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

ERASE = "forms.erase"
PURGE_SPAM = "forms.purge_spam"
_SPAM_KEPT = timedelta(days=30)


class EraseSubmissions(Command):
    """Whose submissions go: a form that was deleted."""

    form_id: FormId


async def finish_later(ctx: Ctx, order: FinishSubmission) -> None:
    """Do what a submission was still waiting for."""
    await finish(ctx, order.submission_id)


async def erase(ctx: Ctx, order: EraseSubmissions) -> None:
    """Delete what was sent to a deleted form, a batch at a time, so that others may write in between."""
    has_more = True
    while has_more:
        async with ctx.begin() as unit:
            has_more = await Submissions(unit).erase(order.form_id)
    async with ctx.begin() as unit:
        await repository.forget_counts(unit, order.form_id)


async def purge_spam(ctx: Ctx) -> None:
    """Delete what has been held as spam for a month."""
    has_more = True
    while has_more:
        async with ctx.begin() as unit:
            has_more = await repository.drop_spam(unit, ctx.now - _SPAM_KEPT)


def register(jobs: Jobs) -> None:
    """Wire the jobs; called once by the composition root."""
    jobs.register(FINISH, FinishSubmission, finish_later)
    jobs.register(ERASE, EraseSubmissions, erase)
    daily.register(jobs, PURGE_SPAM, purge_spam)
