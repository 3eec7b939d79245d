"""People: added, given a role or a new password, kept out and let in again."""

from typing import Any

from starlette.responses import Response

from interlock.domains.accounts.service import membership, people
from interlock.domains.accounts.states import Role
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import given, query_without
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.paging import PageQuery


async def index(visit: Visit) -> Response:
    """Everybody of the workspace."""
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Add a person."""
    form = await visit.form()
    try:
        values = given(form, "email", "name", "role") | {k: form[k] for k in ("password",) if form.get(k)}
        made = await visit.call(people.add_user, visit.command(people.AddUser, values))
    except InterlockError as error:
        return await _page(visit, problems_of(error), {name: form.get(name, "") for name in ("email", "name", "role")})
    return go(visit, "/settings/people", said=f"{made.name} can come in as {made.role.value}.")


async def change(visit: Visit) -> Response:
    """Give a person another role."""
    command = visit.command(membership.UpdateUser, given(await visit.form(), "role"), "user_id")
    changed = await visit.call(membership.update_user, command)
    return go(visit, "/settings/people", said=f"{changed.name} is {changed.role.value} now.")


async def reset(visit: Visit) -> Response:
    """Give a person a new password."""
    form = await visit.form()
    values = {"email": form.get("email", ""), "password": form.get("password", "")}
    changed = await visit.call(people.reset_password, visit.command(people.ResetPassword, values))
    return go(visit, "/settings/people", said=f"{changed.name} has a new password; their sessions ended.")


async def deactivate(visit: Visit) -> Response:
    """Keep a person out."""
    gone = await visit.call(membership.deactivate_user, visit.command(membership.UserRef, {}, "user_id"))
    return go(visit, "/settings/people", said=f"{gone.name} is out; their sessions ended.")


async def reactivate(visit: Visit) -> Response:
    """Let a person in again."""
    back = await visit.call(membership.reactivate_user, visit.command(membership.UserRef, {}, "user_id"))
    return go(visit, "/settings/people", said=f"{back.name} may come in again.")


async def _page(visit: Visit, problems: Problems | None = None, values: dict[str, Any] | None = None) -> Response:
    query = {key: value for key, value in visit.query.items() if key == "offset"}
    return section(
        visit,
        "settings/people.html",
        status=422 if problems else 200,
        found=await visit.call(people.list_users, visit.command(PageQuery, query)),
        roles=tuple(Role),
        values=values or {"email": "", "name": "", "role": Role.MEMBER.value},
        problems=problems or Problems(),
        onward=query_without(query, "offset"),
    )


ROUTES = (
    page("/settings/people", index),
    action("/settings/people", add),
    action("/settings/people/reset", reset),
    action("/settings/people/{user_id}", change),
    action("/settings/people/{user_id}/deactivate", deactivate),
    action("/settings/people/{user_id}/reactivate", reactivate),
)
