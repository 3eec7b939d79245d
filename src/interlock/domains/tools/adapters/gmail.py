"""Gmail: users.messages.send with an RFC 5322 message. Gmail knows no idempotency key; ours travels as a header."""

import base64
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from interlock.domains.tools.adapters.call import (
    AdapterCall,
    AdapterResult,
    Outgoing,
    failure,
    json_object,
    refusal,
    send,
    words,
)
from interlock.kit.errors import InterlockError


async def send_email(call: AdapterCall) -> AdapterResult:
    """Send a plain text mail from the connected mailbox."""
    message = compose(str(call.arguments["to"]), str(call.arguments["subject"]), str(call.arguments["body"]), call.key)
    request = Outgoing(
        "POST",
        "/gmail/v1/users/me/messages/send",
        headers={"Authorization": f"Bearer {call.target.credentials['access_token']}"},
        json={"raw": base64.urlsafe_b64encode(message.as_bytes()).decode()},
    )
    reply = await send(call, request)
    answer = json_object(reply, "Gmail")
    if not reply.ok or "error" in answer:
        error = answer.get("error")
        status = int(error.get("code", reply.status)) if isinstance(error, dict) else reply.status
        raise refusal("Gmail", status, error.get("message") if isinstance(error, dict) else error)
    sent, thread = str(answer.get("id", "")), str(answer.get("threadId", ""))
    return AdapterResult({"ok": True, "message_id": sent, "thread_id": thread, "_cost_usd": 0}, sent)


def compose(to: str, subject: str, body: str, key: str) -> EmailMessage:
    """The message; header values are set as values, so nothing in them can become another header.

    Raises:
        InterlockError: a recipient is no address, or a header would need a line break.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["Subject"] = subject
        message["X-Interlock-Idempotency-Key"] = key
    except ValueError as error:
        raise failure("A header value holds a line break.", code="bad_header") from error
    if not all(
        address.username and address.domain and address.addr_spec.isascii() for address in _addressed(message, to)
    ):
        raise _no_recipient(to)
    message.set_content(body)
    return message


def _addressed(message: EmailMessage, to: str) -> tuple[Address, ...]:
    """The recipients, as the mail library reads them; on some texts it breaks instead of refusing."""
    try:
        message["To"] = to
    except (ValueError, IndexError, HeaderParseError) as error:
        raise _no_recipient(to) from error
    found: tuple[Address, ...] = message["To"].addresses
    if not found:
        raise _no_recipient(to)
    return found


def _no_recipient(to: str) -> InterlockError:
    return failure(f"'{words(to)}' is not a list of mail addresses.", code="bad_recipient", field="to")
