"""Signing in where there is no password to sign in with."""

from argon2 import PasswordHasher

from interlock.domains.accounts.repository import Users
from interlock.domains.accounts.service import people
from tests.support.app import Server


async def test_an_account_without_a_password_lets_nobody_in(server: Server) -> None:
    """Not even who knows the phrase behind the stand-in hash."""
    async with (await server.ctx()).begin(write=False) as ctx:
        owner = await Users(ctx).first_owner()
    for password in ("nobody has this password", "some other password"):
        refused = await server.http.post("/api/auth/sign-in", json={"email": owner.email, "password": password})
        assert refused.status_code == 401, refused.text


def test_the_stand_in_hash_costs_what_a_real_one_costs() -> None:
    assert not PasswordHasher().check_needs_rehash(people._NOBODY)
