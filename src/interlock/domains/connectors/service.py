"""Operations on connected accounts. Credentials go in sealed and come out only for the tools domain."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from sqlalchemy import ColumnElement

from interlock.domains.connectors.directory import directory
from interlock.domains.connectors.kinds import CONNECTORS
from interlock.domains.connectors.models import connections
from interlock.domains.connectors.probes import probe
from interlock.domains.connectors.repository import Connections
from interlock.domains.connectors.states import LIFECYCLE, ConnectionStatus
from interlock.domains.connectors.views import (
    Account,
    Connection,
    ConnectionId,
    ConnectionTest,
    ConnectorKind,
    Directory,
    IntegrationId,
)
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.kit.errors import conflict, invalid, not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx, UserId

_PURPOSE = "connection:{}"
BaseUrl = Annotated[
    str, Field(max_length=500, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", description="Absent: the provider's own.")
]
CredentialName = Annotated[str, Field(min_length=1, max_length=64)]
CredentialValue = Annotated[SecretStr, Field(min_length=1, max_length=8_000)]


class ConnectAccount(Command):
    """An account with an outside system: where it is, and what opens it."""

    id: Annotated[IntegrationId, Field(description="Directory id, such as int_slack.")]
    base_url: BaseUrl | None = None
    credentials: dict[CredentialName, CredentialValue] = Field(
        default_factory=dict, max_length=10, description="Stored encrypted, never shown again."
    )

    @field_validator("credentials")
    @classmethod
    def _printable(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, secret in value.items():
            text = secret.get_secret_value()
            if not text.isprintable() or text != text.strip():
                raise ValueError(f"{name} must be one line without blanks around it")
        return value


class IntegrationRef(Command):
    """Which connector."""

    id: Annotated[IntegrationId, Field(description="Directory id, such as int_slack.")]


class ConnectionRef(Command):
    """Which connected account."""

    connection_id: ConnectionId


class ReadDirectory(Command):
    """Which outside systems."""

    category: Annotated[str, Field(min_length=1, max_length=80, description="Such as Communication.")] | None = None
    connected: Annotated[bool | None, Field(description="Only those with, or without, an account in force.")] = None
    available: Annotated[bool | None, Field(description="Only those that can, or cannot yet, be connected.")] = None
    q: Annotated[str, Field(min_length=1, max_length=80, description="Part of the name.")] | None = None


class ListConnections(PageQuery):
    """Which connected accounts, and which page of them."""

    status: ConnectionStatus | None = None


@operation("connectors.connect", scope="admin", effect=Effect.WRITE)
async def connect(ctx: Ctx, command: ConnectAccount) -> Connection:
    """Connect the workspace's account with an outside system; connecting again replaces address and credentials."""
    kind = command.id
    secrets = {name: secret.get_secret_value() for name, secret in command.credentials.items()}
    _check_fields(kind, secrets)
    base_url = command.base_url or CONNECTORS[kind].base_url
    if base_url is None:
        raise invalid(f"{CONNECTORS[kind].name} has no common address; give yours.", field="base_url")
    await registry.note(ctx, _system(kind, ctx.actor.user_id))
    accounts = Connections(ctx)
    existing = await accounts.of_connector(kind)
    key = existing.id if existing else ConnectionId.new()
    values = {
        "base_url": base_url.rstrip("/"),
        "credential_fields": sorted(secrets),
        "sealed": ctx.runtime.secrets.encrypt_json(secrets, purpose=_PURPOSE.format(key)),
        "status": ConnectionStatus.CONNECTED,
        "connected_at": ctx.now,
        "disconnected_at": None,
    }
    if existing is None:
        return await accounts.add(key, connector=kind, **values)
    return await accounts.change(key, values)


def _system(kind: ConnectorKind, owner_id: UserId | None = None) -> registry.NoteSystem:
    """A connected account as the AI registry lists it."""
    return registry.NoteSystem(SystemKind.ADAPTER, kind.value, CONNECTORS[kind].name, owner_id)


async def systems(ctx: Ctx) -> Sequence[registry.NoteSystem]:
    """Every connected account, for the AI registry."""
    query = ListConnections(status=ConnectionStatus.CONNECTED, limit=len(ConnectorKind))
    async with ctx.begin(write=False) as reading:
        return tuple(_system(found.connector) for found in (await list_(reading, query)).items)


def _check_fields(kind: ConnectorKind, given: dict[str, str]) -> None:
    """Refuse missing and unknown credentials, naming what belongs there."""
    facts = CONNECTORS[kind]
    for name, meaning in facts.required.items():
        if name not in given:
            raise invalid(f"{facts.name} needs 'credentials.{name}': {meaning}.", field=f"credentials.{name}")
    known = {*facts.required, *facts.optional}
    unknown = sorted(set(given) - known)
    if unknown:
        hint = f"Known: {', '.join(sorted(known))}." if known else "Send none."
        raise invalid(f"{facts.name} has no credential '{unknown[0]}'.", field=f"credentials.{unknown[0]}", hint=hint)
    if "header_name" in known and len(known & set(given)) == 1:
        raise invalid("Give both 'header_name' and 'header_value', or neither.", field="credentials")


@operation("connectors.disconnect", scope="admin", effect=Effect.WRITE)
async def disconnect(ctx: Ctx, command: IntegrationRef) -> Connection:
    """Disconnect an account; its credentials are destroyed, and its tools fail until it is connected again."""
    accounts = Connections(ctx)
    found = await accounts.of_connector(command.id)
    if found is None:
        raise conflict(f"{CONNECTORS[command.id].name} is not connected.")
    LIFECYCLE.check(found.status, ConnectionStatus.DISCONNECTED)
    in_force: ColumnElement[bool] = connections.c.status == ConnectionStatus.CONNECTED
    values = {
        "status": ConnectionStatus.DISCONNECTED,
        "disconnected_at": ctx.now,
        "sealed": None,
        "credential_fields": [],
    }
    await registry.note_removed(ctx, SystemKind.ADAPTER, command.id.value)
    return await accounts.change(found.id, values, where=[in_force])


@operation("connectors.directory")
async def list_directory(ctx: Ctx, command: ReadDirectory) -> Directory:
    """List every known outside system: the ones that can be connected, and the ones that are only announced."""
    query = ListConnections(status=ConnectionStatus.CONNECTED, limit=len(ConnectorKind))
    connected = {account.connector: account.connected_at for account in (await list_(ctx, query)).items}
    return directory(
        connected,
        category=command.category,
        is_connected=command.connected,
        is_available=command.available,
        words=command.q,
    )


@operation("connectors.list")
async def list_(ctx: Ctx, command: ListConnections) -> Page[Connection]:
    """List connected accounts; credentials are never shown again."""
    return await Connections(ctx).page(command, {"status": command.status})


@operation("connectors.get")
async def get(ctx: Ctx, command: ConnectionRef) -> Connection:
    """Show one connected account without its credentials."""
    return await Connections(ctx).get(command.connection_id)


@operation("connectors.test", scope="admin", effect=Effect.EXTERNAL)
async def test(ctx: Ctx, command: IntegrationRef) -> ConnectionTest:
    """Ask the provider whether it accepts the account's credentials; nothing is done there."""
    async with ctx.begin(write=False) as reading:
        found = await account(reading, command.id)
    if found is None:
        raise not_found("connected account", command.id.integration_id, hint="Connect it first.")
    return await probe(ctx.runtime.http, found)


async def account(ctx: Ctx, kind: ConnectorKind) -> Account | None:
    """The workspace's account in force, credentials in clear; None when it is not connected."""
    row = await Connections(ctx).sealed(kind)
    if row is None:
        return None
    opened = ctx.runtime.secrets.decrypt_json(row.sealed, purpose=_PURPOSE.format(row.guid))
    if not isinstance(opened, dict):
        raise TypeError("sealed credentials are not an object")
    return Account(row.guid, kind, row.base_url, {str(name): str(value) for name, value in opened.items()})
