"""What a visitor may be told when a chatbot cannot answer: never what its owner has configured, spent or written."""

import structlog

from interlock.domains.chatbots.views import ChatbotId
from interlock.kit.errors import InterlockError, Kind, forbidden, not_found

log = structlog.get_logger(__name__)


def no_such_embed(reference: object) -> InterlockError:
    """Unknown, or a draft: the two are indistinguishable on purpose."""
    return not_found("chatbot", reference, hint="The owner finds the embed id on the chatbot, and must deploy it.")


def wrong_origin() -> InterlockError:
    """The page is not one of those the owner listed."""
    return forbidden(
        "This chatbot does not answer on this site.", hint="Its owner can add the site to 'allowed_origins'."
    )


def too_many_messages(limit: int, retry_after: int) -> InterlockError:
    """The owner's own limit, below the server's."""
    return InterlockError(
        Kind.RATE_LIMITED,
        f"More than {limit} messages in a minute.",
        data={"limit": limit, "retry_after": retry_after},
        hint=f"Wait {retry_after} seconds.",
    )


def withheld() -> InterlockError:
    """A content policy objected to the answer; which one is the owner's business."""
    error = forbidden("The answer was withheld by the content rules of this chatbot's owner.", hint="Ask differently.")
    error.code = "answer_withheld"
    return error


def no_answer() -> InterlockError:
    """The model said nothing."""
    return InterlockError(
        Kind.UNAVAILABLE, "The chatbot found no answer.", code="chatbot_unavailable", hint="Ask again, or differently."
    )


def told_to_visitors(error: InterlockError, chatbot_id: ChatbotId) -> InterlockError:
    """The public form of what went wrong on the way to an answer; the owner's form goes to the log."""
    log.warning("chatbot could not answer", chatbot_id=str(chatbot_id), code=error.code, error=error.message)
    if error.kind is Kind.BUDGET_EXCEEDED:
        return InterlockError(
            Kind.BUDGET_EXCEEDED,
            "This chatbot has used up its budget.",
            code="budget_exceeded",
            hint="Try again later; its owner can raise the budget.",
        )
    return InterlockError(
        Kind.UNAVAILABLE,
        "The chatbot cannot answer at the moment.",
        code="chatbot_unavailable",
        hint="Try again in a while.",
    )
