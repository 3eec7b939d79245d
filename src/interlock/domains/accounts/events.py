"""News of the accounts domain."""

from typing import ClassVar

from interlock.domains.accounts.views import McpClientId
from interlock.runtime.events import Event


class ClientRegistered(Event):
    """A program was registered and may call tools from now on."""

    name: ClassVar[str] = "accounts.client_registered"

    client_id: McpClientId


class ClientTokenChanged(Event):
    """A client's bearer died by rotation or revocation, so its open streams must close."""

    name: ClassVar[str] = "accounts.client_token_changed"

    client_id: McpClientId
