"""The operation that writes what was sent to a form as CSV, in pieces as they are read."""

from collections.abc import AsyncIterator

import orjson

from interlock.domains.forms.repository import Forms, Submissions
from interlock.domains.forms.service.definition import FormRef
from interlock.domains.forms.views import Form, Submission, SubmissionExport
from interlock.kit.clock import iso_seconds
from interlock.kit.csv_text import csv_bytes, csv_cell
from interlock.kit.operations import Effect, operation
from interlock.runtime.context import Ctx

_FIRST = ("submission", "sent at", "status", "row", "run")
_REST = "other answers"


@operation("forms.export_submissions", scope="forms", effect=Effect.EXTERNAL)
async def export_submissions(ctx: Ctx, command: FormRef) -> SubmissionExport:
    """Export what was sent to a form as CSV, oldest first; answers to former questions are in the last column."""
    async with ctx.begin(write=False) as reading:
        form = await Forms(reading).get(command.form_id)
    return SubmissionExport("text/csv; charset=utf-8", f"{form.slug}.csv", _csv(ctx, form))


async def _csv(ctx: Ctx, form: Form) -> AsyncIterator[bytes]:
    names = [field.name for field in form.fields]
    yield csv_bytes([[*_FIRST, *map(csv_cell, names), _REST]])
    after = 0
    while True:
        async with ctx.begin(write=False) as reading:
            batch = await Submissions(reading).after(form.id, after)
        if not batch:
            return
        after = batch[-1].number
        yield csv_bytes([_line(names, submission) for submission in batch])


def _line(names: list[str], submission: Submission) -> list[str]:
    rest = {name: value for name, value in submission.data.items() if name not in names}
    return [
        str(submission.id),
        iso_seconds(submission.created_at),
        submission.status.value,
        submission.row_error or str(submission.row_id or ""),
        submission.run_error or str(submission.workflow_run_id or ""),
        *(_cell(submission.data.get(name)) for name in names),
        orjson.dumps(rest).decode() if rest else "",
    ]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value) if isinstance(value, str) else "" if value is None else str(value)
