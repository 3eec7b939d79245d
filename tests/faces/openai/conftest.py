"""The OpenAI face on a real port, in front of a gateway with a fake provider, and OpenAI's own client."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import openai
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from interlock.domains.accounts.gates import ai_access, known_caller, scope_held
from interlock.domains.accounts.service import first_start
from interlock.domains.accounts.service.identify import identify
from interlock.domains.llm.views import ProviderKind
from interlock.faces.openai.routes import routes
from interlock.faces.web.middleware import Edge
from interlock.sandbox.server import listening
from tests.domains.llm.gateway import Gateway, opened
from tests.fakes.llm import FakeLLM, serve_anthropic, serve_openai


@dataclass
class Face:
    """A server that speaks OpenAI's wire, its key, and the fake behind it."""

    base_url: str
    key: str
    gateway: Gateway
    fake: FakeLLM
    claude: FakeLLM
    clients: list[openai.AsyncOpenAI] = field(default_factory=list)

    def client(self, key: str | None = None, *, max_retries: int = 0) -> openai.AsyncOpenAI:
        """OpenAI's own client, pointed here; closed after the test."""
        client = openai.AsyncOpenAI(base_url=f"{self.base_url}/v1", api_key=key or self.key, max_retries=max_retries)
        self.clients.append(client)
        return client


@pytest.fixture
async def face(tmp_path: Path) -> AsyncIterator[Face]:
    """The face with an OpenAI-compatible provider (`gpt-*`) and an Anthropic one (`claude-*`)."""
    async with opened(tmp_path) as gateway, serve_openai() as fake, serve_anthropic() as claude:
        runtime = gateway.runtime
        runtime.gates = (known_caller, scope_held, ai_access)
        async with gateway.ctx.begin() as unit:
            created = await first_start.found_another(unit, workspace_name="beta", owner_email="bo@example.com")
        gateway.ctx = await identify(runtime, created.secret, request_id="test", face="test")
        gateway.ctx = replace(gateway.ctx, scopes=frozenset({"*"}))
        secret = SecretStr("sk-upstream-0123456789abcdef")
        await gateway.provider(ProviderKind.OPENAI, fake.base_url, credential=secret)
        await gateway.provider(ProviderKind.ANTHROPIC, claude.base_url, credential=secret)
        app = Starlette(routes=routes())
        app.state.runtime = runtime
        async with listening(Edge(app, runtime)) as root:
            face = Face(root, created.secret, gateway, fake, claude)
            yield face
            for client in face.clients:
                await client.close()
