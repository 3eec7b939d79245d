"""Operations on platform connections, and the verdicts that platforms ask for through their secret URLs."""

import hashlib
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.governance.checks.command import ActionType, AgentLabel, CheckAction, Key, ToolName
from interlock.domains.governance.checks.service import check_within
from interlock.domains.governance.checks.views import CheckVerdict
from interlock.domains.governance.platforms.errors import unknown_connection
from interlock.domains.governance.platforms.repository import TOKEN_PREFIX, Platforms, by_token
from interlock.domains.governance.platforms.states import LIFECYCLE, PlatformKind, PlatformStatus
from interlock.domains.governance.platforms.views import Platform, PlatformId
from interlock.domains.governance.policies.views import ToolScope
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.kit.errors import conflict
from interlock.kit.money import ZERO, Usd
from interlock.kit.operations import Audit, Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Actor, ActorKind, Ctx, WorkspaceId
from interlock.runtime.secrets import new_token

_LONGEST_KEY = 200
Name = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", description="What people call it.")
]
Pattern = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Token = Annotated[str, Field(min_length=1, max_length=200, description="The secret part of the connection's URL.")]


class CreatePlatform(Command):
    """A platform that will ask for verdicts, and what it may ask about."""

    name: Name
    kind: PlatformKind
    tools: Annotated[
        tuple[Pattern, ...] | None, Field(max_length=200, description="Tool names or namespaces; absent: all.")
    ] = None
    resources: Annotated[
        dict[Pattern, Annotated[tuple[Pattern, ...], Field(max_length=200)]],
        Field(max_length=20, description="Globs per argument, such as channel: ops-*."),
    ] = Field(default_factory=dict)


class PlatformRef(Command):
    """Which connection."""

    platform_id: PlatformId


class ListPlatforms(PageQuery):
    """Which connections, and which page of them."""

    kind: PlatformKind | None = None
    status: PlatformStatus | None = None


class PlatformCheck(Command):
    """An action that a platform is about to take itself; without `agent_id` the connection's name stands for it."""

    connection_token: Token
    tool: ToolName
    action_type: ActionType = "tool_call"
    args: Annotated[dict[str, Any], Field(description="Hashed for the ledger, masked by privacy policies.")] = Field(
        default_factory=dict
    )
    cost_estimate: Usd = ZERO
    agent_id: AgentLabel | None = None
    idempotency_key: Key = None


@operation("platforms.create", scope="admin", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreatePlatform) -> Platform:
    """Connect a Zapier, n8n or Make account: its webhook URL is the credential, so keep it secret."""
    resources = {name: list(globs) for name, globs in command.resources.items()}
    platform = await Platforms(ctx).keep(
        PlatformId.new(),
        new_token(TOKEN_PREFIX),
        {
            "user_id": ctx.actor.user_id,
            "name": command.name,
            "kind": command.kind,
            "tools": None if command.tools is None else list(command.tools),
            "resources": resources,
            "status": PlatformStatus.CONNECTED,
            "created_at": ctx.now,
            "rotated_at": None,
            "disconnected_at": None,
        },
    )
    system = registry.NoteSystem(
        SystemKind.AGENT, platform.name, platform.name, platform.user_id, platform.tools, platform.resources
    )
    await registry.note(ctx, system)
    return platform


@operation("platforms.list", scope="admin")
async def list_(ctx: Ctx, command: ListPlatforms) -> Page[Platform]:
    """List platform connections with their webhook URLs, newest first."""
    return await Platforms(ctx).page(command, {"kind": command.kind, "status": command.status})


@operation("platforms.get", scope="admin")
async def get(ctx: Ctx, command: PlatformRef) -> Platform:
    """Show one platform connection with its webhook URL."""
    return await Platforms(ctx).get(command.platform_id)


@operation("platforms.rotate", scope="admin", effect=Effect.WRITE)
async def rotate(ctx: Ctx, command: PlatformRef) -> Platform:
    """Give a connection a fresh webhook URL; the old one is dead at once."""
    platforms = Platforms(ctx)
    if (await platforms.get(command.platform_id)).status is not PlatformStatus.CONNECTED:
        raise conflict("This platform is disconnected; connect it anew.")
    return await platforms.replace_token(command.platform_id, new_token(TOKEN_PREFIX))


@operation("platforms.disconnect", scope="admin", effect=Effect.WRITE)
async def disconnect(ctx: Ctx, command: PlatformRef) -> Platform:
    """Cut a platform off for good; its URL leads nowhere from now on, its record and evidence stay."""
    platforms = Platforms(ctx)
    current = await platforms.get(command.platform_id)
    LIFECYCLE.check(current.status, PlatformStatus.DISCONNECTED)
    await registry.note_removed(ctx, SystemKind.AGENT, current.name)
    return await platforms.cut_off(command.platform_id)


@operation("platforms.check", effect=Effect.WRITE, audit=Audit.LEDGER, public=True)
async def check(ctx: Ctx, command: PlatformCheck) -> CheckVerdict:
    """Ask through a connection's secret URL whether an action is allowed; the platform then takes it itself."""
    row = await by_token(ctx, command.connection_token)
    if row is None or row.workspace_id != ctx.workspace_id:
        raise unknown_connection()
    scope = ToolScope(
        None if row.tools is None else tuple(row.tools),
        {name: tuple(globs) for name, globs in row.resources.items()},
    )
    asked = CheckAction(
        tool=command.tool,
        action_type=command.action_type,
        args=command.args,
        cost_estimate=command.cost_estimate,
        agent_id=command.agent_id or row.name,
        idempotency_key=_own_key(row.guid, command.idempotency_key),
    )
    # Only the actor changes: the unit of work stays that of this operation.
    within = replace(ctx, actor=Actor(ActorKind.CLIENT, row.guid, row.name, row.user_id))
    return await check_within(within, asked, scope)


def _own_key(platform_id: PlatformId, key: str | None) -> str | None:
    """Each connection has idempotency keys of its own: another caller's key must not lead around its scope."""
    if key is None:
        return None
    own = f"{platform_id}:{key}"
    return own if len(own) <= _LONGEST_KEY else f"{platform_id}:{hashlib.sha256(key.encode()).hexdigest()}"


async def owner_of(command: PlatformCheck, ctx: Ctx) -> WorkspaceId:
    """Whose connection a URL is.

    Raises:
        InterlockError: not_found when it is nobody's.
    """
    row = await by_token(ctx, command.connection_token)
    if row is None:
        raise unknown_connection()
    workspace_id: WorkspaceId = row.workspace_id
    return workspace_id
