"""Facts of the kind `agent`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen, on_lines
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText
from interlock.kit.ids import AgentId


class Config(NodeConfig):
    """Which agent, its task in words, and the data handed over with it."""

    agent_id: Annotated[AgentId, chosen("agents", "The agent that is given the task.")]
    task: Annotated[TemplateText, Field(min_length=1), on_lines("What it shall do, in words.")]
    data: Annotated[ExpressionText, Field(description="Handed over with the task, fenced as data.")] = "input"


MANIFEST = Manifest(
    kind="agent",
    title="Agent",
    summary="Gives an agent a task and waits for its answer; its run is one of its own.",
    category=Category.AI,
    config=Config,
    scope="agents",
    fresh={"task": "Work on this and answer in a few sentences."},
)
