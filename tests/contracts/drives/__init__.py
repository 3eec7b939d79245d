"""The native API used as a client would, by domain: each module of this folder has `async def drive(recorder)`.

A module may add to `BY_HAND` (endpoints with no plain JSON reply; its own tests hold them to the contract) and to
`PREFIXES` (path parameter, or a whole path, to id prefix).
"""

import importlib
import json
import pkgutil
import re
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support.app import Server

CONTRACT = json.loads((Path(__file__).parents[1] / "data" / "stryda.json").read_text())
RATE_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")

ENTRIES: dict[str, dict[str, Any]] = {
    f"{entry['method']} {entry['path']}": entry
    for entry in (*CONTRACT["endpoints"], *CONTRACT["recommended_additions"])
}


class Recorder:
    """Every reply, by the contract's name of its endpoint."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.replies: dict[str, list[Any]] = defaultdict(list)

    async def call(self, name: str, body: Any = None, *, headers: dict[str, str] | None = None, **parts: str) -> Any:
        """Call an endpoint by its name in the contract."""
        method, path = name.split(" ")
        parameters = {part: parts.pop(part) for part in re.findall(r"\{([^}]*)\}", path)}
        answer = await self.server.http.request(
            method,
            path.format(**parameters),
            json=body,
            params=parts or None,
            headers=headers or {"x-api-key": self.server.key},
        )
        assert answer.status_code == ENTRIES[name].get("response", {}).get("status", 200), f"{name}: {answer.text}"
        assert all(header in answer.headers for header in RATE_HEADERS), name
        self.replies[name].append(answer.json())
        return answer.json()


DRIVES: tuple[ModuleType, ...] = tuple(
    importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
)
BY_HAND_ELSEWHERE: frozenset[str] = frozenset().union(*(getattr(module, "BY_HAND", ()) for module in DRIVES))
PREFIXES_ELSEWHERE: dict[str, str] = {
    name: prefix for module in DRIVES for name, prefix in getattr(module, "PREFIXES", {}).items()
}
