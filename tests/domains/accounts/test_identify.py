"""A credential is dead at once, whichever process ended it, although identities are kept in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from interlock.domains.accounts.service import clients, keys
from interlock.domains.accounts.service.identify import identify
from interlock.domains.accounts.states import ClientKind
from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.database import open_database
from interlock.runtime.invoke import invoke
from tests.support.app import Server


@asynccontextmanager
async def beside(server: Server) -> AsyncIterator[Runtime]:
    """A second process on the same database, such as the command line beside the server."""
    runtime = replace(server.runtime, database=open_database(server.runtime.settings), _locals={})
    try:
        yield runtime
    finally:
        await runtime.database.close()


async def known(runtime: Runtime, credential: str) -> Ctx | None:
    """Whoever holds the credential, asked often enough for it to be kept; None when nobody is known by it."""
    try:
        return [await identify(runtime, credential, request_id="test", face="test") for _ in range(3)][-1]
    except InterlockError as error:
        assert error.kind is Kind.UNAUTHENTICATED  # noqa: PT017 - anything else fails the test
        return None


@pytest.mark.parametrize("by_another", [False, True])
async def test_a_revoked_key_is_dead_at_once(server: Server, *, by_another: bool) -> None:
    owner = await server.ctx()
    made = await invoke(owner, keys.create_key, keys.CreateKey(name="short-lived"))
    assert await known(server.runtime, made.secret) is not None
    async with beside(server) as other:
        actor = replace(owner, runtime=other if by_another else server.runtime)
        await invoke(actor, keys.revoke_key, keys.KeyRef(key_id=made.id))
        assert await known(server.runtime, made.secret) is None
        assert await known(other, made.secret) is None


@pytest.mark.parametrize("by_another", [False, True])
async def test_a_rotated_bearer_is_dead_at_once(server: Server, *, by_another: bool) -> None:
    owner = await server.ctx()
    made = await invoke(owner, clients.register_client, clients.RegisterClient(name="desk", kind=ClientKind.CURSOR))
    assert await known(server.runtime, made.bearer) is not None
    async with beside(server) as other:
        actor = replace(owner, runtime=other if by_another else server.runtime)
        rotated = await invoke(actor, clients.rotate_client, clients.ClientRef(client_id=made.id))
    assert await known(server.runtime, made.bearer) is None
    assert await known(server.runtime, rotated.bearer) is not None


async def test_a_change_of_rules_in_another_process_is_known_to_the_next_request(server: Server) -> None:
    before = await known(server.runtime, server.key)
    assert before is not None
    async with beside(server) as other, replace(before, runtime=other).begin() as changing:
        await org.rules_changed(changing)
    after = await known(server.runtime, server.key)
    assert after is not None
    assert after.workspace_version == before.workspace_version + 1


async def test_an_unknown_credential_becomes_known_when_it_is_made(server: Server) -> None:
    for credential in ("sk_live_nobody", "whsec_nobody", "sess_nobody", ""):
        assert await known(server.runtime, credential) is None
