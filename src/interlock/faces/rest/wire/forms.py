"""Native replies about forms and submissions."""

from typing import Annotated, Any

from pydantic import Field, SerializationInfo, field_serializer

from interlock.domains.forms.states import Delivery, FormStatus, SubmissionStatus
from interlock.domains.forms.views import FormField, FormId, SubmissionId
from interlock.domains.tables.views import RowId, TableId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.kit.ids import RunId, WorkflowId

Address = Annotated[str, Field(alias="slug", serialization_alias="public_url", description="The form's public page.")]


class FormCreated(Wire):
    """The short view of a new form."""

    id: FormId
    name: str
    slug: str
    public_url: Address
    status: FormStatus
    created_at: Timestamp

    @field_serializer("public_url")
    def _absolute(self, slug: str, info: SerializationInfo) -> str:
        return f"{(info.context or {}).get('base_url', '')}/f/{slug}"


class FormRow(FormCreated):
    """A form in a list: without its fields."""

    submission_count: int
    linked_table: TableId | None
    trigger_workflow: WorkflowId | None


class FormDetail(FormRow):
    """A form in full."""

    description: str | None
    thanks: str | None
    fields: tuple[FormField, ...]
    embed_origins: tuple[str, ...]
    updated_at: Timestamp


class SubmissionReceipt(Wire):
    """What the sender of a form is told."""

    id: SubmissionId
    form_id: FormId
    status: SubmissionStatus
    workflow_run_id: RunId | None
    created_at: Timestamp


class SubmissionDetail(SubmissionReceipt):
    """A submission as the form's owner sees it."""

    spam_reason: str | None
    data: dict[str, Any]
    row_state: Delivery
    row_id: RowId | None
    row_error: str | None
    run_state: Delivery
    run_error: str | None
    settled_at: Timestamp | None
