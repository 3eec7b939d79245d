"""Outside systems that are announced and not yet usable: names and categories, as data in `announced.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import orjson


@dataclass(frozen=True, slots=True)
class Announced:
    """A system that no adapter of this server can act on yet."""

    name: str
    category: str


def _read() -> dict[str, Announced]:
    raw = (resources.files(__package__) / "announced.json").read_bytes()
    return {
        key: Announced(name, category)
        for category, systems in orjson.loads(raw).items()
        for key, name in systems.items()
    }


ANNOUNCED: Mapping[str, Announced] = MappingProxyType(_read())
"""By directory id without its prefix."""
