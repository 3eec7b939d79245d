"""A signed-in person over HTTP, without a browser."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from interlock.domains.accounts.service import people
from interlock.faces.web.credentials import SESSION_COOKIE
from interlock.kit.operations import REGISTRY
from interlock.runtime.invoke import invoke
from tests.support.app import Server

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'"X-CSRF-Token": "([^"]+)"|X-CSRF-Token&#34;: &#34;([^&]+)&#34;')


@dataclass
class Person:
    """Somebody who is signed in; `csrf` is what their pages carry."""

    server: Server
    email: str
    session: str
    csrf: str = ""

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser sends along."""
        return {"cookie": f"{SESSION_COOKIE}={self.session}"}

    async def get(self, path: str, *, htmx: bool = False) -> httpx.Response:
        """Ask for a page, or for a part of one."""
        headers = {**self.cookies, "accept": "text/html", **({"hx-request": "true"} if htmx else {})}
        return await self.server.http.get(path, headers=headers)

    async def post(
        self, path: str, fields: Mapping[str, Any] | None = None, *, htmx: bool = False, csrf: str | None = None
    ) -> httpx.Response:
        """Send a form from one of the person's pages."""
        headers = {**self.cookies, "accept": "text/html", **({"hx-request": "true"} if htmx else {})}
        values = {"_csrf": self.csrf if csrf is None else csrf, **(fields or {})}
        return await self.server.http.post(path, data=values, headers=headers)

    async def call(self, operation: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Run an operation as this person, to prepare or to look."""
        found = REGISTRY[operation]
        return await invoke(
            await self.server.ctx(self.session), found.function, found.command.model_validate(payload or {})
        )


async def signed_in(server: Server, *, role: str = "owner", email: str | None = None, key: str | None = None) -> Person:
    """A new person of the key's workspace, signed in."""
    address = email or f"{role}@example.com"
    ctx = await server.ctx(key)
    adding = {"email": address, "name": role.title(), "role": role, "password": PASSWORD}
    await invoke(ctx, people.add_user, people.AddUser.model_validate(adding))
    signing = people.SignIn.model_validate({"email": address, "password": PASSWORD})
    result = await invoke(ctx, people.sign_in, signing)
    person = Person(server, address, result.token)
    page = await person.get("/")
    token = _TOKEN.search(page.text)
    assert token is not None, page.text[:2000]
    person.csrf = token[1] or token[2]
    return person


@pytest.fixture
async def owner(server: Server) -> Person:
    """An owner, signed in."""
    return await signed_in(server)


@pytest.fixture
async def member(server: Server) -> Person:
    """A member, who holds every scope but `admin`."""
    return await signed_in(server, role="member")
