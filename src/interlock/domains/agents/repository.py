"""Rows of the agents domain."""

from interlock.domains.agents.models import agents
from interlock.domains.agents.views import Agent
from interlock.kit.paging import ListSpec
from interlock.runtime.repository import Repository


class Agents(Repository[Agent]):
    """Agents of a workspace, newest first."""

    table = agents
    view = Agent
    thing = "agent"
    listing = ListSpec(filters=frozenset({"status", "name"}))
