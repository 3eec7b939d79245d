"""Operations on providers, routes and models; what is stored, shown and refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import text

from interlock.domains.llm import service as llm
from interlock.domains.llm.pricing import Pricing
from interlock.domains.llm.service import CreateProvider, CreateRoute, TestProvider, UpdateProvider
from interlock.domains.llm.views import LanguageModel, ModelPrice, ProviderKind, ProviderSource, TokenUsage
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Nothing
from interlock.runtime.invoke import invoke
from tests.domains.llm.gateway import KEY, START, Gateway, opened
from tests.fakes.llm import Fault, FaultKind, serve_anthropic, serve_openai

URL = "http://127.0.0.1:9/v1"


async def test_a_credential_is_stored_sealed_and_shown_by_its_end(gateway: Gateway) -> None:
    created = await gateway.provider(ProviderKind.OPENAI, URL)
    assert created.credential == "…cdef"
    assert KEY not in repr(created)
    async with gateway.ctx.begin(write=False) as unit:
        rows = (await (await unit.session()).execute(text("SELECT * FROM llm_providers"))).all()
    assert KEY not in str(rows)
    assert KEY.encode() not in (gateway.runtime.settings.data_dir / "interlock.db").read_bytes()


async def test_a_provider_can_be_changed_and_removed(gateway: Gateway) -> None:
    created = await gateway.provider(ProviderKind.OPENAI, URL)
    assert created.id is not None
    changed = await gateway.call(llm.update_provider, UpdateProvider(provider_id=created.id, enabled=False, priority=5))
    assert (changed.enabled, changed.priority, changed.credential) == (False, 5, "…cdef")
    with pytest.raises(InterlockError, match="No configured provider"):
        await gateway.call(llm.embed, llm.EmbedTexts(texts=("a",), model="gpt-4o"))
    await gateway.call(llm.delete_provider, llm.ProviderRef(provider_id=created.id))
    assert created.id not in {provider.id for provider in await gateway.call(llm.list_providers, Nothing())}


async def test_a_changed_key_is_used_at_once(gateway: Gateway) -> None:
    async with serve_openai() as fake:
        created = await gateway.provider(ProviderKind.OPENAI, fake.base_url)
        assert created.id is not None
        command = llm.EmbedTexts(texts=("a",), model="openai:text-embedding-3-small")
        await gateway.call(llm.embed, command)
        update = UpdateProvider(provider_id=created.id, credential=SecretStr("sk-new-0123456789abcdef"))
        await gateway.call(llm.update_provider, update)
        await gateway.call(llm.embed, command)
    keys = [request.headers["authorization"] for request in fake.script.requests]
    assert keys == [f"Bearer {KEY}", "Bearer sk-new-0123456789abcdef"]


async def test_another_workspace_sees_nothing_of_it(gateway: Gateway) -> None:
    created = await gateway.provider(ProviderKind.OPENAI, URL)
    assert created.id is not None
    other = await gateway.elsewhere()
    with pytest.raises(InterlockError) as caught:
        await invoke(other, llm.get_provider, llm.ProviderRef(provider_id=created.id))
    assert caught.value.kind is Kind.NOT_FOUND
    assert all(p.source is not ProviderSource.WORKSPACE for p in await invoke(other, llm.list_providers, Nothing()))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "local", "kind": "openai_compatible", "base_url": URL}, "name"),
        ({"name": "x", "kind": "openai_compatible"}, "base_url"),
        ({"name": "x", "kind": "anthropic"}, "credential"),
    ],
)
async def test_an_incomplete_provider_is_refused(gateway: Gateway, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await gateway.call(llm.create_provider, CreateProvider.model_validate(fields))
    assert caught.value.data["field"] == field


@pytest.mark.parametrize("base_url", ["ftp://x", "https://user:pw@host/v1", "not a url"])
def test_a_bad_address_is_refused(base_url: str) -> None:
    with pytest.raises(ValidationError):
        CreateProvider(name="x", kind=ProviderKind.OPENAI_COMPATIBLE, base_url=base_url)


async def test_a_name_is_taken_once(gateway: Gateway) -> None:
    await gateway.provider(ProviderKind.OPENAI, URL)
    with pytest.raises(InterlockError) as caught:
        await gateway.provider(ProviderKind.OPENAI, URL)
    assert caught.value.kind is Kind.CONFLICT


async def test_a_test_tells_whether_address_and_key_are_right(gateway: Gateway) -> None:
    async with serve_openai() as fake, serve_anthropic() as claude:
        await gateway.provider(ProviderKind.OPENAI_COMPATIBLE, fake.base_url, name="own")
        await gateway.provider(ProviderKind.ANTHROPIC, claude.base_url)
        good = await gateway.call(llm.test_provider, TestProvider(name="own"))
        claude.script.enqueue(Fault(FaultKind.UNAUTHORIZED))
        bad = await gateway.call(llm.test_provider, TestProvider(name="anthropic"))
        assert (good.ok, good.models) == (True, ("fake-1", "fake-1-mini", "fake-embedding-1"))
        assert not bad.ok
        assert bad.error is not None
        assert KEY not in bad.error
        # What it learned serves bare names from now on.
        reply = await gateway.call(llm.embed, llm.EmbedTexts(texts=("a",), model="fake-embedding-1"))
    assert reply.provider == "own"


async def test_keys_of_the_settings_make_providers(tmp_path: Path) -> None:
    async with opened(
        tmp_path, anthropic_api_key="sk-ant-0123456789abcdef", ollama_url="http://127.0.0.1:9"
    ) as gateway:
        shown = {provider.name: provider for provider in await gateway.call(llm.list_providers, Nothing())}
        models = await gateway.call(llm.models, Nothing())
    assert set(shown) == {"anthropic", "ollama", "local", "scripted"}
    assert (shown["anthropic"].credential, shown["anthropic"].source) == ("…cdef", ProviderSource.SETTINGS)
    assert shown["ollama"].base_url == "http://127.0.0.1:9/v1"
    assert "anthropic:claude-sonnet-5" in {model.id for model in models}


async def test_models_are_listed_with_prices_and_routes(gateway: Gateway) -> None:
    await gateway.provider(ProviderKind.OPENAI, URL)
    await gateway.provider(ProviderKind.OPENAI_COMPATIBLE, URL, name="own", models=("llama3:8b",))
    await gateway.route("fast", "own:llama3:8b", "gpt-4o-mini")
    found: dict[str, LanguageModel] = {model.id: model for model in await gateway.call(llm.models, Nothing())}
    assert found["openai:gpt-4o-mini"].input_price == Decimal("0.15")
    assert found["own:llama3:8b"].input_price is None
    assert found["local:smollm2-135m-instruct"].input_price == 0
    assert found["fast"].targets == ("own:llama3:8b", "openai:gpt-4o-mini")


@pytest.mark.parametrize(
    ("name", "targets", "field"),
    [
        ("gpt-4o", ("claude-x",), "name"),
        ("fast", ("fast",), "targets.0"),
        ("fast", ("nobodys-model",), "model"),
    ],
)
async def test_a_route_must_lead_to_models(gateway: Gateway, name: str, targets: tuple[str, ...], field: str) -> None:
    await gateway.provider(ProviderKind.OPENAI, URL)
    with pytest.raises(InterlockError) as caught:
        await gateway.call(llm.create_route, CreateRoute(name=name, targets=targets))
    assert caught.value.data["field"] == field


async def test_a_provider_on_a_private_network_is_not_reached(tmp_path: Path) -> None:
    async with serve_openai() as fake, opened(tmp_path, http_allow_private="") as gateway:
        await gateway.provider(ProviderKind.OPENAI_COMPATIBLE, fake.base_url, name="own")
        with pytest.raises(InterlockError) as caught:
            await gateway.call(llm.embed, llm.EmbedTexts(texts=("a",), model="own:x"))
        assert (caught.value.kind, caught.value.code) == (Kind.FORBIDDEN, "address_refused")
        assert await gateway.held() == []
    assert fake.script.requests == []


@pytest.mark.parametrize(
    ("kind", "model", "usage", "cost"),
    [
        (ProviderKind.OPENAI, "gpt-4o-mini", TokenUsage(input_tokens=1000, output_tokens=100), "0.00021"),
        (ProviderKind.OPENAI, "gpt-4o-mini", TokenUsage(input_tokens=1000, cached_tokens=1000), "0.000075"),
        (ProviderKind.GOOGLE, "gemini-2.5-pro", TokenUsage(input_tokens=1000, output_tokens=100), "0.00225"),
        (ProviderKind.GOOGLE, "gemini-2.5-pro", TokenUsage(input_tokens=300_000), "0.75"),
        (ProviderKind.OPENAI, "nonesuch", TokenUsage(input_tokens=1000), None),
        (ProviderKind.LOCAL, "smollm2-135m-instruct", TokenUsage(input_tokens=1000), "0"),
        (ProviderKind.OLLAMA, "llama3", TokenUsage(input_tokens=1000), "0"),
        (ProviderKind.OLLAMA, "gpt-oss:120b-cloud", TokenUsage(input_tokens=1000), None),
    ],
)
def test_prices(kind: ProviderKind, model: str, usage: TokenUsage, cost: str | None) -> None:
    expected = None if cost is None else Decimal(cost)
    assert Pricing(kind, model).cost(usage, START) == expected


def test_declared_prices_win() -> None:
    declared = {"gpt-4o*": ModelPrice(input=Decimal(1), output=Decimal(2))}
    pricing = Pricing(ProviderKind.OPENAI, "gpt-4o-mini", declared=declared)
    assert pricing.cost(TokenUsage(input_tokens=1_000_000, output_tokens=1_000_000), START) == 3


async def test_providers_and_bookings_work_on_both_databases(tmp_path: Path, database_url: str | None) -> None:
    async with serve_openai() as fake, opened(tmp_path, database_url=database_url) as gateway:
        created = await gateway.provider(ProviderKind.OPENAI, fake.base_url)
        assert created.id is not None
        await gateway.route("vectors", "openai:text-embedding-3-small")
        reply = await gateway.call(llm.embed, llm.EmbedTexts(texts=("a",), model="vectors"))
        assert reply.cost
        changed = await gateway.call(llm.update_provider, UpdateProvider(provider_id=created.id, models=("m",)))
        assert changed.models == ("m",)
        [entry] = await gateway.booked()
        assert entry.cost == reply.cost
        assert await gateway.held() == []
