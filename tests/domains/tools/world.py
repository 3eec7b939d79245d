"""A workspace whose accounts are connected to the sandbox, callers of each kind, and news delivered by hand."""

from dataclasses import dataclass, field, replace
from typing import Any

from interlock.domains.accounts.service import clients
from interlock.domains.accounts.states import ClientKind
from interlock.domains.accounts.views import McpClientId
from interlock.domains.connectors import service as connectors
from interlock.domains.connectors.views import ConnectorKind
from interlock.domains.governance.approvals.events import ApprovalDecided
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import LedgerEntry
from interlock.domains.tools import service as tools
from interlock.domains.tools.subscribers import on_approval_decided
from interlock.domains.tools.views import ToolOutcome
from interlock.kit.paging import Page
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Actor, ActorKind, Ctx
from interlock.runtime.http import GuardedHttp
from interlock.runtime.invoke import invoke
from interlock.runtime.settings import Settings
from interlock.sandbox import ProviderName, Sandbox
from tests.domains.governance.world import World, build

CREDENTIALS: dict[ConnectorKind, dict[str, str]] = {
    ConnectorKind.SLACK: {"token": "xoxb-1234-5678-sandbox"},
    ConnectorKind.GMAIL: {"access_token": "ya29.sandbox"},
    ConnectorKind.HUBSPOT: {"token": "pat-na1-sandbox"},
    ConnectorKind.STRIPE: {"secret_key": "sk_test_sandbox"},
    ConnectorKind.ZAPIER: {"account": "12345"},
    ConnectorKind.N8N: {},
    ConnectorKind.MAKE: {},
}
SLACK = "comms.send_slack_message"
REFUND = "payments.create_refund"


@dataclass
class ToolWorld:
    """Everything a test of tools needs."""

    base: World
    sandbox: Sandbox
    _delivered: set[str] = field(default_factory=set)

    async def connect(self, *kinds: ConnectorKind) -> None:
        """Connect accounts (all by default) with the sandbox in the provider's place."""
        for kind in kinds or tuple(ConnectorKind):
            command = connectors.ConnectAccount.model_validate(
                {
                    "id": kind.integration_id,
                    "base_url": self.sandbox.url(ProviderName(kind.value)),
                    "credentials": CREDENTIALS[kind],
                }
            )
            await self.base.call(connectors.connect, command)

    async def client(self, **scope: Any) -> Ctx:
        """A fresh MCP client's context."""
        command = clients.RegisterClient(name="claude", kind=ClientKind.CUSTOM, **scope)
        registered = await self.base.call(clients.register_client, command)
        return (await self.base.fresh()).acting_as(
            Actor(ActorKind.CLIENT, McpClientId.of(registered.id), "claude", registered.user_id), frozenset()
        )

    async def call(self, caller: Ctx, tool: str, /, key: str | None = None, **arguments: Any) -> ToolOutcome:
        """Call a tool as a face would, with the rules in force now."""
        current = replace(caller, workspace_version=(await self.base.fresh()).workspace_version)
        command = tools.CallTool(tool=tool, arguments=arguments, idempotency_key=key)
        return await invoke(current, tools.call, command)

    async def slack(self, caller: Ctx, text: str = "hello", **more: Any) -> ToolOutcome:
        """Post to #support."""
        return await self.call(caller, SLACK, channel="#support", text=text, **more)

    async def deliver(self, *, twice: bool = False) -> None:
        """Tell the tools domain of every decision it has not heard of; with `twice`, as a repeated delivery."""
        ctx = Ctx(self.base.runtime, SYSTEM, self.base.ctx.workspace_id, ALL_SCOPES, request_id="job", face="jobs")
        for event in self.base.heard(ApprovalDecided):
            if str(event.approval_id) in self._delivered:
                continue
            self._delivered.add(str(event.approval_id))
            await on_approval_decided(ctx, event)
            if twice:
                await on_approval_decided(ctx, event)

    def forget_deliveries(self) -> None:
        """Let `deliver` tell everything again, as a job does that never finished."""
        self._delivered.clear()

    async def evidence(self) -> list[LedgerEntry]:
        """Entries about tool calls, oldest first."""
        page: Page[LedgerEntry] = await self.base.call(ledger.list_, ledger.ListEntries(limit=200))
        return [entry for entry in reversed(page.items) if entry.event.value == "tool_call"]

    def effects(self, provider: str) -> list[dict[str, Any]]:
        """What a provider really did."""
        return [dict(effect.data) for effect in self.sandbox.state.effects if effect.provider == provider]


async def build_world(settings: Settings, sandbox: Sandbox) -> ToolWorld:
    """A world on an empty database, nothing connected."""
    base = await build(settings)
    base.runtime.http = GuardedHttp(settings)
    return ToolWorld(base, sandbox)
