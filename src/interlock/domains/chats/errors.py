"""What can go wrong in a chat."""

from interlock.kit.errors import InterlockError, conflict


def still_answering() -> InterlockError:
    """One answer at a time."""
    return conflict(
        "The answer to the message before is still being written.",
        code="turn_in_progress",
        hint="Wait for it, or stop it.",
    )


def nothing_to_stop() -> InterlockError:
    """No answer is being written."""
    return conflict("No answer is being written in this conversation.", code="no_turn")


def nothing_to_repeat() -> InterlockError:
    """Nothing was asked."""
    return conflict("Nothing was said in this conversation yet.", code="no_turn", hint="Send a message first.")


def long_over() -> InterlockError:
    """The pieces of an old answer are gone."""
    return conflict("This answer has ended.", code="turn_over", hint="Its text is in the conversation.")
