"""Operations on providers of models: add, show, change, remove, test."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import Field, SecretStr, field_validator

from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.llm.directory import (
    DEFAULT_URLS,
    RESERVED_NAMES,
    directory_of,
    forget,
    hint_of,
    of_settings,
    purpose,
    shown,
)
from interlock.domains.llm.errors import not_delivered, refused
from interlock.domains.llm.providers.relay import headers
from interlock.domains.llm.pulse import health_of, pulses_of
from interlock.domains.llm.repository import Providers
from interlock.domains.llm.routing import Upstream
from interlock.domains.llm.scripts import script_names
from interlock.domains.llm.views import (
    BUILT_IN,
    SPEAKS_OPENAI,
    ModelPrice,
    Provider,
    ProviderCheck,
    ProviderHealth,
    ProviderId,
    ProviderKind,
)
from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, Kind, conflict, invalid, not_found
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx, UserId

SCOPE = "admin"
_TEST_SECONDS = 15.0
_MODELS_KEPT = 1000
_ANTHROPIC_VERSION = "2023-06-01"
_NEEDS_KEY = frozenset({ProviderKind.OPENAI, ProviderKind.ANTHROPIC, ProviderKind.GOOGLE, ProviderKind.OPENROUTER})

Name = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$", description="The prefix of its models: 'name:model'.")
]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=500, description="Root of its API.")]
Credential = Annotated[SecretStr, Field(min_length=1, max_length=4000, description="API key; stored encrypted.")]
Priority = Annotated[int, Field(ge=0, le=1000, description="Lower is preferred.")]
Seconds = Annotated[float, Field(ge=1, le=3600, description="How long one call may take.")]
Models = Annotated[tuple[str, ...], Field(max_length=_MODELS_KEPT, description="Models it serves, for bare names.")]
Prices = Annotated[dict[str, ModelPrice], Field(max_length=_MODELS_KEPT, description="Prices by model name or glob.")]


class CreateProvider(Command):
    """A place that serves models."""

    name: Name
    kind: ProviderKind
    base_url: BaseUrl | None = None
    credential: Credential | None = None
    enabled: bool = True
    priority: Priority = 100
    timeout_seconds: Seconds = 120.0
    models: Models = ()
    prices: Prices = Field(default_factory=dict)

    @field_validator("kind")
    @classmethod
    def _not_built_in(cls, kind: ProviderKind) -> ProviderKind:
        if kind in BUILT_IN:
            raise ValueError("this kind comes with the product and cannot be added")
        return kind


class UpdateProvider(Command):
    """The fields to change; absent ones stay."""

    provider_id: ProviderId
    name: Name | None = None
    base_url: BaseUrl | None = None
    credential: Credential | None = None
    enabled: bool | None = None
    priority: Priority | None = None
    timeout_seconds: Seconds | None = None
    models: Models | None = None
    prices: Prices | None = None


class ProviderRef(Command):
    """Which provider."""

    provider_id: ProviderId


class TestProvider(Command):
    """Which provider, by name, those of the server's settings included."""

    __test__ = False

    name: Annotated[str, Field(min_length=1, max_length=60)]


@operation("llm.create_provider", scope=SCOPE, effect=Effect.WRITE)
async def create_provider(ctx: Ctx, command: CreateProvider) -> Provider:
    """Add a provider of models to the workspace."""
    _check(command.name, command.kind, command.base_url, has_key=command.credential is not None)
    key = ProviderId.new()
    values = command.model_dump(mode="json", exclude={"credential"})
    values |= {"kind": command.kind, "created_at": ctx.now, "updated_at": ctx.now}
    providers = Providers(ctx)
    if await providers.named(command.name) is not None:
        raise conflict(f"There is a provider named '{command.name}' already.", name=command.name)
    await providers.insert(key, {**values, **_sealed(ctx, key, command.credential)})
    await _changed(ctx)
    await registry.note(ctx, _system(command.name, ctx.actor.user_id))
    return await providers.get(key)


def _system(name: str, owner_id: UserId | None = None) -> registry.NoteSystem:
    """A provider as the AI registry lists it: by the name that the money ledger knows it by."""
    return registry.NoteSystem(SystemKind.LLM_PROVIDER, name, name, owner_id)


async def systems(ctx: Ctx) -> Sequence[registry.NoteSystem]:
    """Every provider of models that can be used, for the AI registry."""
    async with ctx.begin(write=False) as reading:
        found = await list_providers(reading, Nothing())
    return tuple(_system(provider.name) for provider in found if provider.enabled)


@operation("llm.list_providers", scope=SCOPE)
async def list_providers(ctx: Ctx, command: Nothing) -> tuple[Provider, ...]:
    """List the workspace's providers, those of the server's settings, and the built-in ones."""
    mine = [provider for provider, _ in await Providers(ctx).sealed()]
    names = {provider.name for provider in mine}
    return (*mine, *(shown(upstream) for upstream in of_settings(ctx.settings) if upstream.name not in names))


@operation("llm.get_provider", scope=SCOPE)
async def get_provider(ctx: Ctx, command: ProviderRef) -> Provider:
    """Show one provider; its credential shows only the last four characters."""
    return await Providers(ctx).get(command.provider_id)


@operation("llm.update_provider", scope=SCOPE, effect=Effect.WRITE)
async def update_provider(ctx: Ctx, command: UpdateProvider) -> Provider:
    """Change a provider, or give it a new credential."""
    sent = changes(command, "provider_id")
    for required in ("name", "enabled", "priority", "timeout_seconds", "models", "prices"):
        if required in sent and sent[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    providers = Providers(ctx)
    current = await providers.get(command.provider_id)
    values = command.model_dump(mode="json", include=set(sent) - {"credential"})
    has_key = command.credential is not None if "credential" in sent else current.credential is not None
    base_url = command.base_url if "base_url" in sent else current.base_url
    _check(command.name or current.name, current.kind, base_url, has_key=has_key)
    taken = await providers.named(command.name) if command.name is not None else None
    if taken is not None and taken != command.provider_id:
        raise conflict(f"There is a provider named '{command.name}' already.", name=command.name)
    if "credential" in sent:
        values |= _sealed(ctx, command.provider_id, command.credential)
    provider = await providers.change(command.provider_id, {**values, "updated_at": ctx.now})
    if provider.name != current.name:
        await registry.note_removed(ctx, SystemKind.LLM_PROVIDER, current.name)
    await registry.note(ctx, _system(provider.name))
    await _changed(ctx)
    return provider


@operation("llm.delete_provider", scope=SCOPE, effect=Effect.WRITE)
async def delete_provider(ctx: Ctx, command: ProviderRef) -> ProviderId:
    """Remove a provider and its credential; what it cost stays on record."""
    providers = Providers(ctx)
    gone = await providers.get(command.provider_id)
    await providers.remove(command.provider_id)
    await registry.note_removed(ctx, SystemKind.LLM_PROVIDER, gone.name)
    await _changed(ctx)
    return command.provider_id


@operation("llm.test_provider", scope=SCOPE, effect=Effect.EXTERNAL)
async def test_provider(ctx: Ctx, command: TestProvider) -> ProviderCheck:
    """Ask a provider for its models, which shows whether address and key are right, and remember them."""
    directory = await directory_of(ctx)
    upstream = next((found for found in directory.upstreams if found.name == command.name), None)
    if upstream is None:
        raise not_found("enabled provider", command.name)
    started = time.perf_counter()
    error: str | None = None
    models: tuple[str, ...] = ()
    try:
        models = await _models_of(ctx, upstream)
    except InterlockError as failure:
        error = failure.message
        pulses_of(ctx).failed(ctx, upstream, failure.code)
    latency = round((time.perf_counter() - started) * 1000)
    if error is None:
        pulses_of(ctx).succeeded(ctx, upstream, latency)
    if models and upstream.provider_id is not None:
        async with ctx.begin() as unit:
            await Providers(unit).change(upstream.provider_id, {"models": list(models), "updated_at": ctx.now})
            await _changed(unit)
    return ProviderCheck(name=upstream.name, ok=error is None, latency_ms=latency, models=models, error=error)


@operation("llm.health")
async def health(ctx: Ctx, command: Nothing) -> tuple[ProviderHealth, ...]:
    """Show how each enabled provider has been answering this server since it started, without asking any of them."""
    return tuple(health_of(ctx, upstream) for upstream in (await directory_of(ctx)).upstreams)


test_provider.__test__ = False  # type: ignore[attr-defined]  # an operation, whatever pytest thinks of its name


async def _models_of(ctx: Ctx, upstream: Upstream) -> tuple[str, ...]:
    if upstream.kind is ProviderKind.SCRIPTED:
        return tuple(script_names(ctx.settings))
    if upstream.kind is ProviderKind.LOCAL:
        return upstream.models
    url, sent = _question(upstream)
    try:
        reply = await ctx.runtime.http.request(
            "GET", url, headers=sent, timeout=_TEST_SECONDS, allow_private=upstream.allow_private
        )
    except InterlockError as error:
        raise not_delivered(upstream.name, error) from error
    if not reply.ok:
        raise refused(upstream.name, reply.status, reply.body, reply.headers)
    return _listed(upstream.name, reply.body)


def _question(upstream: Upstream) -> tuple[str, dict[str, str]]:
    key = upstream.credential or ""
    if upstream.kind in SPEAKS_OPENAI:
        return f"{upstream.base_url}/models", headers(upstream)
    if upstream.kind is ProviderKind.ANTHROPIC:
        return f"{upstream.base_url}/v1/models", {"x-api-key": key, "anthropic-version": _ANTHROPIC_VERSION}
    return f"{upstream.base_url}/v1beta/models", {"x-goog-api-key": key}


def _listed(name: str, body: bytes) -> tuple[str, ...]:
    try:
        value = orjson.loads(body)
        rows = value["data"] if "data" in value else value["models"]
        names = [str(row.get("id") or row["name"]).removeprefix("models/") for row in rows]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise InterlockError(
            Kind.UPSTREAM, f"{name} answered with something that is no list of models.", code="provider_bad_response"
        ) from error
    return tuple(names[:_MODELS_KEPT])


def _check(name: str, kind: ProviderKind, base_url: str | None, *, has_key: bool) -> None:
    if name in RESERVED_NAMES:
        raise invalid(f"'{name}' is the name of a built-in provider.", field="name", hint="Choose another name.")
    if not base_url and not DEFAULT_URLS[kind]:
        raise invalid(f"A provider of kind '{kind.value}' needs base_url.", field="base_url")
    if kind in _NEEDS_KEY and not has_key:
        raise invalid(f"A provider of kind '{kind.value}' needs a credential.", field="credential")


def _sealed(ctx: Ctx, key: ProviderId, credential: SecretStr | None) -> dict[str, Any]:
    if credential is None:
        return {"credential": None, "credential_hint": None}
    secret = credential.get_secret_value()
    sealed = ctx.runtime.secrets.encrypt_json(secret, purpose=purpose(key))
    return {"credential": sealed, "credential_hint": hint_of(secret)}


async def _changed(ctx: Ctx) -> None:
    """Other servers see it by the version of the workspace's rules, this one at once."""
    await org.rules_changed(ctx)
    forget(ctx)
