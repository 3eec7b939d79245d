"""One's own account: a new password, and where one is signed in."""

from starlette.responses import Response

from interlock.domains.accounts.service import people, sessions
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.refusals import Problems
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Nothing


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


async def password(visit: Visit) -> Response:
    """Set a new password; every session ends, this one too."""
    form = await visit.form()
    given = {name: form[name] for name in ("password", "current_password") if form.get(name)}
    try:
        if form.get("password") != form.get("again"):
            return await _page(visit, Problems({"again": "This is not the same as above."}))
        await visit.call(people.set_password, visit.command(people.SetPassword, given))
    except InterlockError as error:
        if error.kind is Kind.UNAUTHENTICATED:
            return await _page(visit, Problems({"current_password": error.message}))
        if error.kind is not Kind.INVALID:
            raise
        return await _page(visit, Problems({"password": "At least ten characters."}))
    return go(visit, "/", said="The password is changed; sign in with it.")


async def end(visit: Visit) -> Response:
    """End one session."""
    await visit.call(sessions.end_session, visit.command(sessions.SessionRef, {}, "session_id"))
    return go(visit, "/settings/account", said="That session is over.")


async def end_others(visit: Visit) -> Response:
    """End all sessions but this one."""
    await visit.call(sessions.end_other_sessions, Nothing())
    return go(visit, "/settings/account", said="You are signed in here only.")


async def _page(visit: Visit, problems: Problems | None = None) -> Response:
    return section(
        visit,
        "settings/account.html",
        status=422 if problems else 200,
        me=await visit.call(people.me, Nothing()),
        found=await visit.call(sessions.list_sessions, Nothing()),
        problems=problems or Problems(),
    )


ROUTES = (
    page("/settings/account", show),
    action("/settings/account/password", password),
    action("/settings/account/sessions/end-others", end_others),
    action("/settings/account/sessions/{session_id}/end", end),
)
