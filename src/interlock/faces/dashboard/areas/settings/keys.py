"""API keys: made with scopes and shown once, revoked, and when they were last used."""

from starlette.responses import Response

from interlock.domains.accounts.service import keys
from interlock.domains.accounts.states import KeyStatus
from interlock.domains.accounts.views import Scope
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import query_without
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError


async def index(visit: Visit) -> Response:
    """All keys."""
    return await _page(visit)


async def create(visit: Visit) -> Response:
    """Make a key; it is shown on this reply and nowhere else."""
    form, lists = await visit.form(), await visit.form_lists()
    try:
        values = {"name": form.get("name", ""), "scopes": lists.get("scopes", [])}
        made = await visit.call(keys.create_key, visit.command(keys.CreateKey, values))
    except InterlockError as error:
        return await _page(visit, problems_of(error), name=form.get("name", ""))
    example = f"curl -sS {visit.ctx.settings.base_url}/api/v1/agents -H 'x-api-key: {made.secret}'"
    words = "Programs send it in the header x-api-key. It is stored as a hash only and never shown again."
    return section(
        visit,
        "settings/secret.html",
        title=f"The key '{made.name}'",
        words=words,
        secret=made.secret,
        example=example,
        back="/settings/keys",
    )


async def revoke(visit: Visit) -> Response:
    """Revoke a key."""
    gone = await visit.call(keys.revoke_key, visit.command(keys.KeyRef, {}, "key_id"))
    return go(visit, "/settings/keys", said=f"'{gone.name}' is dead from now on.")


async def _page(visit: Visit, problems: Problems | None = None, *, name: str = "") -> Response:
    query = {key: value for key, value in visit.query.items() if key in {"offset", "status"}}
    wanted = visit.command(keys.ListKeys, {"status": KeyStatus.ACTIVE.value, **query})
    return section(
        visit,
        "settings/keys.html",
        status=422 if problems else 200,
        found=await visit.call(keys.list_keys, wanted),
        wanted=wanted,
        scopes=tuple(Scope),
        name=name,
        problems=problems or Problems(),
        onward=query_without(query, "offset"),
    )


ROUTES = (
    page("/settings/keys", index),
    action("/settings/keys", create),
    action("/settings/keys/{key_id}/revoke", revoke),
)
