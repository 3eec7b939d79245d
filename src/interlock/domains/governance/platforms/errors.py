"""Refusals of the platform connections; none of them repeats the token that was sent."""

from interlock.kit.errors import InterlockError, Kind


def unknown_connection() -> InterlockError:
    """Nobody's URL, or one that was rotated away or disconnected: the three look alike."""
    return InterlockError(
        Kind.NOT_FOUND,
        "No connected platform has this URL.",
        hint="Copy the webhook URL of a connection from GET /api/v1/platforms.",
    )
