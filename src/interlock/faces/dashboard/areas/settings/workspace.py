"""The workspace's own settings: where alerts go, how long logs stay, how long approvals wait, the default model."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from interlock.domains.llm import service as llm
from interlock.domains.settings import service as settings
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import or_null, words_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing

_PLAIN = ("log_retention_days", "approval_hours", "default_model")
_ALERTS = ("slack_channel", "webhook_url")


async def show(visit: Visit) -> Response:
    """The form."""
    return await _page(visit)


async def update(visit: Visit) -> Response:
    """Change what the form says; an empty field goes back to its default."""
    form = await visit.form()
    try:
        alerts: dict[str, Any] = {**or_null(form, *_ALERTS), "email_to": words_of(form, "email_to")}
        if form.get("webhook_secret", "").strip():
            alerts["webhook_secret"] = form["webhook_secret"].strip()
        elif alerts.get("webhook_url") is None:
            alerts["webhook_secret"] = None
        values = {**or_null(form, *_PLAIN), "alerts": alerts}
        await visit.call(settings.update, visit.command(settings.UpdateSettings, values))
    except InterlockError as error:
        return await _page(visit, form, problems_of(error))
    return go(visit, "/settings/workspace", said="Saved.")


async def _page(visit: Visit, form: Mapping[str, str] | None = None, problems: Problems | None = None) -> Response:
    now = await visit.call(settings.get, Nothing())
    shown: dict[str, Any] = {
        "slack_channel": now.alerts.slack_channel or "",
        "email_to": ", ".join(now.alerts.email_to),
        "webhook_url": now.alerts.webhook_url or "",
        "log_retention_days": now.log_retention_days,
        "approval_hours": f"{now.approval_hours:g}",
        "default_model": now.default_model or "",
    }
    return section(
        visit,
        "settings/workspace.html",
        status=422 if problems else 200,
        values={**shown, **(form or {})},
        secret=now.alerts.webhook_secret,
        models=sorted({model.id for model in await visit.call(llm.models, Nothing()) if not model.embeds}),
        problems=problems or Problems(),
    )


ROUTES = (page("/settings/workspace", show), action("/settings/workspace", update))
