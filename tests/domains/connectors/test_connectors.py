from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from interlock.domains.connectors import service as connectors
from interlock.domains.connectors.kinds import CONNECTORS
from interlock.domains.connectors.states import ConnectionStatus
from interlock.domains.connectors.views import Connection, ConnectorKind
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.http import GuardedHttp
from interlock.runtime.invoke import invoke
from interlock.runtime.settings import Settings
from interlock.sandbox import ProviderName, Sandbox, serve
from tests.domains.governance.world import World, build, user

TOKEN = "xoxb-1234-5678-sandbox"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serve() as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, database_url: str | None) -> AsyncIterator[World]:
    values: dict[str, Any] = {"data_dir": tmp_path, "database_url": database_url, "http_allow_private": "127.0.0.0/8"}
    settings = Settings.model_validate(values)
    built = await build(settings)
    built.runtime.http = GuardedHttp(settings)
    yield built
    await built.runtime.http.close()
    await built.runtime.database.close()


async def _connect(world: World, id: str = "int_slack", **given: Any) -> Connection:
    given = {"credentials": {"token": TOKEN}, **given}
    return await world.call(connectors.connect, connectors.ConnectAccount.model_validate({"id": id, **given}))


async def test_a_credential_goes_in_and_is_never_shown(world: World) -> None:
    made = await _connect(world)
    assert made.base_url == "https://slack.com"
    assert made.credential_fields == ("token",)
    listed = await world.call(connectors.list_, connectors.ListConnections())
    shown = await world.call(connectors.get, connectors.ConnectionRef(connection_id=made.id))
    assert TOKEN not in f"{made!r}{listed!r}{shown!r}"
    async with world.ctx.begin(write=False) as reading:
        account = await connectors.account(reading, ConnectorKind.SLACK)
    assert account is not None
    assert account.credentials == {"token": TOKEN}
    assert TOKEN not in repr(account)


async def test_connecting_again_replaces_and_disconnecting_destroys(world: World) -> None:
    first = await _connect(world)
    second = await _connect(world, base_url="https://example.com/slack/", credentials={"token": "xoxb-new"})
    assert (second.id, second.base_url) == (first.id, "https://example.com/slack")
    ref = connectors.IntegrationRef.model_validate({"id": "int_slack"})
    gone = await world.call(connectors.disconnect, ref)
    assert (gone.status, gone.credential_fields) == (ConnectionStatus.DISCONNECTED, ())
    async with world.ctx.begin(write=False) as reading:
        assert await connectors.account(reading, ConnectorKind.SLACK) is None
    with pytest.raises(InterlockError) as caught:
        await world.call(connectors.disconnect, ref)
    assert caught.value.kind is Kind.CONFLICT
    assert (await _connect(world)).status is ConnectionStatus.CONNECTED


async def test_only_an_administrator_connects(world: World) -> None:
    ctx = (await world.fresh()).acting_as(user(), frozenset({"agents"}))
    command = connectors.IntegrationRef.model_validate({"id": "int_slack"})
    for operation in (connectors.disconnect, connectors.test):
        with pytest.raises(InterlockError) as caught:
            await invoke(ctx, operation, command)
        assert caught.value.kind is Kind.FORBIDDEN
    connect = connectors.ConnectAccount.model_validate({"id": "int_slack", "credentials": {"token": TOKEN}})
    with pytest.raises(InterlockError) as caught:
        await invoke(ctx, connectors.connect, connect)
    assert caught.value.kind is Kind.FORBIDDEN


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"credentials": {}}, "credentials.token"),
        ({"credentials": {"token": TOKEN, "colour": "red"}}, "credentials.colour"),
        ({"id": "int_n8n", "credentials": {}}, "base_url"),
        ({"id": "int_n8n", "base_url": "https://n8n.example.com", "credentials": {"header_name": "X"}}, "credentials"),
    ],
)
async def test_what_is_missing_or_unknown_is_named(world: World, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await _connect(world, **given)
    assert (caught.value.kind, caught.value.data["field"]) == (Kind.INVALID, field)


@pytest.mark.parametrize(
    "given",
    [
        {"id": "int_fax"},
        {"base_url": "ftp://example.com"},
        {"base_url": "https://user:pass@example.com"},
        {"base_url": "https://example.com/?q=1"},
        {"credentials": {"token": "two\nlines"}},
        {"credentials": {"token": ""}},
        {"surprise": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        connectors.ConnectAccount.model_validate({"id": "int_slack", "credentials": {"token": TOKEN}, **given})


async def test_accounts_of_another_workspace_do_not_exist(world: World) -> None:
    made = await _connect(world)
    other = await world.elsewhere()
    async with other.begin(write=False) as reading:
        assert await connectors.account(reading, ConnectorKind.SLACK) is None
        with pytest.raises(InterlockError) as caught:
            await connectors.get(reading, connectors.ConnectionRef(connection_id=made.id))
    assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("kind", "credentials", "ok"),
    [
        ("slack", {"token": TOKEN}, True),
        ("slack", {"token": "nope"}, False),
        ("gmail", {"access_token": "ya29.sandbox"}, True),
        ("gmail", {"access_token": "nope"}, False),
        ("hubspot", {"token": "pat-na1-sandbox"}, True),
        ("hubspot", {"token": "nope"}, False),
        ("stripe", {"secret_key": "sk_test_sandbox"}, True),
        ("stripe", {"secret_key": "nope"}, False),
        ("zapier", {"account": "12345"}, None),
    ],
)
async def test_a_test_asks_the_provider_and_does_nothing_there(
    world: World, sandbox: Sandbox, kind: str, credentials: dict[str, str], ok: bool | None
) -> None:
    await _connect(world, f"int_{kind}", base_url=sandbox.url(ProviderName(kind)), credentials=credentials)
    ref = connectors.IntegrationRef.model_validate({"id": f"int_{kind}"})
    told = await world.call(connectors.test, ref)
    assert told.ok is ok
    assert sandbox.state.effects == []


def test_every_connector_has_its_facts() -> None:
    assert set(CONNECTORS) == set(ConnectorKind)
