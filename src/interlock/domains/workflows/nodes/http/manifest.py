"""Facts of the kind `http`."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.nodes.tool.manifest import check_templates
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Method(StrEnum):
    """What is asked of the service."""

    GET = "GET"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Config(NodeConfig):
    """The request; every text in it may hold `{{ expressions }}`."""

    method: Annotated[Method, Field(description="What is asked of the service.")] = Method.GET
    url: Annotated[TemplateText, Field(min_length=1, max_length=4_000, description="The full address, with https://.")]
    headers: Annotated[
        dict[str, TemplateText], Field(max_length=100, description="Sent with the request, by name.")
    ] = Field(default_factory=dict)
    query: Annotated[
        dict[str, Any], Field(max_length=100, description="Put behind the address; lists repeat their parameter.")
    ] = Field(default_factory=dict)
    body: Any = Field(None, description="Sent as JSON.")
    text: Annotated[TemplateText | None, Field(description="Sent as it is, instead of a body.")] = None
    timeout_seconds: Annotated[float, Field(gt=0, le=30, description="How long the answer may take.")] = 30
    fail_on_error: Annotated[bool, Field(description="Whether an error status fails the node.")] = True

    @field_validator("query", "body")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        check_templates(value)
        return value

    @model_validator(mode="after")
    def _one_body(self) -> "Config":
        if self.body is not None and self.text is not None:
            raise ValueError("give 'body' or 'text', not both")
        return self


MANIFEST = Manifest(
    kind="http",
    title="HTTP request",
    summary="Calls any HTTP service on the public internet, governed like every tool.",
    category=Category.ACTION,
    config=Config,
    fresh={"url": "https://example.com"},
)
