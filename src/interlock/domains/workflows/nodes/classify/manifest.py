"""Facts of the kind `classify`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Label(BaseModel):
    """A label, and words that say what belongs to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80, description="Also the branch it leaves by.")]
    description: Annotated[str, Field(max_length=2_000, description="What belongs to it, in words.")] = ""
    examples: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=2_000)], ...],
        Field(max_length=20, description="Texts that belong to it."),
    ] = ()


class Config(NodeConfig):
    """What is read, the labels it may get, and how near it must be to the best one."""

    text: Annotated[TemplateText, Field(description="What is read.")] = "{{ text(input) }}"
    labels: Annotated[
        tuple[Label, ...], Field(min_length=2, max_length=100, description="Each is a branch to go on by.")
    ]
    at_least: Annotated[float, Field(ge=-1, le=1, description="Below this similarity the branch is other.")] = 0.0

    def branches(self) -> tuple[str, ...]:
        """One for every label, and other."""
        return (*(label.name for label in self.labels), "other")


MANIFEST = Manifest(
    kind="classify",
    title="Classify",
    summary="Finds the label whose meaning is nearest, with the embedded model: no prompt, no cost.",
    category=Category.AI,
    config=Config,
    fresh={
        "labels": [
            {"name": "question", "description": "Somebody asks for information or help"},
            {"name": "complaint", "description": "Somebody is unhappy with what they got"},
        ]
    },
)
