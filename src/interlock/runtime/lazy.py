"""Libraries that cost a second to import and that many servers never use: loaded at first use, always in this way.

    if TYPE_CHECKING:
        import asyncpg
    else:
        asyncpg = lazy("asyncpg")

The type checker sees the library as if it were imported; the process pays when the first attribute is asked for.
"""

import asyncio
import importlib
import sys
from typing import Any


class LazyModule:
    """Stands for a module until something of it is used.

    Args:
        name: its full name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)

    def __repr__(self) -> str:
        return f"<lazy module {self._name}>"


def lazy(name: str) -> Any:
    """A module that is imported when it is first used."""
    return LazyModule(name)


async def loaded(name: str) -> Any:
    """A module, imported off the event loop if it was not yet: an import of seconds would hold every other request."""
    present = sys.modules.get(name)
    if present is not None and not getattr(getattr(present, "__spec__", None), "_initializing", False):
        return present
    return await asyncio.to_thread(importlib.import_module, name)
