"""What can go wrong with documents beyond the general kinds."""

from interlock.domains.documents.states import DocumentStatus
from interlock.kit.errors import InterlockError, Kind, conflict


def too_large(limit: int) -> InterlockError:
    """More bytes than this server takes in one file."""
    return InterlockError(
        Kind.TOO_LARGE,
        f"The file is larger than {limit} bytes.",
        code="document_too_large",
        data={"limit_bytes": limit},
        hint="Split it into parts, or have the operator raise INTERLOCK_MAX_UPLOAD_BYTES.",
    )


def not_failed(status: DocumentStatus) -> InterlockError:
    """Only a reading that failed can be tried again."""
    return conflict(
        f"The document is {status.value}; only a failed reading can be tried again.",
        code="not_failed",
        hint="To read other bytes, replace the document.",
        status=status.value,
    )
