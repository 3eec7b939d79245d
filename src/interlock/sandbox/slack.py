"""Slack Web API: chat.postMessage and auth.test, after https://docs.slack.dev/reference/methods."""

import itertools
import json
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.wire import bearer_token, json_error

TEAM = "T0SANDBOX1"
BOT_USER = "U0SANDBOT1"
BOT = "B0SANDBOT1"
CHANNELS = {"general": "C0GENERAL1", "refunds": "C0REFUNDS1", "ops-alerts": "C0OPSALRT1", "support": "C0SUPPORT1"}
ARCHIVED = {"old-support": "C0OLDSUPP1"}
PEOPLE = {"U0ANNALEE1": "D0ANNALEE1", "U0MARKRUS1": "D0MARKRUS1"}
MAX_TEXT = 40_000
_TOKEN = re.compile(r"xox[bp]-[A-Za-z0-9-]+")


class Slack:
    """A workspace with a few channels that accepts a bot's messages."""

    name = ProviderName.SLACK
    rate_limited = json_error({"ok": False, "error": "ratelimited"})
    server_error = json_error({"ok": False, "error": "internal_error"})
    lying = json_error({"ok": False, "error": "internal_error"})

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self.clear()

    def clear(self) -> None:
        """Back to no messages."""
        self._counter = itertools.count(1)

    def routes(self) -> Sequence[Route]:
        """The Web API methods served."""
        return [
            Route("/api/chat.postMessage", self.post_message, methods=["POST"]),
            Route("/api/auth.test", self.auth_test, methods=["GET", "POST"]),
            Route("/api/{method:path}", self.unknown_method, methods=["GET", "POST"]),
        ]

    async def post_message(self, request: Request) -> JSONResponse:
        """chat.postMessage."""
        arguments, problem = await _arguments(request)
        problem = problem or self._auth_problem(request, arguments)
        if problem:
            return _failed(problem)
        channel, problem = _channel_id(str(arguments.get("channel") or ""))
        if problem:
            return _failed(problem)
        text = str(arguments.get("text") or "")
        blocks, attachments = arguments.get("blocks"), arguments.get("attachments")
        if not text and not blocks and not attachments:
            return _failed("no_text")
        if len(text) > MAX_TEXT:
            return _failed("msg_too_long")
        now = datetime.now(UTC)
        ts = f"{int(now.timestamp())}.{next(self._counter):06d}"
        message: dict[str, Any] = {
            "user": BOT_USER, "type": "message", "ts": ts, "bot_id": BOT, "app_id": "A0SANDBOX1", "text": text,
            "team": TEAM,
        }  # fmt: skip
        if arguments.get("thread_ts"):
            message["thread_ts"] = str(arguments["thread_ts"])
        if blocks:
            message["blocks"] = blocks
        if attachments:
            message["attachments"] = attachments
        self._state.happened(request, "message", {"channel": channel, "asked_channel": arguments["channel"], **message})
        return _answered(request, {"ok": True, "channel": channel, "ts": ts, "message": message})

    async def auth_test(self, request: Request) -> JSONResponse:
        """auth.test."""
        arguments, problem = await _arguments(request)
        problem = problem or self._auth_problem(request, arguments)
        if problem:
            return _failed(problem)
        return _answered(
            request,
            {
                "ok": True, "url": "https://interlock-sandbox.slack.com/", "team": "Interlock sandbox",
                "user": "interlock", "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT,
                "is_enterprise_install": False,
            },
        )  # fmt: skip

    async def unknown_method(self, request: Request) -> JSONResponse:
        """Any other method."""
        return JSONResponse({"ok": False, "error": "unknown_method", "req_method": request.path_params["method"]})

    def _auth_problem(self, request: Request, arguments: dict[str, Any]) -> str | None:
        token = bearer_token(request) or str(arguments.get("token") or "")
        if not token:
            return "not_authed"
        if not _TOKEN.fullmatch(token) or self._state.refuses(self.name, token):
            return "invalid_auth"
        return None


async def _arguments(request: Request) -> tuple[dict[str, Any], str | None]:
    """The arguments of a method call, from JSON (only with its content type) or form fields, and what is wrong."""
    if request.method == "GET":
        return dict(request.query_params), None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            value = json.loads(await request.body() or b"{}")
        except ValueError:
            return {}, "invalid_json"
        return (value, None) if isinstance(value, dict) else ({}, "json_not_object")
    async with request.form() as form:
        arguments: dict[str, Any] = {name: str(value) for name, value in form.items()}
    for name in ("blocks", "attachments"):
        if name in arguments:
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError:
                return arguments, f"invalid_{name}_format" if name == "blocks" else "invalid_attachments"
    return arguments, None


def _channel_id(asked: str) -> tuple[str, str | None]:
    bare = asked.removeprefix("#")
    if bare in ARCHIVED or bare in ARCHIVED.values():
        return "", "is_archived"
    if bare in CHANNELS:
        return CHANNELS[bare], None
    if bare in CHANNELS.values() or bare in PEOPLE.values():
        return bare, None
    if bare in PEOPLE:
        return PEOPLE[bare], None
    return "", "channel_not_found"


def _headers() -> dict[str, str]:
    return {
        "x-slack-req-id": uuid.uuid4().hex,
        "x-oauth-scopes": "chat:write,chat:write.public",
        "x-accepted-oauth-scopes": "chat:write",
    }


def _failed(error: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error": error}, headers=_headers())


def _answered(request: Request, payload: dict[str, Any]) -> JSONResponse:
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("application/json") and "charset" not in kind:
        payload = {**payload, "warning": "missing_charset", "response_metadata": {"warnings": ["missing_charset"]}}
    return JSONResponse(payload, headers=_headers())
