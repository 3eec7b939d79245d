"""A plain HTTP client of the native API, as any program would write one."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Any, Self

import httpx
import orjson

from interlock.kit.errors import InterlockError, Kind

ENDINGS = frozenset({"run.completed", "run.failed", "run.cancelled", "run.budget_exceeded"})
_KINDS: Mapping[int, Kind] = MappingProxyType(
    {
        401: Kind.UNAUTHENTICATED,
        403: Kind.FORBIDDEN,
        404: Kind.NOT_FOUND,
        409: Kind.CONFLICT,
        422: Kind.INVALID,
        503: Kind.UNAVAILABLE,
    }
)
_TOO_MANY = 429
_PATIENCE_SECONDS = 65.0
# The server sends a heartbeat well within this time.
_SILENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event of a run's stream."""

    seq: int
    type: str
    data: dict[str, Any]


class Api:
    """Calls the server with an API key.

    Args:
        transport: in place of the network, for tests.
    """

    def __init__(self, base_url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.base_url = base_url
        self._http = httpx.Client(
            base_url=base_url, headers={"x-api-key": key}, timeout=30, transport=transport, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET JSON."""
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST JSON."""
        return self.call("POST", path, body=body or {})

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH JSON."""
        return self.call("PATCH", path, body=body)

    def call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """One call; waits as long as the server asks when there were too many.

        Raises:
            InterlockError: what the server said no to.
        """
        given_up = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                reply = self._http.request(method, path, json=body, params=params)
            except httpx.HTTPError as error:
                raise _unreachable(self.base_url, error) from error
            if reply.status_code != _TOO_MANY or time.monotonic() > given_up:
                return _answer(method, path, reply)
            time.sleep(min(float(reply.headers.get("retry-after", "1")), _PATIENCE_SECONDS))

    def events(self, run_id: str) -> Iterator[RunEvent]:
        """Follow a run to its end; a lost connection is taken up again where it broke."""
        seen, lost_since = 0, None
        while True:
            try:
                for event in self._stream(run_id, seen):
                    seen, lost_since = event.seq, None
                    yield event
                    if event.type in ENDINGS:
                        return
            except httpx.HTTPError as error:
                lost_since = lost_since or time.monotonic()
                if time.monotonic() - lost_since > _PATIENCE_SECONDS:
                    raise _unreachable(self.base_url, error) from error
            time.sleep(0.5)

    def _stream(self, run_id: str, after: int) -> Iterator[RunEvent]:
        path = f"/api/v1/runs/{run_id}/events"
        headers = {"accept": "text/event-stream", "last-event-id": str(after)}
        with self._http.stream("GET", path, headers=headers, timeout=_SILENCE_SECONDS) as reply:
            if reply.is_error:
                reply.read()
                _answer("GET", path, reply)
            for line in reply.iter_lines():
                if line.startswith("data:"):
                    facts = orjson.loads(line.removeprefix("data:"))
                    yield RunEvent(facts["seq"], facts["type"], facts["data"])


def _answer(method: str, path: str, reply: httpx.Response) -> Any:
    try:
        body = reply.json()
    except ValueError:
        body = {}
    if not reply.is_error:
        return body
    facts = body.get("error", {}) if isinstance(body, dict) else {}
    details = facts.get("details", {})
    raise InterlockError(
        _KINDS.get(reply.status_code, Kind.UPSTREAM),
        f"{method} {path} answered {reply.status_code}: {facts.get('message', reply.text[:200])}",
        code=facts.get("code", "refused"),
        hint=details.get("hint"),
        data=details,
    )


def _unreachable(url: str, error: httpx.HTTPError) -> InterlockError:
    return InterlockError(
        Kind.UNAVAILABLE, f"The server on {url} does not answer ({type(error).__name__}).", code="server_unreachable"
    )
