"""What can be wrong with a form or with an answer."""

from collections.abc import Sequence
from typing import Any

from interlock.kit.errors import InterlockError, Kind, conflict, invalid

PAGE_EXPIRED = "page_expired"


def wrong_answers(problems: Sequence[dict[str, Any]]) -> InterlockError:
    """Answers that do not fit their fields; each problem names its field."""
    first = problems[0]
    others = f" ({len(problems) - 1} more in `problems`)" if len(problems) > 1 else ""
    return invalid(
        f"'{first['field']}': {first['problem']}{others}.",
        field=first["field"],
        hint="Correct the named answers and send the form again.",
        problems=list(problems),
    )


def too_much(limit: int) -> InterlockError:
    """All answers together are larger than a submission may be."""
    return InterlockError(
        Kind.TOO_LARGE,
        f"The answers are larger than {limit} bytes together.",
        code="submission_too_large",
        data={"limit_bytes": limit},
        hint="Shorten the longest answer.",
    )


def slug_taken() -> InterlockError:
    """Addresses are unique on the whole server."""
    return conflict(
        "The slug is taken.",
        field="slug",
        hint="Choose another slug: it is the address of the form's public page.",
    )


def key_reused() -> InterlockError:
    """The same key came with other answers before."""
    return conflict(
        "This idempotency key was used for other answers.",
        code="idempotency_key_reused",
        field="idempotency_key",
        hint="Use a fresh key for other answers; send the same answers to repeat a submission.",
    )


def page_expired() -> InterlockError:
    """The page's own mark is missing, of another form, or too old."""
    return InterlockError(
        Kind.INVALID,
        "This page was open for too long.",
        code=PAGE_EXPIRED,
        data={"field": "_token"},
        hint="Check your answers and send them again.",
    )


def nothing_to_retry() -> InterlockError:
    """Everything that should follow from the submission has followed."""
    return conflict(
        "Nothing is left to do for this submission: it is no spam, and its row and its run have not failed.",
        hint="Only a submission with row_state or run_state `failed` or `pending`, or status `spam`, can be retried.",
    )
