"""Refusals of the AI registry."""

from interlock.kit.errors import InterlockError, invalid


def reason_missing() -> InterlockError:
    """A score that a person sets is evidence, and evidence needs a reason."""
    return invalid(
        "An override or tag needs a reason.", field="reason", hint="Say in one sentence why the score should differ."
    )
