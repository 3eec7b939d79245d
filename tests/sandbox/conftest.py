from collections.abc import AsyncIterator

import httpx
import pytest

from interlock.sandbox import ProviderName, Sandbox, serve

TOKENS = {
    ProviderName.SLACK: "xoxb-1234-5678-sandbox",
    ProviderName.GMAIL: "ya29.sandbox",
    ProviderName.HUBSPOT: "pat-na1-sandbox",
    ProviderName.STRIPE: "sk_test_sandbox",
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serve() as running:
        yield running


@pytest.fixture
async def own(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(sandbox, ProviderName.SLACK) as client:
        yield client


@pytest.fixture
async def gmail(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(sandbox, ProviderName.GMAIL) as client:
        yield client


@pytest.fixture
async def hubspot(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(sandbox, ProviderName.HUBSPOT) as client:
        yield client


@pytest.fixture
async def stripe(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(sandbox, ProviderName.STRIPE) as client:
        yield client


def _client(sandbox: Sandbox, provider: ProviderName) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {TOKENS[provider]}"}
    return httpx.AsyncClient(base_url=sandbox.url(provider), headers=headers, trust_env=False, verify=False)
