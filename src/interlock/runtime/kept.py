"""What hot paths read from rows and keep for as long as nobody, in this process or another, changes those rows.

On SQLite asking whether anybody did costs a fraction of reading again; on PostgreSQL there is no such question, so that
everything is read every time.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from sqlalchemy import Table

from interlock.runtime.context import Ctx
from interlock.runtime.database import Stamp

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")

_MOST = 10_000


class Kept(Generic[KeyT, ValueT]):
    """Values of one process that follow from rows of these tables and from nothing else that changes.

    Args:
        tables: all that reading a value looks at.
    """

    def __init__(self, *tables: Table) -> None:
        self._tables = tables
        self._known: dict[KeyT, tuple[Stamp, ValueT]] = {}

    async def get(self, ctx: Ctx, key: KeyT, read: Callable[[Ctx], Awaitable[ValueT]]) -> ValueT:
        """The value that reading would give; None, which is what is not there, is read again every time."""
        stamp = ctx.the_unit().stamp(*self._tables)
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        value = await read(ctx)
        if stamp is not None and value is not None:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (stamp, value)
        return value
