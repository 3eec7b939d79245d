"""Reading requests and describing failures: the little that all pretend providers share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName


@dataclass(frozen=True)
class WireError:
    """A body a provider sends when it fails."""

    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_error(payload: dict[str, Any], content_type: str = "application/json; charset=utf-8") -> WireError:
    """A JSON failure body."""
    return WireError(json.dumps(payload).encode(), content_type)


class Provider(Protocol):
    """One pretend provider: its routes, its memory and the bodies of its failures."""

    name: ProviderName
    rate_limited: WireError
    server_error: WireError
    lying: WireError

    def routes(self) -> Sequence[Route]:
        """The provider's paths below its base URL."""

    def clear(self) -> None:
        """Back to the seeded state."""


def bearer_token(request: Request) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def json_object(request: Request) -> dict[str, Any] | None:
    """The body as a JSON object, or None where it is not one."""
    try:
        value = json.loads(await request.body())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


async def any_body(request: Request) -> Any:
    """A webhook's body as hook services read it: form fields, JSON, else text; the query where there is none."""
    raw = await request.body()
    if not raw:
        return dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form() as form:
            return {name: str(value) for name, value in form.items()}
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
