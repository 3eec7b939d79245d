"""Who serves models to a workspace: its own providers, those of the server's settings, and the built-in ones."""

from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from interlock.domains.llm.repository import Providers, Routes, masked
from interlock.domains.llm.routing import LOCAL_MODELS, Directory, Upstream
from interlock.domains.llm.views import Provider, ProviderId, ProviderKind, ProviderSource
from interlock.domains.org import service as org
from interlock.domains.settings import service as workspace_settings
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.settings import Settings

DEFAULT_URLS = {
    ProviderKind.OPENAI: "https://api.openai.com/v1",
    ProviderKind.ANTHROPIC: "https://api.anthropic.com",
    ProviderKind.GOOGLE: "https://generativelanguage.googleapis.com",
    ProviderKind.OPENROUTER: "https://openrouter.ai/api/v1",
    ProviderKind.OLLAMA: "http://127.0.0.1:11434/v1",
    ProviderKind.OPENAI_COMPATIBLE: "",
    ProviderKind.LOCAL: "",
    ProviderKind.SCRIPTED: "",
}
DEFAULT_MODEL = "default"
RESERVED_NAMES = frozenset(kind.value for kind in (ProviderKind.LOCAL, ProviderKind.SCRIPTED))
_SETTINGS_PRIORITY = 200
_BUILT_IN_PRIORITY = 300
HINT_LENGTH = 4


@dataclass(slots=True)
class _Cache:
    """Directories by workspace, each with the version of the rules it was read under."""

    entries: dict[WorkspaceId, tuple[int, Directory]] = field(default_factory=dict)


def purpose(provider_id: ProviderId | None) -> str:
    """What a sealed credential is bound to."""
    return f"llm.provider:{provider_id}"


def forget(ctx: Ctx) -> None:
    """Have the next call read this workspace's providers and routes anew."""
    entries = ctx.runtime.local(_Cache).entries
    ctx.the_unit().after_commit(lambda: entries.pop(ctx.workspace_id, None) and None)


async def directory_of(ctx: Ctx) -> Directory:
    """The providers and routes of the caller's workspace, read once per version of its rules."""
    entries = ctx.runtime.local(_Cache).entries
    if not ctx.workspace_version:
        ctx = await _versioned(ctx)
    cached = entries.get(ctx.workspace_id)
    if cached is not None and cached[0] == ctx.workspace_version:
        return cached[1]
    if ctx.unit is None:
        async with ctx.begin(write=False) as reading:
            return await directory_of(reading)
    mine = [_opened(ctx, provider, sealed) for provider, sealed in await Providers(ctx).sealed() if provider.enabled]
    names = {upstream.name for upstream in mine}
    shared = [upstream for upstream in of_settings(ctx.settings) if upstream.name not in names]
    routes = {route.name: route.targets for route in await Routes(ctx).all()}
    default = await workspace_settings.default_model(ctx)
    if default is not None:
        routes.setdefault(DEFAULT_MODEL, routes.get(default, (default,)))
    directory = Directory([*mine, *shared], routes)
    entries[ctx.workspace_id] = (ctx.workspace_version, directory)
    return directory


async def _versioned(ctx: Ctx) -> Ctx:
    """The same with the rules' version of now: a run outlives many, so its context carries none."""
    if ctx.unit is None:
        async with ctx.begin(write=False) as reading:
            facts = await org.facts(reading, ctx.workspace_id)
    else:
        facts = await org.facts(ctx, ctx.workspace_id)
    return replace(ctx, workspace_version=facts.rules_version)


def of_settings(settings: Settings) -> list[Upstream]:
    """The providers every workspace of this server has: those with a key in the settings, and the built-in ones."""
    keys: tuple[tuple[ProviderKind, SecretStr | None], ...] = (
        (ProviderKind.OPENAI, settings.openai_api_key),
        (ProviderKind.ANTHROPIC, settings.anthropic_api_key),
        (ProviderKind.GOOGLE, settings.google_api_key),
        (ProviderKind.OPENROUTER, settings.openrouter_api_key),
    )
    found = [
        Upstream(
            key=f"settings:{kind.value}",
            name=kind.value,
            kind=kind,
            base_url=DEFAULT_URLS[kind],
            credential=key.get_secret_value(),
            priority=_SETTINGS_PRIORITY,
            source=ProviderSource.SETTINGS,
        )
        for kind, key in keys
        if key is not None and key.get_secret_value()
    ]
    if settings.ollama_url:
        found.append(
            Upstream(
                key="settings:ollama",
                name="ollama",
                kind=ProviderKind.OLLAMA,
                base_url=with_v1(settings.ollama_url),
                priority=_SETTINGS_PRIORITY,
                source=ProviderSource.SETTINGS,
                allow_private=True,
            )
        )
    for kind, models in ((ProviderKind.LOCAL, LOCAL_MODELS), (ProviderKind.SCRIPTED, ())):
        found.append(
            Upstream(
                key=f"built_in:{kind.value}",
                name=kind.value,
                kind=kind,
                base_url="",
                priority=_BUILT_IN_PRIORITY,
                models=models,
                source=ProviderSource.BUILT_IN,
            )
        )
    return found


def shown(upstream: Upstream) -> Provider:
    """A provider of the settings, or a built-in one, as people see it."""
    return Provider(
        id=None,
        name=upstream.name,
        kind=upstream.kind,
        source=upstream.source,
        base_url=upstream.base_url or None,
        credential=None if upstream.credential is None else masked(hint_of(upstream.credential)),
        priority=upstream.priority,
        timeout_seconds=upstream.timeout_seconds,
        models=upstream.models,
    )


def hint_of(credential: str) -> str:
    """The end of a credential by which people know it; nothing of one too short to keep secret then."""
    return credential[-HINT_LENGTH:] if len(credential) >= 4 * HINT_LENGTH else ""


def with_v1(url: str) -> str:
    """Ollama's root URL as its OpenAI-compatible base URL."""
    trimmed = url.rstrip("/")
    return trimmed if trimmed.endswith("/v1") else f"{trimmed}/v1"


def _opened(ctx: Ctx, provider: Provider, sealed: bytes | None) -> Upstream:
    credential = None
    if sealed is not None:
        credential = str(ctx.runtime.secrets.decrypt_json(sealed, purpose=purpose(provider.id)))
    base_url = provider.base_url or DEFAULT_URLS[provider.kind]
    stamp = "" if provider.updated_at is None else provider.updated_at.isoformat()
    return Upstream(
        key=f"{provider.id}:{stamp}",
        name=provider.name,
        kind=provider.kind,
        base_url=with_v1(base_url) if provider.kind is ProviderKind.OLLAMA else base_url.rstrip("/"),
        credential=credential,
        priority=provider.priority,
        timeout_seconds=provider.timeout_seconds,
        models=provider.models,
        prices=provider.prices,
        provider_id=provider.id,
    )
