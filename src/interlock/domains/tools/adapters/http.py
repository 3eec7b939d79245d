"""Any HTTP service: one request as it was asked for, through the guard, without a connected account."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult, Care, Outgoing, failure, send_to, words
from interlock.kit.errors import invalid
from interlock.runtime.http import HttpReply

MASK = "***"
LONGEST_SECONDS = 30
LARGEST_ANSWER = 1_000_000
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_TELLING = (
    r"(?:[\w-]*(?:authorization|cookie|api[_-]?key|secret|token|password|signature|credential)[\w-]*|auth|key|sig|code)"
)
_TELLING_NAME = re.compile(_TELLING, re.IGNORECASE)
_TELLING_IN_URL = re.compile(rf"([?&;]{_TELLING}=)[^&;#]+", re.IGNORECASE)
_TOLD_HEADERS = re.compile(
    r"content-(?:type|length|language|disposition|range)|cache-control|date|etag|expires|last-modified|age|link"
    r"|location|retry-after|allow|vary|x-request-id|x-correlation-id|x-total-count|(?:x-)?ratelimit(?:-[a-z-]+)?",
    re.IGNORECASE,
)


async def request(call: AdapterCall) -> AdapterResult:
    """Send it; an answer of any status is a result, unless failing on errors was asked for."""
    given = call.arguments
    method = str(given.get("method", "GET"))
    headers = {str(name): str(value) for name, value in given.get("headers", {}).items()}
    names = {name.lower() for name in headers}
    content: bytes | None = None
    if given.get("text") is not None:
        if given.get("json") is not None:
            raise invalid("'json' and 'text' are both given.", field="text", hint="Send one body.")
        content = str(given["text"]).encode()
        if "content-type" not in names:
            headers["Content-Type"] = "text/plain; charset=utf-8"
    if method not in _HARMLESS and "idempotency-key" not in names:
        headers["Idempotency-Key"] = call.key
    outgoing = Outgoing(
        method,
        _with_query(str(given["url"]), given.get("query", {})),
        headers,
        json=given.get("json"),
        content=content,
        repeatable=method in _HARMLESS,
        timeout=float(given.get("timeout_seconds", LONGEST_SECONDS)),
        max_bytes=LARGEST_ANSWER,
    )
    reply = await send_to(call.http, "", outgoing)
    if given.get("fail_on_error", False) and reply.status >= 400:
        raise failure(f"{reply.origin} answered {reply.status}: {words(reply.text())}", status=reply.status)
    return AdapterResult(_told(reply))


def _with_query(url: str, query: Mapping[str, Any]) -> str:
    """The URL with more parameters behind its own; nulls are left out, lists are repeated."""
    pairs = [
        (name, str(single).lower() if isinstance(single, bool) else str(single))
        for name, value in query.items()
        for single in (value if isinstance(value, list) else [value])
        if single is not None
    ]
    if not pairs:
        return url
    whole, hash_sign, fragment = url.partition("#")
    joint = "" if whole.endswith(("?", "&")) else "&" if "?" in whole else "?"
    return f"{whole}{joint}{urlencode(pairs)}{hash_sign}{fragment}"


def _told(reply: HttpReply) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in reply.headers.items() if _TOLD_HEADERS.fullmatch(name)}
    result: dict[str, Any] = {"status": reply.status, "ok": reply.ok, "headers": headers}
    try:
        return {**result, "json": _storable(orjson.loads(reply.body))}
    except orjson.JSONDecodeError:
        return {**result, "text": _storable(reply.text())}


def _storable(value: Any) -> Any:
    """The value without NUL characters, which PostgreSQL does not keep."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _is_repeatable(arguments: Mapping[str, Any]) -> bool:
    return arguments.get("method", "GET") in _HARMLESS


def _concealed(arguments: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments with secrets masked: header and query values named like one, in the URL's own query too."""
    shown = dict(arguments)
    fields: list[str] = []
    for part in ("headers", "query"):
        named = arguments.get(part, {})
        secret = [name for name in named if _TELLING_NAME.fullmatch(name)]
        if secret:
            shown[part] = {**named, **dict.fromkeys(secret, MASK)}
            fields += [f"{part}.{name}" for name in secret]
    url, masked = _TELLING_IN_URL.subn(rf"\g<1>{MASK}", arguments["url"])
    if masked:
        shown["url"] = url
        fields.append("url")
    return (shown, tuple(fields)) if fields else (arguments, ())


def _restored(edited: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a reviewer wrote, with the secrets that the reviewer was not shown and left as they were."""
    whole = dict(edited)
    for part in ("headers", "query"):
        kept = stored.get(part, {})
        named = edited.get(part, {})
        if MASK in [value for value in named.values() if isinstance(value, str)]:
            whole[part] = {name: kept.get(name, value) if value == MASK else value for name, value in named.items()}
    if whole["url"] == _concealed({"url": stored["url"]})[0]["url"]:
        whole["url"] = stored["url"]
    return whole


CARE = Care(_is_repeatable, _concealed, _restored)
