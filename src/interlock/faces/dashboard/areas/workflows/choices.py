"""What the fields of a node may be chosen from: the workspace's agents, tables, tools and the like."""

from typing import Any

from interlock.domains.agents import service as agents
from interlock.domains.documents import service as documents
from interlock.domains.llm import service as llm
from interlock.domains.tables.service import definitions as tables
from interlock.domains.tools import service as tools
from interlock.domains.workflows import service as workflows
from interlock.faces.dashboard.visits import Visit
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Nothing
from interlock.kit.paging import MAXIMUM_LIMIT, PageQuery

Choices = dict[str, list[dict[str, str]]]


async def choices(visit: Visit, workflow_id: WorkflowId) -> tuple[Choices, dict[str, Any]]:
    """The lists by name, and the input schemas of the tools by theirs; what somebody may not read is empty."""
    found: Choices = {"agents": [], "documents": [], "tables": []}
    if visit.may("agents"):
        page = await visit.call(agents.list_, agents.ListAgents(limit=MAXIMUM_LIMIT))
        found["agents"] = [_choice(agent.id, agent.name) for agent in page.items]
    if visit.may("chatbots"):
        held = await visit.call(documents.list_, documents.ListDocuments(limit=MAXIMUM_LIMIT))
        found["documents"] = [_choice(document.id, document.title) for document in held.items]
    if visit.may("tables"):
        sheets = await visit.call(tables.list_, PageQuery(limit=MAXIMUM_LIMIT))
        found["tables"] = [_choice(table.id, table.name) for table in sheets.items]
    others = await visit.call(workflows.list_, workflows.ListWorkflows(limit=MAXIMUM_LIMIT))
    found["workflows"] = [_choice(row.id, row.name) for row in others.items if row.id != workflow_id]
    usable = [model for model in await visit.call(llm.models, Nothing()) if not model.embeds]
    found["models"] = [_choice("default", "the workspace's default"), *(_choice(one.id, one.name) for one in usable)]
    catalogue = (await visit.call(tools.catalog, Nothing())).tools
    found["tools"] = [_choice(tool.name, tool.title) for tool in catalogue]
    return found, {tool.name: tool.input_schema for tool in catalogue}


def _choice(value: object, text: str) -> dict[str, str]:
    return {"value": str(value), "text": text}
