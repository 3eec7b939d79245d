"""What other domains and faces see of connected accounts; a credential is in none of the views."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, WithJsonSchema

from interlock.domains.connectors.announced import ANNOUNCED
from interlock.domains.connectors.states import ConnectionStatus
from interlock.kit.errors import conflict
from interlock.kit.ids import TypedId
from interlock.kit.operations import View

PREFIX = "int_"


class ConnectionId(TypedId):
    """A connected account's identity."""

    prefix: ClassVar[str] = "conn"


class ConnectorKind(StrEnum):
    """The outside systems that tools can act on."""

    SLACK = "slack"
    GMAIL = "gmail"
    HUBSPOT = "hubspot"
    STRIPE = "stripe"
    ZAPIER = "zapier"
    N8N = "n8n"
    MAKE = "make"

    @property
    def integration_id(self) -> str:
        """Its id in the integrations directory, such as `int_slack`."""
        return PREFIX + self.value


def _usable(value: Any) -> Any:
    """The connector behind a directory id; one that is only announced is refused in plain words."""
    if not isinstance(value, str):
        return value
    key = value.removeprefix(PREFIX)
    if key in ANNOUNCED:
        raise conflict(
            f"{ANNOUNCED[key].name} is announced, but cannot be connected yet.",
            code="coming_soon",
            hint="GET /api/v1/integrations?available=true lists what can be connected.",
        )
    return key


IntegrationId = Annotated[
    ConnectorKind,
    BeforeValidator(_usable),
    WithJsonSchema({"type": "string", "enum": [kind.integration_id for kind in ConnectorKind]}),
]
"""A connector by its directory id."""


class Connection(View):
    """A connected account. Its credentials are never shown again; `credential_fields` names the ones on file."""

    id: ConnectionId
    number: int
    connector: ConnectorKind
    base_url: str
    credential_fields: tuple[str, ...]
    status: ConnectionStatus
    connected_at: datetime
    disconnected_at: datetime | None


class Integration(View):
    """An outside system in the directory; one that is not `available` is only announced."""

    id: str
    name: str
    category: str
    available: bool
    connected: bool = False
    connected_at: datetime | None = None


class Directory(View):
    """Every outside system this server knows of; the counters speak of all of them, whatever was asked for."""

    total: int
    available: int
    coming_soon: int
    connected: int
    integrations: tuple[Integration, ...]


class ConnectionTest(View):
    """What the provider said when it was asked. `ok` is None where asking would itself start something."""

    connector: ConnectorKind
    ok: bool | None
    account: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account as an adapter needs it, credentials in clear; never leaves the server, never printed."""

    connection_id: ConnectionId
    connector: ConnectorKind
    base_url: str
    credentials: dict[str, str] = field(repr=False)
