"""The sections of the settings, and the page that leads to them."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the settings, and the scope without which it is left out."""

    path: str
    name: str
    words: str
    scope: str | None = "admin"


SECTIONS = (
    Section("/settings/providers", "Providers", "Who serves models: keys, a test, health, prices, fallbacks."),
    Section("/settings/keys", "API keys", "Keys for programs, and when they were last used."),
    Section("/settings/integrations", "Integrations", "Slack, mail, Stripe and others that tools act on."),
    Section("/settings/people", "People", "Who may sign in, and as what."),
    Section("/settings/clients", "MCP clients", "Claude Desktop, Cursor and others that call tools here.", None),
    Section("/settings/platforms", "Platforms", "Zapier, n8n and Make asking for verdicts."),
    Section("/settings/chatbots", "Chatbots", "Chat on your own pages: looks, limits, embed code.", "chatbots"),
    Section("/settings/registry", "AI systems", "Everything that acts here, with its risk.", None),
    Section("/settings/workspace", "Workspace", "Alerts, how long logs stay, the default model."),
    Section("/settings/backup", "Backup", "A copy of all data in one file."),
    Section("/settings/account", "Your account", "Your password and where you are signed in.", None),
)


def section(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page of the settings, with the way to the others."""
    found = tuple(each for each in SECTIONS if each.scope is None or visit.may(each.scope))
    return html(visit, template, status=status, sections=found, **values)


async def overview(visit: Visit) -> Response:
    """The page that leads to all others."""
    return section(visit, "settings/index.html")


ROUTES = (page("/settings", overview),)
