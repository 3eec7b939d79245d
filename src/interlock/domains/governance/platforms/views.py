"""What other domains and faces see of platform connections."""

from datetime import datetime
from typing import ClassVar

from interlock.domains.governance.platforms.states import PlatformKind, PlatformStatus
from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime.context import UserId

__all__ = ["Platform", "PlatformId", "PlatformKind", "PlatformStatus"]


class PlatformId(TypedId):
    """A platform connection's identity; not its token."""

    prefix: ClassVar[str] = "plt"


class Platform(View):
    """A platform's connection. `webhook_url` is its credential; None once it is disconnected."""

    id: PlatformId
    number: int
    name: str
    kind: PlatformKind
    user_id: UserId | None
    tools: tuple[str, ...] | None
    resources: dict[str, tuple[str, ...]]
    status: PlatformStatus
    webhook_url: str | None
    created_at: datetime
    rotated_at: datetime | None
    disconnected_at: datetime | None
