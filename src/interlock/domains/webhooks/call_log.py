"""The log of received calls: noted in memory and written every few seconds, bounded in number and size.

A hook takes hundreds of calls a second, some of them from strangers: the log must neither slow calls down nor fill the
disk, so that it keeps the newest ones and says of the rest only how many there were. What a call starts is durable;
that it is in the log is not, for the last seconds of a server that dies.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

import structlog

from interlock.domains.webhooks import repository
from interlock.domains.webhooks.states import CallOutcome
from interlock.domains.webhooks.views import HookCallId, HookId
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx, Runtime, WorkspaceId

log = structlog.get_logger(__name__)

KEPT = {CallOutcome.ACCEPTED: 1_000, CallOutcome.DUPLICATE: 200, CallOutcome.REFUSED: 200}
"""Of each outcome, so many of a hook's newest calls stay."""
LARGEST_PAYLOAD = 65_536
_AT_ONCE = {CallOutcome.ACCEPTED: 400, CallOutcome.DUPLICATE: 50, CallOutcome.REFUSED: 20}
"""Of each outcome, so many calls of a hook are noted between two writings."""
_MOST_WAITING, _MOST_WAITING_BYTES = 5_000, 16_000_000
_MOST_HEADERS, _LONGEST_HEADER, _LONGEST_ERROR = 40, 300, 500
WITHHELD = "(withheld)"
_SECRET_WORDS = ("auth", "cookie", "key", "password", "secret", "signature", "token", "credential")


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a call without what proves who calls."""
    return {
        name[:100]: WITHHELD if _proves_something(name) else value[:_LONGEST_HEADER]
        for name, value in islice(headers.items(), _MOST_HEADERS)
    }


@lru_cache(maxsize=1_000)
def _proves_something(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


class CallLog:
    """What one server has not written yet."""

    def __init__(self) -> None:
        self._rows: dict[WorkspaceId, list[dict[str, Any]]] = {}
        self._noted: Counter[tuple[HookId, CallOutcome]] = Counter()
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._rows)

    def note(
        self,
        ctx: Ctx,
        hook: HookId,
        outcome: CallOutcome,
        headers: Mapping[str, str],
        body: bytes,
        *,
        run_id: RunId | None = None,
        code: str | None = None,
        error: str | None = None,
    ) -> None:
        """Note a call, unless this hook has had too many of its kind since the last writing."""
        waiting = sum(map(len, self._rows.values()))
        if self._noted[hook, outcome] >= _AT_ONCE[outcome] or waiting >= _MOST_WAITING:
            return
        self._noted[hook, outcome] += 1
        payload = _text(body) if self._bytes + len(body) <= _MOST_WAITING_BYTES else None
        self._bytes += 0 if payload is None else len(body)
        row = {
            "guid": HookCallId.new(),
            "workspace_id": ctx.workspace_id,
            "hook_id": hook,
            "received_at": ctx.now,
            "outcome": outcome,
            "source": ctx.source[:64] or None,
            "headers": shown_headers(headers),
            "payload": payload,
            "size": len(body),
            "run_id": run_id,
            "code": code,
            "error": None if error is None else error[:_LONGEST_ERROR],
            "replay_of": None,
        }
        self._rows.setdefault(ctx.workspace_id, []).append(row)

    def forget(self, hook: HookId) -> None:
        """A hook is gone."""
        for workspace_id, rows in list(self._rows.items()):
            self._keep(workspace_id, [row for row in rows if row["hook_id"] != hook])

    async def write(self, root: Ctx) -> None:
        """Write what was noted and drop what is too much; what cannot be written now is written next time."""
        for workspace_id, rows in list(self._rows.items()):
            seen = len(rows)
            hooks = {row["hook_id"] for row in rows}
            try:
                async with replace(root, workspace_id=workspace_id).begin() as unit:
                    await repository.add_calls(unit, rows[:seen])
                    for hook in hooks:
                        await repository.trim_calls(unit, hook, KEPT)
            except Exception as error:
                log.warning("received calls could not be noted; it is tried again", exc_info=error)
                continue
            self._keep(workspace_id, rows[seen:])
            for pair in [pair for pair in self._noted if pair[0] in hooks]:
                del self._noted[pair]
        if not self._rows:
            self._bytes = 0

    def _keep(self, workspace_id: WorkspaceId, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._rows[workspace_id] = rows
        else:
            self._rows.pop(workspace_id, None)


def call_log_of(runtime: Runtime) -> CallLog:
    """This server's log of received calls."""
    return runtime.local(CallLog)


def _text(body: bytes) -> str | None:
    """The body as text; None where it is larger than is kept, or no text."""
    if len(body) > LARGEST_PAYLOAD or b"\x00" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
