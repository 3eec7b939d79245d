"""What can go wrong with documents beyond the general kinds."""

from interlock.kit.errors import InterlockError, Kind


def too_large(limit: int) -> InterlockError:
    """More bytes than this server takes in one file."""
    return InterlockError(
        Kind.TOO_LARGE,
        f"The file is larger than {limit} bytes.",
        code="document_too_large",
        data={"limit_bytes": limit},
        hint="Split it into parts, or have the operator raise INTERLOCK_MAX_UPLOAD_BYTES.",
    )
