"""Providers of models: added with a key, tested, changed, and how they have been answering."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from interlock.domains.llm import service as llm
from interlock.domains.llm.views import BUILT_IN, Provider, ProviderKind
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import given, words_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing

_FIELDS = ("name", "kind", "base_url", "priority", "timeout_seconds", "models", "enabled")


async def index(visit: Visit) -> Response:
    """All providers with their health, models with their prices, and routes."""
    models = await visit.call(llm.models, Nothing())
    routes = await visit.call(llm.list_routes, Nothing())
    return section(visit, "settings/providers.html", models=models, routes=routes, **await _listed(visit))


async def listing(visit: Visit) -> Response:
    """The table of providers by itself."""
    return html(visit, "settings/_providers.html", **await _listed(visit))


async def new(visit: Visit) -> Response:
    """The form of a new provider."""
    return _form(visit, None, {"kind": ProviderKind.OPENAI.value, "enabled": "true"})


async def create(visit: Visit) -> Response:
    """Add a provider; its key is never shown again."""
    form = await visit.form()
    try:
        values = {**_values(form), **given(form, "kind")}
        made = await visit.call(llm.create_provider, visit.command(llm.CreateProvider, values))
    except InterlockError as error:
        return _form(visit, None, form, problems_of(error))
    return await _tested(visit, made.name)


async def edit(visit: Visit) -> Response:
    """The form of a provider."""
    found = await _provider(visit)
    shown = {name: str(getattr(found, name) or "") for name in _FIELDS}
    values = {**shown, "kind": found.kind.value, "models": "\n".join(found.models)}
    return _form(visit, found, {**values, "enabled": "true" if found.enabled else ""})


async def update(visit: Visit) -> Response:
    """Change a provider; without a new key it keeps the one it has."""
    found, form = await _provider(visit), await visit.form()
    try:
        command = visit.command(llm.UpdateProvider, _values(form), "provider_id")
        changed = await visit.call(llm.update_provider, command)
    except InterlockError as error:
        return _form(visit, found, form, problems_of(error))
    if not changed.enabled:
        return go(visit, "/settings/providers", said=f"{changed.name} is off.")
    return await _tested(visit, changed.name)


async def test(visit: Visit) -> Response:
    """Ask a provider for its models."""
    return await _tested(visit, (await visit.form()).get("name", ""))


async def delete(visit: Visit) -> Response:
    """Remove a provider and its key."""
    await visit.call(llm.delete_provider, visit.command(llm.ProviderRef, {}, "provider_id"))
    return go(visit, "/settings/providers", said="The provider and its key are gone.")


async def _tested(visit: Visit, name: str) -> Response:
    check = await visit.call(llm.test_provider, visit.command(llm.TestProvider, {"name": name}))
    if check.ok:
        return go(
            visit, "/settings/providers", said=f"{name} answers: {len(check.models)} models in {check.latency_ms} ms."
        )
    return go(visit, "/settings/providers", said=f"{name} does not answer as it should: {check.error}")


async def _listed(visit: Visit) -> dict[str, Any]:
    health = {each.name: each for each in await visit.call(llm.health, Nothing())}
    return {"providers": await visit.call(llm.list_providers, Nothing()), "health": health}


async def _provider(visit: Visit) -> Provider:
    return await visit.call(llm.get_provider, visit.command(llm.ProviderRef, {}, "provider_id"))


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    values = given(form, "name", "base_url", "credential", "priority", "timeout_seconds")
    return {**values, "models": words_of(form, "models"), "enabled": form.get("enabled") == "true"}


def _form(
    visit: Visit, provider: Provider | None, values: Mapping[str, str], problems: Problems | None = None
) -> Response:
    kept = {name: values.get(name, "") for name in _FIELDS}
    kinds = [(kind.value, kind.value.replace("_", " ")) for kind in ProviderKind if kind not in BUILT_IN]
    return section(
        visit,
        "settings/provider_form.html",
        status=422 if problems else 200,
        provider=provider,
        values=kept,
        kinds=kinds,
        problems=problems or Problems(),
    )


ROUTES = (
    page("/settings/providers", index),
    page("/settings/providers/list", listing),
    page("/settings/providers/new", new),
    action("/settings/providers/new", create),
    action("/settings/providers/test", test),
    page("/settings/providers/{provider_id}", edit),
    action("/settings/providers/{provider_id}", update),
    action("/settings/providers/{provider_id}/delete", delete),
)
