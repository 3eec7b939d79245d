"""The catalogue: every tool as data with its compiled schema, and the names that mean the same tool."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from interlock.domains.connectors.views import ConnectorKind
from interlock.domains.governance.policies.views import RiskLevel, ToolScope
from interlock.domains.tools.adapters.call import Adapter, Care
from interlock.domains.tools.views import Tool

_MASK = "[value]"
_MOST_PROBLEMS = 10

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "comms.slack.send": "comms.send_slack_message",
        "slack_post": "comms.send_slack_message",
        "send_slack_message": "comms.send_slack_message",
        "comms.gmail.send": "comms.send_email",
        "send_email": "comms.send_email",
        "hubspot_create_contact": "crm.create_contact",
        "create_contact": "crm.create_contact",
        "stripe_refund": "payments.create_refund",
        "create_refund": "payments.create_refund",
        "zapier_action": "workflow.zapier_action",
        "n8n_trigger": "workflow.n8n_trigger",
        "make_scenario": "workflow.make_scenario",
    }
)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool with what it takes to run it."""

    tool: Tool
    adapter: Adapter
    validator: jsonschema_rs.Validator
    connector: ConnectorKind | None
    care: Care | None = None

    @property
    def name(self) -> str:
        """Its catalogue name."""
        return self.tool.name

    def is_repeatable(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a call with these arguments, cut off by a crash, may be made again."""
        return self.tool.repeatable if self.care is None else self.care.repeatable(arguments)

    def concealed(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The arguments as they may be seen at all, whatever the policies mask, and the paths that were masked."""
        return (arguments, ()) if self.care is None else self.care.conceal(arguments)

    def restored(self, edited: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
        """A reviewer's arguments, with what nobody was shown put back."""
        return edited if self.care is None else self.care.restore(edited, stored)


def tool_spec(
    name: str,
    title: str,
    description: str,
    input_schema: Mapping[str, Any],
    adapter: Adapter,
    *,
    connector: ConnectorKind | None = None,
    risk: RiskLevel = RiskLevel.LOW,
    requires_approval: bool = False,
    read_only: bool = False,
    destructive: bool = False,
    repeatable: bool = False,
    care: Care | None = None,
) -> ToolSpec:
    """Declare a tool.

    Args:
        name: `namespace.name`.
        adapter: what runs it, after every stage has let it pass.
        connector: the account it acts on; None for a tool of the platform itself.
        repeatable: a second call under the same idempotency key changes nothing, so a call that a crash interrupted
            may be made again.
        care: where that and what may be seen depend on the arguments.
    """
    schema = {"type": "object", "additionalProperties": False, **input_schema}
    tool = Tool(
        name=name,
        namespace=name.rpartition(".")[0],
        title=title,
        description=description,
        input_schema=schema,
        requires_approval=requires_approval,
        risk=risk,
        read_only=read_only,
        destructive=destructive,
        repeatable=repeatable,
        connector=None if connector is None else connector.value,
    )
    return ToolSpec(tool, adapter, jsonschema_rs.validator_for(schema, mask=_MASK), connector, care)


def problems_with(spec: ToolSpec, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with the arguments, field by field; the values themselves are in no message."""
    if spec.validator.is_valid(arguments):
        return []
    problems = []
    for error in spec.validator.iter_errors(arguments):
        field = ".".join(str(part) for part in error.instance_path)
        problems.append({"field": field or "arguments", "problem": error.message})
        if len(problems) == _MOST_PROBLEMS:
            break
    return problems


class Catalogue:
    """The tools of this server process, in the order they were added."""

    def __init__(self) -> None:
        self._specs: dict[str, ToolSpec] = {}

    def add(self, spec: ToolSpec) -> None:
        """Offer another tool; a name is taken once."""
        if spec.name in self._specs or spec.name in ALIASES:
            raise ValueError(f"tool {spec.name} is in the catalogue already")
        self._specs[spec.name] = spec

    def find(self, name: str) -> ToolSpec | None:
        """The tool of this name or alias."""
        return self._specs.get(name) or self._specs.get(ALIASES.get(name, ""))

    def __iter__(self) -> Iterator[ToolSpec]:
        return iter(self._specs.values())


def narrowed(tools: tuple[str, ...]) -> ToolScope:
    """The scope of a caller with its own list of tools, in which other names of a tool may stand."""
    return ToolScope(tuple(ALIASES.get(name, name) for name in tools))


def offers(scope: ToolScope | None, tool: Tool) -> bool:
    """Whether a caller of this scope should see the tool; the verdict on a call is the policies' business."""
    if scope is None or scope.tools is None:
        return True
    return any(
        pattern in (tool.name, tool.namespace) or fnmatchcase(tool.name, pattern)
        for pattern in narrowed(scope.tools).tools or ()
    )
