"""The life of a form, of a submission, and of what a submission sets going."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class FormStatus(StrEnum):
    """Only a published form is there for the public."""

    PUBLISHED = "published"
    PAUSED = "paused"
    DRAFT = "draft"


LIFECYCLE = Lifecycle(
    "form",
    {
        FormStatus.DRAFT: frozenset({FormStatus.PUBLISHED}),
        FormStatus.PUBLISHED: frozenset({FormStatus.PAUSED}),
        FormStatus.PAUSED: frozenset({FormStatus.PUBLISHED}),
    },
)


class FieldType(StrEnum):
    """How a question is answered. A `boolean` asks for yes or no; a `checkbox` left alone means no."""

    TEXT = "text"
    TEXTAREA = "textarea"
    SELECT = "select"
    EMAIL = "email"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    CHECKBOX = "checkbox"


class SubmissionStatus(StrEnum):
    """What looks like spam is kept for the owner to judge; nothing follows from it until the owner says so."""

    RECEIVED = "received"
    SPAM = "spam"


class Delivery(StrEnum):
    """Where one consequence of a submission stands: its row, or its run."""

    NONE = "none"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
