"""The way around: the areas of the dashboard, in groups, each with the scope that its page needs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """An area.

    Args:
        path: of its first page.
        scope: without it the area is left out; None for everybody.
        counter: the path of a number that stands beside the name, such as of what waits; None for none.
    """

    name: str
    path: str
    icon: str
    scope: str | None = None
    counter: str | None = None

    def is_around(self, path: str) -> bool:
        """Whether a page belongs to this area."""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


NAVIGATION: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "Work",
        (
            Place("Home", "/", "home"),
            Place("Chat", "/chat", "chat", "chatbots"),
            Place("Approvals", "/approvals", "check", "workflows", "/_counts/approvals"),
            Place("Runs", "/runs", "play", "workflows"),
            Place("Inbox", "/inbox", "bell", "workflows", "/_counts/inbox"),
        ),
    ),
    (
        "Build",
        (
            Place("Agents", "/agents", "agent", "agents"),
            Place("Workflows", "/workflows", "flow", "workflows"),
            Place("Schedules", "/schedules", "clock", "workflows"),
            Place("Webhooks", "/webhooks", "hook", "workflows"),
            Place("Forms", "/forms", "form", "forms"),
        ),
    ),
    (
        "Know",
        (
            Place("Memory", "/memory", "memory", "memory"),
            Place("Documents", "/documents", "document", "chatbots"),
            Place("Tables", "/tables", "table", "tables"),
        ),
    ),
    (
        "Govern",
        (
            Place("Policies", "/policies", "shield"),
            Place("Audit", "/audit", "chain"),
            Place("Costs", "/costs", "coins"),
            Place("Settings", "/settings", "gear"),
        ),
    ),
)
