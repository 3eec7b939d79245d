"""The form of an agent: what it is filled with, and the command that comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.domains.agents.service import DEFAULT_ITERATIONS
from interlock.domains.agents.views import Agent
from interlock.domains.llm import service as llm
from interlock.domains.llm.views import LanguageModel
from interlock.domains.tools import service as tools
from interlock.domains.tools.views import Tool
from interlock.faces.dashboard.visits import Visit
from interlock.kit.operations import Nothing

FIELDS = ("name", "model", "system_prompt", "max_iterations", "budget_per_run")
ROUTES_GROUP = "Your routes"
_CLEARED_BY_NOTHING = ("system_prompt", "budget_per_run")


@dataclass(frozen=True, slots=True)
class ToolGroup:
    """The tools of a namespace.

    Args:
        is_whole: the agent has the namespace itself, with whatever is added to it later.
    """

    name: str
    tools: tuple[Tool, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers.

    Args:
        others: names among the agent's tools that are in no group: aliases, globs, tools that are gone.
    """

    models: Mapping[str, tuple[LanguageModel, ...]]
    has_model: bool
    groups: tuple[ToolGroup, ...]
    others: tuple[str, ...]


def filled(agent: Agent | None) -> dict[str, Any]:
    """The values of an agent's form; those of an empty one."""
    if agent is None:
        return {**dict.fromkeys(FIELDS, ""), "max_iterations": DEFAULT_ITERATIONS, "tools": ()}
    budget = agent.budget_per_run
    values = {name: getattr(agent, name) for name in FIELDS}
    return {**values, "budget_per_run": "" if budget is None else f"{budget.normalize():f}", "tools": agent.tools}


async def sent(visit: Visit) -> dict[str, Any]:
    """The values as they were sent."""
    form, lists = await visit.form(), await visit.form_lists()
    return {**{name: form.get(name, "") for name in FIELDS}, "tools": tuple(lists.get("tools", ()))}


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a command takes them: an empty field clears what may be empty, else it is missing."""
    found = {name: values[name] for name in ("tools", *FIELDS) if values[name] != ""}
    return {**dict.fromkeys(_CLEARED_BY_NOTHING), **found}


async def choices(visit: Visit, values: Mapping[str, Any]) -> Choices:
    """What there is to choose from."""
    usable = [model for model in await visit.call(llm.models, Nothing()) if not model.embeds]
    by_provider: dict[str, list[LanguageModel]] = {}
    for model in usable:
        by_provider.setdefault(ROUTES_GROUP if model.targets else model.provider, []).append(model)
    chosen = tuple(values["tools"])
    groups = _groups((await visit.call(tools.catalog, Nothing())).tools, chosen)
    known = {group.name for group in groups} | {tool.name for group in groups for tool in group.tools}
    return Choices(
        models={name: tuple(found) for name, found in by_provider.items()},
        has_model=values["model"] == "" or values["model"] in {model.id for model in usable},
        groups=groups,
        others=tuple(name for name in chosen if name not in known),
    )


def _groups(catalogue: Sequence[Tool], chosen: Sequence[str]) -> tuple[ToolGroup, ...]:
    by_namespace: dict[str, list[Tool]] = {}
    for tool in catalogue:
        by_namespace.setdefault(tool.namespace, []).append(tool)
    return tuple(ToolGroup(name, tuple(found), name in chosen) for name, found in sorted(by_namespace.items()))
