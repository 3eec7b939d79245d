"""Facts of the kind `agent`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText
from interlock.kit.ids import AgentId


class Config(NodeConfig):
    """Which agent, its task in words, and the data handed over with it."""

    agent_id: AgentId
    task: Annotated[TemplateText, Field(min_length=1)]
    data: ExpressionText = "input"


MANIFEST = Manifest(
    kind="agent",
    title="Agent",
    summary="Gives an agent a task and waits for its answer; its run is one of its own.",
    category=Category.AI,
    config=Config,
    scope="agents",
)
