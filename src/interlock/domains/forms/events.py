"""News of the forms domain."""

from typing import ClassVar

from interlock.domains.forms.views import FormId, SubmissionId
from interlock.kit.ids import RunId
from interlock.runtime.events import Event


class FormSubmitted(Event):
    """A form was filled in, and its row and its run have been made, or could not be; told once per submission."""

    name: ClassVar[str] = "forms.submitted"

    form_id: FormId
    submission_id: SubmissionId
    run_id: RunId | None
