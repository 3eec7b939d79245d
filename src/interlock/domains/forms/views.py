"""What other domains and faces see of forms and submissions."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from interlock.domains.forms.states import Delivery, FieldType, FormStatus, SubmissionStatus
from interlock.domains.tables.views import RowId, TableId
from interlock.kit.ids import RunId, TypedId, WorkflowId
from interlock.kit.operations import Command, View

LONGEST_ANSWER = 100_000
_BOUNDED = frozenset({FieldType.TEXT, FieldType.TEXTAREA, FieldType.EMAIL})
_TICKED = frozenset({FieldType.BOOLEAN, FieldType.CHECKBOX})

# No control characters, and no underscore in front: such names belong to the page itself.
FieldName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[^_\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$",
        description="The answer's key; unique within the form.",
    ),
]
Option = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S([^\x00-\x1f\x7f]*\S)?$")]


class FormId(TypedId):
    """A form."""

    prefix: ClassVar[str] = "frm"


class SubmissionId(TypedId):
    """One filled-in form."""

    prefix: ClassVar[str] = "sub"


class FormField(Command):
    """One question of a form."""

    name: FieldName
    type: FieldType
    label: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")] | None = None
    required: bool = False
    options: Annotated[tuple[Option, ...], Field(max_length=200, description="For select: what may be chosen.")] = ()
    placeholder: Annotated[str, Field(max_length=200)] | None = None
    help: Annotated[str, Field(max_length=1_000, description="Shown beside the question.")] | None = None
    max_length: Annotated[int, Field(ge=1, le=LONGEST_ANSWER, description="Most characters of the answer.")] | None = (
        None
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.type is FieldType.SELECT and not self.options:
            raise ValueError(f"field '{self.name}' is a select, so it needs options")
        if self.type is not FieldType.SELECT and self.options:
            raise ValueError(f"field '{self.name}' is a {self.type.value}; only a select takes options")
        if len(set(self.options)) < len(self.options):
            raise ValueError(f"field '{self.name}' offers an option twice")
        if self.max_length is not None and self.type not in _BOUNDED:
            raise ValueError(f"field '{self.name}' is a {self.type.value}, which has no max_length")
        if self.placeholder is not None and self.type in _TICKED | {FieldType.DATE}:
            raise ValueError(f"field '{self.name}' is a {self.type.value}, which shows no placeholder")
        return self


class Form(View):
    """A form as its owner sees it."""

    id: FormId
    number: int
    name: str
    slug: str
    description: str | None
    thanks: str | None
    fields: tuple[FormField, ...]
    linked_table: TableId | None
    trigger_workflow: WorkflowId | None
    embed_origins: tuple[str, ...]
    status: FormStatus
    submission_count: int = 0
    created_at: datetime
    updated_at: datetime


class FormPage(View):
    """What the public page of a form shows."""

    id: FormId
    name: str
    slug: str
    description: str | None
    thanks: str | None
    fields: tuple[FormField, ...]
    embed_origins: tuple[str, ...]
    token: str


class Submission(View):
    """One filled-in form, and what has become of it."""

    id: SubmissionId
    number: int
    form_id: FormId
    status: SubmissionStatus
    spam_reason: str | None
    data: dict[str, Any]
    row_state: Delivery
    row_id: RowId | None
    row_error: str | None
    run_state: Delivery
    workflow_run_id: RunId | None
    run_error: str | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubmissionExport:
    """A file as it is being written."""

    media_type: str
    filename: str
    chunks: AsyncIterator[bytes]
