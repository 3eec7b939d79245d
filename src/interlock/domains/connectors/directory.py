"""The integrations directory: what can be connected here, what is announced, and what the workspace has connected."""

from collections.abc import Mapping
from datetime import datetime

from interlock.domains.connectors.announced import ANNOUNCED
from interlock.domains.connectors.kinds import CONNECTORS
from interlock.domains.connectors.views import PREFIX, ConnectorKind, Directory, Integration

_COMING = tuple(
    Integration(id=PREFIX + key, name=system.name, category=system.category, available=False)
    for key, system in ANNOUNCED.items()
)


def directory(
    connected: Mapping[ConnectorKind, datetime],
    *,
    category: str | None = None,
    is_connected: bool | None = None,
    is_available: bool | None = None,
    words: str | None = None,
) -> Directory:
    """The directory of a workspace, usable systems first, then by name; filters narrow the list, not the counters."""
    usable = [
        Integration(
            id=kind.integration_id,
            name=facts.name,
            category=facts.category,
            available=True,
            connected=kind in connected,
            connected_at=connected.get(kind),
        )
        for kind, facts in CONNECTORS.items()
    ]
    listed = [
        system
        for system in (*usable, *_COMING)
        if (category is None or system.category.casefold() == category.casefold())
        and (is_connected is None or system.connected == is_connected)
        and (is_available is None or system.available == is_available)
        and (words is None or words.casefold() in system.name.casefold())
    ]
    listed.sort(key=lambda system: (not system.available, system.name.casefold()))
    return Directory(
        total=len(usable) + len(_COMING),
        available=len(usable),
        coming_soon=len(_COMING),
        connected=len(connected),
        integrations=tuple(listed),
    )
