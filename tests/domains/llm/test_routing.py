"""From a model name to the providers that serve it: prefixes, families, routes, fallbacks, breakers."""

from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pydantic_ai.messages import ModelRequest

from interlock.domains.llm import service as llm
from interlock.domains.llm.chat import CompleteChat
from interlock.domains.llm.directory import of_settings
from interlock.domains.llm.routing import Directory, Upstream
from interlock.domains.llm.service import calls
from interlock.domains.llm.views import ModelCall, ModelReply, ProviderKind
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.money import ZERO
from interlock.runtime.settings import Settings
from tests.domains.llm.gateway import Gateway
from tests.fakes.llm import Fault, FaultKind, Reply, serve_anthropic, serve_openai

KEY = SecretStr("sk-test-0123456789abcdef")
CALL = [ModelRequest.user_text_prompt("hello")]


def directory(*upstreams: Upstream, **routes: tuple[str, ...]) -> Directory:
    return Directory([*upstreams, *of_settings(Settings(database_url=None))], routes)


def upstream(name: str, kind: ProviderKind, priority: int = 100, models: tuple[str, ...] = ()) -> Upstream:
    return Upstream(name, name, kind, "http://127.0.0.1:1", priority=priority, models=models)


GPT = upstream("openai", ProviderKind.OPENAI)
SPARE = upstream("spare", ProviderKind.OPENAI, priority=150)
CLAUDE = upstream("anthropic", ProviderKind.ANTHROPIC)
GEMINI = upstream("google", ProviderKind.GOOGLE)
OWN = upstream("own", ProviderKind.OPENAI_COMPATIBLE, models=("llama3:8b",))


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("openai:gpt-4o", ["openai:gpt-4o"]),
        ("openai/gpt-4o", ["openai:gpt-4o"]),
        ("gpt-4o", ["openai:gpt-4o", "spare:gpt-4o"]),
        ("o4-mini", ["openai:o4-mini", "spare:o4-mini"]),
        ("ft:gpt-4o:me", ["openai:ft:gpt-4o:me", "spare:ft:gpt-4o:me"]),
        ("claude-sonnet-5", ["anthropic:claude-sonnet-5"]),
        ("gemini-2.5-pro", ["google:gemini-2.5-pro"]),
        ("google-gla:gemini-2.5-pro", ["google:gemini-2.5-pro"]),
        ("llama3:8b", ["own:llama3:8b"]),
        ("own:other/model:x", ["own:other/model:x"]),
        ("local", ["local:smollm2-135m-instruct"]),
        ("local:smollm2", ["local:smollm2-135m-instruct"]),
        ("all-minilm-l6-v2", ["local:all-minilm-l6-v2"]),
        ("scripted:refund-desk", ["scripted:refund-desk"]),
        ("fast", ["own:llama3:8b", "anthropic:claude-haiku-5-5"]),
    ],
)
def test_names_lead_to_targets(name: str, ids: list[str]) -> None:
    found = directory(GPT, SPARE, CLAUDE, GEMINI, OWN, fast=("llama3:8b", "claude-haiku-5-5"))
    assert [target.id for target in found.resolve(name)] == ids


def test_a_name_that_leads_nowhere_names_the_providers_and_the_remedy() -> None:
    with pytest.raises(InterlockError) as caught:
        directory(OWN).resolve("claude-sonnet-5")
    error = caught.value
    assert (error.kind, error.code) == (Kind.INVALID, "unknown_model")
    assert "own, local, scripted" in error.message
    assert error.hint is not None
    assert "INTERLOCK_ANTHROPIC_API_KEY" in error.hint


def test_there_are_no_other_embedded_models() -> None:
    with pytest.raises(InterlockError, match="there is no 'gpt'"):
        directory().resolve("local:gpt")


async def ask(gateway: Gateway, model: str) -> ModelReply:
    return await calls.request(gateway.ctx, ModelCall(model, CALL, reference=uuid4().hex))


async def test_a_failing_model_is_replaced_by_the_next_of_its_route(gateway: Gateway) -> None:
    async with serve_openai() as gpt, serve_anthropic() as claude:
        await gateway.provider(ProviderKind.OPENAI, gpt.base_url)
        await gateway.provider(ProviderKind.ANTHROPIC, claude.base_url)
        await gateway.route("smart", "gpt-4o-mini", "claude-sonnet-5")
        gpt.script.enqueue(Fault(FaultKind.OVERLOADED))
        claude.script.enqueue(Reply("from claude"))
        reply = await ask(gateway, "smart")
    assert (reply.provider, reply.response.text) == ("anthropic", "from claude")
    assert gateway.pauses == []
    [entry] = await gateway.booked()
    assert entry.provider == "anthropic"


@pytest.mark.parametrize("fault", [FaultKind.UNAUTHORIZED])
async def test_a_refused_request_is_never_hidden_by_a_fallback(gateway: Gateway, fault: FaultKind) -> None:
    async with serve_openai() as gpt, serve_anthropic() as claude:
        await gateway.provider(ProviderKind.OPENAI, gpt.base_url)
        await gateway.provider(ProviderKind.ANTHROPIC, claude.base_url)
        await gateway.route("smart", "gpt-4o-mini", "claude-sonnet-5")
        gpt.script.enqueue(Fault(fault))
        with pytest.raises(InterlockError):
            await ask(gateway, "smart")
    assert claude.script.requests == []


async def test_a_model_that_keeps_failing_is_left_alone_for_a_while(gateway: Gateway) -> None:
    async with serve_openai() as gpt:
        await gateway.provider(ProviderKind.OPENAI, gpt.base_url)
        gpt.script.enqueue(*[Fault(FaultKind.SERVER_ERROR)] * 5)
        for _ in range(2):
            with pytest.raises(InterlockError):
                await ask(gateway, "gpt-4o-mini")
        assert len(gpt.script.requests) == 5
        with pytest.raises(InterlockError) as caught:
            await ask(gateway, "gpt-4o-mini")
        assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "circuit_open")
        assert len(gpt.script.requests) == 5
        gateway.clock.advance(timedelta(seconds=30))
        assert (await ask(gateway, "gpt-4o-mini")).response.text == "Hello from the fake model."
    assert await gateway.held() == []


async def test_scripts_are_played_and_named_as_scripts(gateway: Gateway) -> None:
    folder = gateway.runtime.settings.data_dir / "scripts"
    folder.mkdir()
    (folder / "hello.json").write_text('{"label": "hello", "turns": [{"text": "Good day."}]}')
    reply = await ask(gateway, "scripted:hello")
    assert (reply.response.text, reply.scripted, reply.provider) == ("Good day.", True, "scripted")
    assert reply.cost == ZERO
    assert reply.response.model_name == "scripted:hello"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "link", "..", "nonesuch", "%2e%2e/x"])
async def test_only_files_of_the_scripts_folder_are_played(gateway: Gateway, name: str) -> None:
    data_dir = gateway.runtime.settings.data_dir
    (data_dir / "secret.json").write_text('{"label": "secret", "turns": [{"text": "leak"}]}')
    (data_dir / "scripts").mkdir()
    (data_dir / "scripts" / "link.json").symlink_to(data_dir / "secret.json")
    with pytest.raises(InterlockError) as caught:
        await ask(gateway, f"scripted:{name}")
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, "unknown_script")


async def test_the_embedded_model_says_that_it_has_no_tools(gateway: Gateway) -> None:
    command = CompleteChat.model_validate(
        {
            "model": "local",
            "messages": [{"role": "user", "content": "hi"}],
            "tools": [{"type": "function", "function": {"name": "x"}}],
        }
    )
    with pytest.raises(InterlockError, match="tools"):
        await gateway.call(llm.complete, command)
