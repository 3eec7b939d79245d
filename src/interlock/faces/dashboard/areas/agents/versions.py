"""What an agent has been: every version, what changed in it, and the way back."""

from dataclasses import dataclass
from difflib import ndiff
from typing import Any

from starlette.responses import Response

from interlock.domains.agents import service as agents
from interlock.domains.agents.views import AgentVersion
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.dashboard.words import money

SHOWN = 20
_LONGEST_COMPARED = 2_000
"""Lines of a prompt that are compared; comparing takes time that grows with their square."""
_CONTEXT = 2


@dataclass(frozen=True, slots=True)
class Change:
    """A field that a version changed; the prompt line by line, the tools one by one.

    Args:
        lines: each with `+` for what came, `-` for what went, ` ` for what stayed around it.
    """

    field: str
    lines: tuple[tuple[str, str], ...]


async def versions(visit: Visit) -> Response:
    """The page."""
    agent = await visit.call(agents.get, visit.command(agents.AgentRef, {}, "agent_id"))
    # One more than is shown: the last one shown is compared with it.
    places = {"limit": SHOWN + 1, "offset": visit.query.get("offset", "0")}
    found = await visit.call(agents.versions, visit.command(agents.ListVersions, places, "agent_id"))
    shown = found.items[:SHOWN]
    rows = [(version, _changes(version, _before(found.items, index))) for index, version in enumerate(shown)]
    return html(
        visit,
        "agents/versions.html",
        agent=agent,
        rows=rows,
        newer=max(found.offset - SHOWN, 0) if found.offset else None,
        older=found.offset + SHOWN if len(found.items) > SHOWN else None,
    )


async def restore(visit: Visit) -> Response:
    """Make an earlier version the agent's own again."""
    wanted = {"version": (await visit.form()).get("version", "")}
    agent = await visit.call(agents.restore, visit.command(agents.VersionRef, wanted, "agent_id"))
    return go(visit, f"/agents/{agent.id}", said=f"Restored, as version {agent.version}.")


def _before(found: tuple[AgentVersion, ...], index: int) -> AgentVersion | None:
    return found[index + 1] if index + 1 < len(found) else None


def _changes(version: AgentVersion, before: AgentVersion | None) -> tuple[Change, ...]:
    """What a version changed against the one before."""
    if before is None:
        return ()
    found = []
    for name in version.changed:
        old, new = getattr(before, name), getattr(version, name)
        if name == "system_prompt":
            found.append(Change(name, _lines(old or "", new or "")))
        elif name == "tools":
            gone = tuple(("-", tool) for tool in old if tool not in new)
            found.append(Change(name, gone + tuple(("+", tool) for tool in new if tool not in old)))
        else:
            found.append(Change(name, (("-", _said(name, old)), ("+", _said(name, new)))))
    return tuple(found)


def _said(name: str, value: Any) -> str:
    if name == "budget_per_run":
        return "no ceiling" if value is None else money(value)
    return str(value)


def _lines(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """Both texts line by line, with a few lines around each difference."""
    before, after = old.splitlines(), new.splitlines()
    if len(before) > _LONGEST_COMPARED or len(after) > _LONGEST_COMPARED:
        return (("-", f"{len(before)} lines"), ("+", f"{len(after)} lines"))
    compared = [(line[0], line[2:]) for line in ndiff(before, after) if line[0] != "?"]
    near = {
        at
        for index, (mark, _) in enumerate(compared)
        if mark != " "
        for at in range(index - _CONTEXT, index + _CONTEXT + 1)
    }
    return tuple(line for index, line in enumerate(compared) if index in near)


ROUTES = (page("/agents/{agent_id}/versions", versions), action("/agents/{agent_id}/restore", restore))
