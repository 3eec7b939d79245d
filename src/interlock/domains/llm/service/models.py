"""Operations on model names: which models can be used, and the routes that stand for several of them."""

from typing import Annotated

from pydantic import Field

from interlock.domains.llm.directory import directory_of, forget
from interlock.domains.llm.embedded.chat import ChatSettings
from interlock.domains.llm.embedded.embedder import MODEL_NAME as LOCAL_EMBEDDER
from interlock.domains.llm.pricing import catalogue
from interlock.domains.llm.repository import Routes
from interlock.domains.llm.routing import Directory, Target, Upstream
from interlock.domains.llm.scripts import script_names
from interlock.domains.llm.views import LanguageModel, ModelRoute, ProviderKind, RouteId
from interlock.domains.org import service as org
from interlock.kit.errors import conflict, invalid
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx

SCOPE = "admin"
_LOCAL_WINDOW: int = ChatSettings().context_tokens
RouteName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Used as a model name.")]
Targets = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    Field(min_length=1, max_length=10, description="Models in the order in which they are tried; no routes."),
]


class CreateRoute(Command):
    """A name for an ordered list of models."""

    name: RouteName
    targets: Targets


class UpdateRoute(Command):
    """The fields to change; absent ones stay."""

    route_id: RouteId
    name: RouteName | None = None
    targets: Targets | None = None


class RouteRef(Command):
    """Which route."""

    route_id: RouteId


@operation("llm.models")
async def models(ctx: Ctx, command: Nothing) -> tuple[LanguageModel, ...]:
    """List the models this workspace can use, with their prices where they are known."""
    directory = await directory_of(ctx)
    found = [_route(directory, name, ctx) for name in directory.routes if directory.serves(name)]
    for upstream in directory.upstreams:
        found += [_model(Target(upstream, name), ctx) for name in _names(ctx, upstream)]
    return tuple(found)


async def window_of(ctx: Ctx, model: str) -> int | None:
    """The most input tokens that whatever serves a model name takes, where it is known; for other domains.

    Raises:
        InterlockError: INVALID for a model nobody serves.
    """
    found = [_window(target) for target in (await directory_of(ctx)).resolve(model)]
    return min((window for window in found if window is not None), default=None)


def _window(target: Target) -> int | None:
    return _LOCAL_WINDOW if target.upstream.kind is ProviderKind.LOCAL else target.pricing.context_window


@operation("llm.create_route", scope=SCOPE, effect=Effect.WRITE)
async def create_route(ctx: Ctx, command: CreateRoute) -> ModelRoute:
    """Give a name to an ordered list of models: an alias, a role, or a chain of fallbacks."""
    await _check(ctx, command.name, command.targets)
    key = RouteId.new()
    values = {"name": command.name, "targets": list(command.targets), "created_at": ctx.now, "updated_at": ctx.now}
    route = await Routes(ctx).add(key, **values)
    await _changed(ctx)
    return route


@operation("llm.list_routes", scope=SCOPE)
async def list_routes(ctx: Ctx, command: Nothing) -> tuple[ModelRoute, ...]:
    """List the workspace's model routes."""
    return tuple(await Routes(ctx).all())


@operation("llm.update_route", scope=SCOPE, effect=Effect.WRITE)
async def update_route(ctx: Ctx, command: UpdateRoute) -> ModelRoute:
    """Change a route's name or targets."""
    sent = changes(command, "route_id")
    for name, value in sent.items():
        if value is None:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    routes = Routes(ctx)
    current = await routes.get(command.route_id)
    targets = command.targets or current.targets
    await _check(ctx, command.name or current.name, targets, ignore=current.name)
    values = {"name": command.name or current.name, "targets": list(targets), "updated_at": ctx.now}
    route = await routes.change(command.route_id, values)
    await _changed(ctx)
    return route


@operation("llm.delete_route", scope=SCOPE, effect=Effect.WRITE)
async def delete_route(ctx: Ctx, command: RouteRef) -> RouteId:
    """Remove a route; what names it as a model then fails until it is given another."""
    await Routes(ctx).remove(command.route_id)
    await _changed(ctx)
    return command.route_id


async def _check(ctx: Ctx, name: str, targets: tuple[str, ...], *, ignore: str | None = None) -> None:
    directory = await directory_of(ctx)
    taken = {route.name for route in await Routes(ctx).all()} - {ignore}
    if name in taken:
        raise conflict(f"There is a route named '{name}' already.", name=name)
    if directory.direct(name):
        raise invalid(f"'{name}' is the name of a model already.", field="name", hint="Choose another name.")
    for index, target in enumerate(targets):
        if target in taken | {name}:
            raise invalid(f"'{target}' is a route; a target must be a model.", field=f"targets.{index}")
        if not directory.direct(target):
            raise directory.nobody_serves(target)


def _names(ctx: Ctx, upstream: Upstream) -> tuple[str, ...]:
    if upstream.kind is ProviderKind.SCRIPTED:
        return tuple(script_names(ctx.settings))
    return upstream.models or tuple(info.id for info in catalogue(upstream.kind))


def _model(target: Target, ctx: Ctx) -> LanguageModel:
    price = target.pricing.per_million(ctx.now)
    return LanguageModel(
        id=target.id,
        provider=target.upstream.name,
        kind=target.upstream.kind,
        name=target.model,
        input_price=None if price is None else price.input,
        output_price=None if price is None else price.output,
        context_window=target.pricing.context_window,
        embeds="embed" in target.model or target.model == LOCAL_EMBEDDER,
        scripted=target.is_scripted,
    )


def _route(directory: Directory, name: str, ctx: Ctx) -> LanguageModel:
    targets = directory.resolve(name)
    first = _model(targets[0], ctx)
    return first.model_copy(update={"id": name, "name": name, "targets": tuple(target.id for target in targets)})


async def _changed(ctx: Ctx) -> None:
    await org.rules_changed(ctx)
    forget(ctx)
