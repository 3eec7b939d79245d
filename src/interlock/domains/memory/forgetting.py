"""When a memory is forgotten: what has expired, and what mattered little and was not used for half a year.

A forgotten memory is archived, never deleted: no search finds it and no prompt holds it, and an update brings it back.
Never forgotten is what is pinned. Unused for half a year means neither read, found nor put into a prompt since then,
or since it was made; mattered little means an importance of at most 3. What an identity is made of does not fade.
"""

from datetime import datetime, timedelta

from interlock.domains.memory.states import MemoryType
from interlock.domains.memory.views import Memory

FADES_AFTER = timedelta(days=180)
FADING_IMPORTANCE = 3


def forget_at(memory: Memory) -> datetime | None:
    """When a memory is to be forgotten if nothing happens to it before; None for never."""
    if memory.pinned or memory.archived:
        return None
    fades = memory.importance <= FADING_IMPORTANCE and memory.type is not MemoryType.IDENTITY
    faded = (memory.last_accessed_at or memory.created_at) + FADES_AFTER if fades else None
    return min((moment for moment in (memory.expires_at, faded) if moment is not None), default=None)
