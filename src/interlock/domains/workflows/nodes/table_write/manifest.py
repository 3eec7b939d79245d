"""Facts of the kind `table_write`."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from interlock.domains.tables.views import TableId
from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen
from interlock.domains.workflows.nodes.tool.manifest import check_templates
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """A row to add, or to change where `row_id` names one."""

    table_id: Annotated[TableId, chosen("tables", "The table that is written to.")]
    row: Annotated[
        dict[str, Any] | None, Field(description="Templates by column name; left out, the node's input is the row.")
    ] = None
    row_id: Annotated[TemplateText | None, Field(description="The row that is changed; empty adds one.")] = None

    @field_validator("row")
    @classmethod
    def _readable(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        check_templates(value)
        return value


MANIFEST = Manifest(
    kind="table_write",
    title="Write to a table",
    summary="Adds a row to a table or changes one; the table's own triggers hear of it.",
    category=Category.DATA,
    config=Config,
    scope="tables",
)
