"""What can go wrong in a conversation."""

from interlock.kit.errors import InterlockError, conflict


def turn_in_progress() -> InterlockError:
    """Somebody else's turn is not over, and patience is."""
    return conflict(
        "This conversation is still busy with an earlier message.",
        code="turn_in_progress",
        hint="Wait for its answer, then send again.",
    )


def turn_lost() -> InterlockError:
    """The turn ran out, as after a long freeze of this server, and someone else may have spoken since."""
    return conflict("This turn is over; nothing was added to the conversation.", code="turn_lost", hint="Send again.")


def not_the_last() -> InterlockError:
    """More was said after it."""
    return conflict("Only the last message of a conversation can be taken back.", code="not_the_last_message")
