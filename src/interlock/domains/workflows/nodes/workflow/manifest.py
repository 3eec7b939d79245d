"""Facts of the kind `workflow`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText
from interlock.kit.ids import WorkflowId


class Config(NodeConfig):
    """Which workflow, and what it is given: an object, or any value under the name `input`."""

    workflow_id: Annotated[WorkflowId, chosen("workflows", "The workflow that is run.")]
    data: Annotated[ExpressionText, Field(description="What it is given.")] = "input"


MANIFEST = Manifest(
    kind="workflow",
    title="Sub-workflow",
    summary="Runs another workflow and waits for what it gives.",
    category=Category.FLOW,
    config=Config,
)
