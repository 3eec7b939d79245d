"""Facts of the kind `table_read`."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from interlock.domains.tables.states import FilterOperator
from interlock.domains.tables.views import TableId
from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen
from interlock.domains.workflows.nodes.tool.manifest import check_templates
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Condition(BaseModel):
    """One condition; its value may hold `{{ expressions }}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Annotated[str, Field(min_length=1, max_length=100, description="Its name in the table.")]
    operator: Annotated[FilterOperator, Field(description="How the two are compared.")] = FilterOperator.EQ
    value: Any = Field(None, description="What the cell is compared with.")

    @field_validator("value")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        check_templates(value)
        return value


class Config(NodeConfig):
    """Which rows, in which order."""

    table_id: Annotated[TableId, chosen("tables", "The table that is read.")]
    filters: Annotated[
        tuple[Condition, ...], Field(max_length=50, description="Only rows that meet all of these.")
    ] = ()
    sort: Annotated[
        tuple[Annotated[str, Field(max_length=101)], ...],
        Field(max_length=10, description="Column names; '-' before one sorts from high to low."),
    ] = ()
    search: Annotated[TemplateText, Field(description="Only rows with these words in them.")] = ""
    limit: Annotated[int, Field(ge=1, le=1_000, description="How many rows at most.")] = 50


MANIFEST = Manifest(
    kind="table_read",
    title="Read a table",
    summary="Reads the rows of a table that meet the filters, sorted.",
    category=Category.DATA,
    config=Config,
    scope="tables",
)
