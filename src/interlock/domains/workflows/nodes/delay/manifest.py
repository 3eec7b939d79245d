"""Facts of the kind `delay`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """How many seconds, or until which moment (ISO 8601 with a zone); both may be templates."""

    seconds: Annotated[float | TemplateText | None, Field(description="How long, from the moment it gets there.")] = (
        None
    )
    until: Annotated[TemplateText | None, Field(description="Or the moment itself, such as 2026-12-24T09:00:00Z.")] = (
        None
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.seconds is None) == (self.until is None):
            raise ValueError("give either 'seconds' or 'until'")
        return self


MANIFEST = Manifest(
    kind="delay",
    title="Delay",
    summary="Waits for a time or until a moment, over restarts too.",
    category=Category.FLOW,
    config=Config,
    fresh={"seconds": 60},
)
