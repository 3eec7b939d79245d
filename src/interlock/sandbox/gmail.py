"""Gmail API: messages.send, messages.get and getProfile, after https://developers.google.com/workspace/gmail/api/reference/rest."""

import base64
import binascii
import email
import email.policy
import itertools
import re
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.wire import WireError, bearer_token, json_error, json_object

ACCOUNT = "refunds@northwind.example"
_TOKEN = re.compile(r"ya29\.[A-Za-z0-9_.-]+")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_AUTH_MESSAGE = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_ANONYMOUS_MESSAGE = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def _error(code: int, status: str, message: str, reason: str, domain: str = "global") -> dict[str, Any]:
    detail = {"message": message, "domain": domain, "reason": reason}
    return {"error": {"code": code, "message": message, "errors": [detail], "status": status}}


def _wire(payload: dict[str, Any]) -> WireError:
    return json_error(payload, "application/json; charset=UTF-8")


class Gmail:
    """One mailbox that sends what it is given, and keeps it."""

    name = ProviderName.GMAIL
    rate_limited = _wire(
        _error(429, "RESOURCE_EXHAUSTED", "Too many concurrent requests for user", "rateLimitExceeded", "usageLimits")
    )
    server_error = _wire(_error(500, "INTERNAL", "Internal error encountered.", "backendError"))
    lying = server_error

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self.clear()

    def clear(self) -> None:
        """Back to an empty mailbox."""
        self._ids = itertools.count(0x18F3A0C4D2B1E000)
        self._sent: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[Route]:
        """The v1 methods served."""
        return [
            Route("/gmail/v1/users/{user}/messages/send", self.send, methods=["POST"]),
            Route("/gmail/v1/users/{user}/messages/{id}", self.get, methods=["GET"]),
            Route("/gmail/v1/users/{user}/profile", self.profile, methods=["GET"]),
        ]

    async def send(self, request: Request) -> JSONResponse:
        """users.messages.send."""
        if refused := self._refusal(request):
            return refused
        body = await json_object(request)
        if body is None:
            return _answer(_error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.", "badRequest"))
        raw = body.get("raw")
        if not raw:
            message = "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
            return _answer(_error(400, "INVALID_ARGUMENT", message, "invalidArgument"))
        decoded = _decoded(str(raw))
        if decoded is None:
            message = "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed"
            return _answer(_error(400, "INVALID_ARGUMENT", message, "invalid"))
        mail = email.message_from_bytes(decoded, _class=EmailMessage, policy=email.policy.default)
        headers = [mail[name] for name in ("to", "cc", "bcc") if mail[name]]
        recipients = [address.addr_spec for header in headers for address in header.addresses]
        if not recipients:
            return _answer(_error(400, "INVALID_ARGUMENT", "Recipient address required", "invalidArgument"))
        if not all(_ADDRESS.fullmatch(address) for address in recipients):
            return _answer(_error(400, "INVALID_ARGUMENT", "Invalid To header", "invalidArgument"))
        sent_id = f"{next(self._ids):x}"
        answer = {"id": sent_id, "threadId": str(body.get("threadId") or sent_id), "labelIds": ["SENT"]}
        self._sent[sent_id] = {**answer, "raw": raw, "sizeEstimate": len(decoded)}
        self._state.happened(request, "mail", {**answer, **_readable(mail), "recipients": recipients})
        return _answer(answer, 200)

    async def get(self, request: Request) -> JSONResponse:
        """users.messages.get, in raw format."""
        if refused := self._refusal(request):
            return refused
        found = self._sent.get(request.path_params["id"])
        if found is None:
            return _answer(_error(404, "NOT_FOUND", "Requested entity was not found.", "notFound"))
        return _answer(found, 200)

    async def profile(self, request: Request) -> JSONResponse:
        """users.getProfile."""
        if refused := self._refusal(request):
            return refused
        count = len(self._sent)
        totals = {"messagesTotal": count, "threadsTotal": count, "historyId": str(1000 + count)}
        return _answer({"emailAddress": ACCOUNT, **totals}, 200)

    def _refusal(self, request: Request) -> JSONResponse | None:
        token = bearer_token(request)
        if token is None:
            return _unauthorized(_error(401, "UNAUTHENTICATED", _ANONYMOUS_MESSAGE, "required"))
        if not _TOKEN.fullmatch(token) or self._state.refuses(self.name, token):
            return _unauthorized(_error(401, "UNAUTHENTICATED", _AUTH_MESSAGE, "authError"))
        user = request.path_params["user"]
        if user not in ("me", ACCOUNT):
            return _answer(_error(403, "PERMISSION_DENIED", f"Delegation denied for {ACCOUNT}", "forbidden"))
        return None


def _decoded(raw: str) -> bytes | None:
    """base64url with or without padding, as Google accepts it."""
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _readable(mail: EmailMessage) -> dict[str, Any]:
    part = mail.get_body(("plain", "html"))
    return {
        "from": str(mail["from"] or ACCOUNT),
        "to": str(mail["to"] or ""),
        "subject": str(mail["subject"] or ""),
        "message_id": str(mail["message-id"] or ""),
        "in_reply_to": str(mail["in-reply-to"] or ""),
        "text": str(part.get_content()) if part is not None else "",
    }


def _answer(payload: dict[str, Any], status: int | None = None) -> JSONResponse:
    code = status or int(payload["error"]["code"])
    return JSONResponse(payload, code, media_type="application/json; charset=UTF-8")


def _unauthorized(payload: dict[str, Any]) -> JSONResponse:
    response = _answer(payload)
    response.headers["www-authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return response
