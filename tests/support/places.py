"""A server on a real socket for browsers, and workspaces on it that belong to one test each."""

import asyncio
import contextlib
import itertools
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from argon2 import PasswordHasher
from pydantic import BaseModel
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from interlock import main
from interlock.domains.accounts.repository import Sessions, Users
from interlock.domains.accounts.service import first_start
from interlock.domains.accounts.service.identify import SESSION_PREFIX, anonymous, identify
from interlock.domains.accounts.service.people import SESSION_LIFE
from interlock.domains.accounts.states import Role
from interlock.domains.accounts.views import SessionId
from interlock.runtime.context import Ctx, Runtime, UserId
from interlock.runtime.invoke import invoke
from interlock.runtime.secrets import hashed, new_token
from interlock.runtime.settings import Settings
from tests.support.app import LOOPBACK, MASTER_KEY

CommandT = TypeVar("CommandT", bound=BaseModel)
ResultT = TypeVar("ResultT")

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@cache
def _password_hash() -> str:
    """Made once: it takes a third of a second, and every test has people of its own."""
    return PasswordHasher().hash(PASSWORD)


@dataclass(frozen=True)
class BrowserServer:
    """A started server that a browser reaches at `base_url`; tests share it and take a workspace each."""

    runtime: Runtime
    base_url: str
    http: httpx.AsyncClient
    sockets: ServerState = field(repr=False)

    def drop_connections(self) -> int:
        """Cut every open connection, as a bad network would; returns how many there were."""
        connections = list(self.sockets.connections)
        for connection in connections:
            connection.transport.abort()
        return len(connections)

    async def found(self, name: str = "Northwind") -> "Place":
        """A new workspace with an owner who has a password and is signed in."""
        number = next(_numbers)
        email = f"owner-{number}@example.com"
        async with anonymous(self.runtime, request_id="test", face="test").begin() as ctx:
            key = await first_start.found_another(
                ctx, workspace_name=f"{name} {number}", owner_email=email, owner_name="Olivia Owner"
            )
        as_key = await identify(self.runtime, key.secret, request_id="test", face="test")
        assert as_key.actor.user_id is not None
        async with as_key.begin() as ctx:
            await Users(ctx).set_password(as_key.actor.user_id, _password_hash())
        token = await _signed_in(as_key, as_key.actor.user_id)
        return Place(self, key.secret, Person(email, "Olivia Owner", token))


@dataclass(frozen=True)
class Person:
    """Somebody of a workspace, and the token of a sign-in that has happened."""

    email: str
    name: str
    token: str
    password: str = PASSWORD


@dataclass(frozen=True)
class Place:
    """One workspace of a server, its first key and its owner."""

    server: BrowserServer
    key: str
    owner: Person

    @property
    def base_url(self) -> str:
        """Where the server listens."""
        return self.server.base_url

    @property
    def runtime(self) -> Runtime:
        """The machinery of the server."""
        return self.server.runtime

    @property
    def data_dir(self) -> Path:
        """Where the server keeps its files; models that play a conversation file are put there."""
        return self.runtime.settings.data_dir

    async def ctx(self, credential: str | None = None) -> Ctx:
        """A context as a face would build it, for the owner or another credential."""
        return await identify(self.runtime, credential or self.owner.token, request_id="test", face="test")

    async def call(self, function: Callable[[Ctx, CommandT], Awaitable[ResultT]], command: CommandT) -> ResultT:
        """Call an operation as the owner, through the doorway."""
        return await invoke(await self.ctx(), function, command)

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the native API with the first key; returns the reply's JSON, and fails on an error."""
        headers = {"x-api-key": self.key}
        answer = await self.server.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def person(self, role: Role = Role.MEMBER, name: str = "Mona Member") -> Person:
        """Another person of the workspace, signed in."""
        email = f"person-{next(_numbers)}@example.com"
        key = UserId.new()
        ctx = await self.ctx()
        async with ctx.begin() as writing:
            await Users(writing).add(
                key, email=email, name=name, role=role, password_hash=_password_hash(), created_at=ctx.now
            )
        return Person(email, name, await _signed_in(ctx, key))


async def _signed_in(ctx: Ctx, user: UserId) -> str:
    """What signing in does, without the third of a second that checking a password takes."""
    token = new_token(SESSION_PREFIX)
    async with ctx.begin() as writing:
        await Sessions(writing).add(
            SessionId.new(),
            user_id=user,
            token_hash=hashed(token),
            source=None,
            created_at=ctx.now,
            expires_at=ctx.now + SESSION_LIFE,
        )
    return token


@contextlib.asynccontextmanager
async def serving_browsers(
    folder: Path, template: Path, *, founded: bool = True, **settings: Any
) -> AsyncIterator[BrowserServer]:
    """A whole server on SQLite behind a socket of this event loop.

    Args:
        folder: where its data directory is made.
        template: a migrated, empty database.
        founded: whether its first start has happened.
        settings: what differs from the settings of every test server.
    """
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    shutil.copy(template, data_dir / "interlock.db")
    # Bound first: links that the server writes carry its port.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        values = {
            "data_dir": data_dir,
            "database_url": None,
            "port": listener.getsockname()[1],
            "master_key": MASTER_KEY,
            "http_allow_private": LOOPBACK,
            "rate_limit_per_minute": 100_000,
            "embed_rate_limit_per_minute": 100_000,
            "hook_rate_limit_per_minute": 100_000,
            **settings,
        }
        async with main.running(Settings.model_validate(values)) as runtime:
            if founded:
                await main.first_key(runtime)
            async with _listening(runtime, listener) as server:
                yield server


@contextlib.asynccontextmanager
async def _listening(runtime: Runtime, listener: socket.socket) -> AsyncIterator[BrowserServer]:
    # uvicorn's own Server takes over the process's signals and waits at every stop: only its protocol is used.
    config = uvicorn.Config(
        main.create_app(runtime), lifespan="off", log_config=None, access_log=False, ws="none", server_header=False
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    accepting = await loop.create_server(lambda: HttpToolsProtocol(config, state, {}), sock=listener)
    base_url = runtime.settings.base_url
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as http:
        server = BrowserServer(runtime, base_url, http, state)
        try:
            yield server
        finally:
            accepting.close()
            server.drop_connections()
            pending = list(state.tasks)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            await accepting.wait_closed()
