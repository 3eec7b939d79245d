"""One valid command for every operation, by domain: each module of this folder adds its own to the lists below."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from tests.contracts.world import Build

MODULES: tuple[ModuleType, ...] = tuple(
    importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
)


def _merged(name: str) -> dict[str, Any]:
    """A mapping that every module may add to; no two modules speak of the same operation."""
    merged: dict[str, Any] = {}
    for module in MODULES:
        for operation, value in getattr(module, name, {}).items():
            if operation in merged:
                raise ValueError(f"{name}: {operation} is listed twice")
            merged[operation] = value
    return merged


def _united(name: str) -> frozenset[str]:
    return frozenset().union(*(getattr(module, name, frozenset()) for module in MODULES))


SAMPLES: dict[str, Build] = _merged("SAMPLES")
BY_HAND: dict[str, tuple[str, str]] = _merged("BY_HAND")
UNROUTED: dict[str, str] = _merged("UNROUTED")
ALSO_EVIDENCE: dict[str, int] = _merged("ALSO_EVIDENCE")
STREAMS: dict[str, str] = _merged("STREAMS")
WITHOUT_SAMPLE: frozenset[str] = _united("WITHOUT_SAMPLE")
PUBLIC: frozenset[str] = _united("PUBLIC")
