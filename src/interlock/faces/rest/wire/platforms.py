"""Native replies about connections of no-code platforms."""

from interlock.domains.governance.platforms.states import PlatformKind, PlatformStatus
from interlock.domains.governance.platforms.views import PlatformId
from interlock.faces.rest.wire.base import Timestamp, Wire


class PlatformReply(Wire):
    """A platform's connection; `webhook_url` is its credential, null once it is disconnected."""

    id: PlatformId
    name: str
    kind: PlatformKind
    status: PlatformStatus
    webhook_url: str | None
    tools: tuple[str, ...] | None
    resources: dict[str, tuple[str, ...]]
    created_at: Timestamp
    rotated_at: Timestamp | None
    disconnected_at: Timestamp | None
