"""Operations on templates: list, read, copy into a draft."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.workflows.service import CreateWorkflow, Name, define
from interlock.domains.workflows.templates import repository
from interlock.domains.workflows.templates.catalogue import catalogue
from interlock.domains.workflows.templates.views import (
    Instance,
    Template,
    TemplateDetail,
    TemplateId,
    TemplateRow,
)
from interlock.domains.workflows.views import MOST_NODES, Node, NodeKey, WorkflowBudget
from interlock.kit.errors import invalid, not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx


class ListTemplates(PageQuery):
    """Which page of the templates."""


class TemplateRef(Command):
    """Which template."""

    template_id: TemplateId


class NodeOverride(Command):
    """What a node of the copy has set differently; objects are merged key by key, everything else is replaced."""

    config: dict[str, Any] = Field(default_factory=dict)


class Overrides(Command):
    """How the copy differs from its template."""

    nodes: Annotated[
        dict[NodeKey, NodeOverride], Field(max_length=MOST_NODES, description="By the id of a node of the template.")
    ] = Field(default_factory=dict)
    budget: WorkflowBudget | None = None


class InstantiateTemplate(Command):
    """Which template, and what is different in the copy."""

    template_id: TemplateId
    name: Name | None = None
    overrides: Overrides = Overrides()


@operation("templates.list", scope="workflows")
async def list_(ctx: Ctx, command: ListTemplates) -> Page[TemplateRow]:
    """List the workflows on offer, with their size, expected cost and how often each was taken."""
    counted = await repository.installs(ctx)
    shown = tuple(catalogue().values())[command.offset : command.offset + command.limit]
    rows = tuple(TemplateRow(**_facts(template, counted.get(template.id, 0))) for template in shown)
    return Page(rows, command.limit, command.offset)


@operation("templates.get", scope="workflows")
async def get(ctx: Ctx, command: TemplateRef) -> TemplateDetail:
    """Show a workflow on offer with its graph."""
    template = _named(command.template_id)
    return TemplateDetail(
        **_facts(template, await repository.installs_of(ctx, template.id)),
        input_data=template.input_data,
        budget=template.budget,
        nodes=template.nodes,
        edges=template.edges,
    )


@operation("templates.instantiate", scope="workflows", effect=Effect.WRITE)
async def instantiate(ctx: Ctx, command: InstantiateTemplate) -> Instance:
    """Copy a template into a draft of this workspace, with other settings where they are given."""
    template = _named(command.template_id)
    wanted = CreateWorkflow(
        name=command.name or template.name,
        description=template.description,
        nodes=_with(template, command.overrides.nodes),
        edges=template.edges,
        budget=_merged_budget(template.budget, command.overrides.budget),
    )
    draft = await define(ctx, wanted, template_id=template.id)
    await repository.count_install(ctx, template.id)
    return Instance(
        workflow_id=draft.id,
        name=draft.name,
        template_id=template.id,
        status=draft.status,
        created_at=draft.created_at,
    )


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid over it, key by key and deep; neither is changed."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def _named(template_id: str) -> Template:
    template = catalogue().get(template_id)
    if template is None:
        raise not_found("template", template_id)
    return template


def _facts(template: Template, installs: int) -> dict[str, Any]:
    return {
        "id": template.id,
        "name": template.name,
        "category": template.category,
        "description": template.description,
        "node_count": len(template.nodes),
        "estimated_cost_per_run": template.estimated_cost_per_run,
        "installs": installs,
    }


def _with(template: Template, overrides: dict[str, NodeOverride]) -> tuple[Node, ...]:
    known = {node.id for node in template.nodes}
    for key in overrides:
        if key not in known:
            raise invalid(
                f"Template '{template.id}' has no node '{key}'.",
                field=f"overrides.nodes.{key}",
                hint=f"Its nodes: {', '.join(node.id for node in template.nodes)}.",
            )
    return tuple(
        node.model_copy(update={"config": merged(node.config, overrides[node.id].config)})
        if node.id in overrides
        else node
        for node in template.nodes
    )


def _merged_budget(base: WorkflowBudget, over: WorkflowBudget | None) -> WorkflowBudget:
    if over is None:
        return base
    return base.model_copy(update={name: getattr(over, name) for name in over.model_fields_set})
