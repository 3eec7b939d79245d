"""Facts of the kind `condition`."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText


class Case(BaseModel):
    """A branch and when it is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    branch: Annotated[str, Field(min_length=1, max_length=80, description="The name of the way on.")]
    when: Annotated[ExpressionText, Field(description="It is taken when this holds.")]


class Config(NodeConfig):
    """One `when` with the branches true and false, or several cases of which the first that holds is taken."""

    when: Annotated[ExpressionText | None, Field(description="Leads on by 'true' or 'false'.")] = None
    cases: Annotated[
        tuple[Case, ...],
        Field(max_length=100, description="Instead of one condition: the first case that holds is taken, or 'else'."),
    ] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.when is None) == (not self.cases):
            raise ValueError("give either 'when' or 'cases'")
        return self

    def branches(self) -> tuple[str, ...]:
        """True and false, or the cases and else."""
        return ("true", "false") if self.when is not None else (*(case.branch for case in self.cases), "else")


MANIFEST = Manifest(
    kind="condition",
    title="Condition",
    summary="Chooses a branch by what the data says.",
    category=Category.FLOW,
    config=Config,
    pure=True,
    fresh={"when": "true"},
)
