"""Facts of the kind `tool`."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import Template


class Config(NodeConfig):
    """Which tool, and its arguments; every text in them may hold `{{ expressions }}`."""

    tool: Annotated[
        str,
        Field(min_length=1, max_length=200),
        chosen("tools", "Its name in the catalogue, such as crm.create_contact."),
    ]
    arguments: Annotated[dict[str, Any], Field(description="What it is given; texts may hold `{{ expressions }}`.")] = (
        Field(default_factory=dict)
    )

    @field_validator("arguments")
    @classmethod
    def _readable(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_templates(value)
        return value

    def tools(self) -> tuple[str, ...]:
        """The one it names."""
        return (self.tool,)


def check_templates(value: Any) -> None:
    """Read every template inside a JSON value.

    Raises:
        ValueError: one of them cannot be read.
    """
    if isinstance(value, str):
        Template.parse(value)
    elif isinstance(value, dict):
        for item in value.values():
            check_templates(item)
    elif isinstance(value, list):
        for item in value:
            check_templates(item)


MANIFEST = Manifest(
    kind="tool",
    title="Tool",
    summary="Calls a tool: judged by policy, held for a person where one must agree, and put on record.",
    category=Category.ACTION,
    config=Config,
)
