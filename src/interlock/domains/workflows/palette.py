"""The kinds of nodes there are, found by looking into the folder `nodes`."""

import importlib
import pkgutil
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from interlock.domains.workflows.manifest import Manifest, Run
from interlock.runtime.lazy import loaded

_NODES = "interlock.domains.workflows.nodes"


@lru_cache(maxsize=1)
def kinds() -> MappingProxyType[str, Manifest]:
    """Every kind by its name, as the folders declare them."""
    found: dict[str, Manifest] = {}
    for folder in pkgutil.iter_modules(importlib.import_module(_NODES).__path__):
        manifest: Manifest = importlib.import_module(f"{_NODES}.{folder.name}.manifest").MANIFEST
        if manifest.kind != folder.name:
            raise ValueError(f"the folder {folder.name} declares the kind {manifest.kind}")
        found[manifest.kind] = manifest
    return MappingProxyType(found)


async def runner(kind: str) -> Run:
    """The code of a kind; loaded at its first use, because some of it needs libraries that take seconds to import."""
    module: Any = await loaded(f"{_NODES}.{kind}.node")
    run: Run = module.run
    return run
