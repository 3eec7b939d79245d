"""The life of a document."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class DocumentStatus(StrEnum):
    """A document is received, its text is extracted, and it is ready to be searched; or it failed and says why."""

    RECEIVED = "received"
    EXTRACTING = "extracting"
    READY = "ready"
    FAILED = "failed"


LIFECYCLE = Lifecycle(
    "document",
    {
        # A document that is replaced is received again, however far its reading had come.
        DocumentStatus.RECEIVED: frozenset({DocumentStatus.RECEIVED, DocumentStatus.EXTRACTING}),
        DocumentStatus.EXTRACTING: frozenset({DocumentStatus.RECEIVED, DocumentStatus.READY, DocumentStatus.FAILED}),
        DocumentStatus.READY: frozenset({DocumentStatus.RECEIVED}),
        DocumentStatus.FAILED: frozenset({DocumentStatus.RECEIVED}),
    },
)
