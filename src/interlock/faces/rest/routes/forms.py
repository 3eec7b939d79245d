"""Routes about forms and submissions; the public page is in `forms_page`."""

from interlock.domains.forms.service import definition as forms
from interlock.domains.forms.service import submissions
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.forms import FormCreated, FormDetail, FormRow, SubmissionDetail, SubmissionReceipt

_ONE = "/api/v1/forms/{form_id}"
_SUBMISSION = "/api/v1/forms/{form_id}/submissions/{submission_id}"

ROUTES: tuple[NativeRoute, ...] = (
    route("POST", f"{_ONE}/submit", submissions.submit, SubmissionReceipt, allowed=None, owner=submissions.owner_of),
    route("GET", "/api/v1/forms", forms.list_, list[FormRow]),
    route("POST", "/api/v1/forms", forms.create, FormCreated),
    route("GET", _ONE, forms.get, FormDetail),
    route("PATCH", _ONE, forms.update, FormDetail),
    route("DELETE", _ONE, forms.delete, Deleted),
    route("GET", f"{_ONE}/submissions", submissions.list_submissions, list[SubmissionDetail]),
    route("GET", _SUBMISSION, submissions.get_submission, SubmissionDetail),
    route("DELETE", _SUBMISSION, submissions.delete_submission, Deleted),
    route("POST", f"{_SUBMISSION}/retry", submissions.retry_submission, SubmissionDetail),
)
