"""Signing in where there is no password to sign in with."""

import httpx
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import select, update

from interlock import main
from interlock.domains.accounts.models import sessions
from interlock.domains.accounts.repository import Users
from interlock.domains.accounts.service import people
from interlock.runtime.database import SqliteDatabase
from interlock.runtime.invoke import invoke
from tests.support.app import Server


async def test_an_account_without_a_password_lets_nobody_in(server: Server) -> None:
    """Not even who knows the phrase behind the stand-in hash."""
    async with (await server.ctx()).begin(write=False) as ctx:
        owner = await Users(ctx).first_owner()
    for password in ("nobody has this password", "some other password"):
        refused = await server.http.post("/api/auth/sign-in", json={"email": owner.email, "password": password})
        assert refused.status_code == 401, refused.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_outsider_who_guesses_does_not_lock_the_owner_out(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "SIGN_INS_PER_MINUTE", 2)
    password = "a long enough one"
    added = people.AddUser(email="c@example.com", name="C", password=SecretStr(password))
    await invoke(await server.ctx(), people.add_user, added)
    app = main.create_app(server.runtime)

    async def tried(address: str, guess: str) -> int:
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            return (
                await http.post("/api/auth/sign-in", json={"email": "c@example.com", "password": guess})
            ).status_code

    assert [await tried("203.0.113.7", "a wrong password") for _ in range(3)] == [401, 401, 429]
    assert await tried("203.0.113.7", password) == 429
    assert await tried("203.0.113.8", password) == 200


def test_the_stand_in_hash_costs_what_a_real_one_costs() -> None:
    assert not PasswordHasher().check_needs_rehash(people._NOBODY)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_waits_for_a_password_to_be_hashed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes a third of a second, and SQLite has one writer."""
    database = server.runtime.database
    assert isinstance(database, SqliteDatabase)
    held: list[bool] = []

    def hashing(_hasher: PasswordHasher, _password: str) -> str:
        held.append(database._turn.locked())
        return people._NOBODY

    monkeypatch.setattr(PasswordHasher, "hash", hashing)
    ctx = await server.ctx()
    password = SecretStr("a long enough one")
    await invoke(ctx, people.add_user, people.AddUser(email="a@example.com", name="A", password=password))
    await invoke(ctx, people.reset_password, people.ResetPassword(email="a@example.com", password=password))
    assert held == [False, False]


async def test_signing_in_forgets_what_has_run_out(server: Server) -> None:
    password = SecretStr("a long enough one")
    ctx = await server.ctx()
    added = people.AddUser(email="b@example.com", name="B", password=password)
    await invoke(ctx, people.add_user, added)
    for _ in range(2):
        await invoke(ctx, people.sign_in, people.SignIn(email="b@example.com", password=password))
    async with ctx.begin() as unit:
        await (await unit.session()).execute(update(sessions).values(expires_at=ctx.now))
    await invoke(ctx, people.sign_in, people.SignIn(email="b@example.com", password=password))
    async with ctx.begin(write=False) as unit:
        assert len((await (await unit.session()).execute(select(sessions.c.id))).all()) == 1
