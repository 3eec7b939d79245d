"""What was sent to a form: with what became of it, to retry, to accept, to delete, to take out as a file."""

from typing import Any

from starlette.responses import Response

from interlock.domains.forms.service import definition as forms
from interlock.domains.forms.service import exports, submissions
from interlock.domains.forms.states import Delivery, SubmissionStatus
from interlock.domains.forms.views import Submission
from interlock.faces.dashboard.render import attachment, go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit

_LISTED = 30


async def listed(visit: Visit) -> Response:
    """The submissions of a form, newest first."""
    return html(visit, "forms/submissions.html", **await _sent(visit))


async def part(visit: Visit) -> Response:
    """The list alone."""
    return html(visit, "forms/_submissions.html", **await _sent(visit))


async def _sent(visit: Visit) -> dict[str, Any]:
    form = await visit.call(forms.get, visit.command(forms.FormRef, {}, "form_id"))
    filters = {name: visit.query[name] for name in ("status",) if name in visit.query}
    wanted = {**filters, "limit": _LISTED, "offset": visit.query.get("offset", 0)}
    found = await visit.call(
        submissions.list_submissions, visit.command(submissions.ListSubmissions, wanted, "form_id")
    )
    return {"form": form, "page": found, "kind": filters.get("status", ""), "may_retry": _may_retry}


def _may_retry(submission: Submission) -> bool:
    return submission.status is SubmissionStatus.SPAM or Delivery.FAILED in {
        submission.row_state,
        submission.run_state,
    }


async def retry(visit: Visit) -> Response:
    """Do again what failed, or accept what was held as spam."""
    ref = visit.command(submissions.SubmissionRef, {}, "form_id", "submission_id")
    await visit.call(submissions.retry_submission, ref)
    return go(visit, f"/forms/{ref.form_id}/submissions", said="It is being done again.")


async def delete(visit: Visit) -> Response:
    """Delete one submission."""
    ref = visit.command(submissions.SubmissionRef, {}, "form_id", "submission_id")
    await visit.call(submissions.delete_submission, ref)
    return go(visit, f"/forms/{ref.form_id}/submissions", said="Deleted; its row and its run stay.")


async def export(visit: Visit) -> Response:
    """Everything that was sent, as CSV."""
    found = await visit.call(exports.export_submissions, visit.command(forms.FormRef, {}, "form_id"))
    return attachment(found.filename, found.chunks, found.media_type)


ROUTES = (
    page("/forms/{form_id}/submissions", listed),
    page("/forms/{form_id}/submissions/_list", part),
    page("/forms/{form_id}/submissions/export", export),
    action("/forms/{form_id}/submissions/{submission_id}/retry", retry),
    action("/forms/{form_id}/submissions/{submission_id}/delete", delete),
)
