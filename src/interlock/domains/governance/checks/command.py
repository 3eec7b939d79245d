"""What callers say to checks."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from interlock.domains.governance.checks.views import CheckId, Outcome
from interlock.kit.money import ZERO, Usd
from interlock.kit.operations import Command

_LONGEST_INT = 2**31 - 1


def _empty_is_absent(value: object) -> object:
    return None if value == "" else value


def _empty_is_default(value: object) -> object:
    return "default" if value == "" else value


ToolName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", description="Such as crm.create.")
]
ActionType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,63}$", description="What kind of action it is.")]
AgentLabel = Annotated[
    str,
    Field(max_length=200, pattern=r"^[^\x00]+$", description="Your agent's own name; free text, not an agent_ id."),
    BeforeValidator(_empty_is_default),
]
Key = Annotated[
    Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None,
    BeforeValidator(_empty_is_absent),
    Field(description="Asked again with the same key, a check is answered the same, or as a person has decided."),
]


class CheckAction(Command):
    """An action that the caller is about to take itself."""

    tool: ToolName
    action_type: ActionType = "tool_call"
    args: Annotated[dict[str, Any], Field(description="Hashed for the ledger, masked by privacy policies.")] = Field(
        default_factory=dict
    )
    cost_estimate: Usd = ZERO
    model: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    tokens: Annotated[int, Field(ge=0, le=_LONGEST_INT)] = 0
    agent_id: AgentLabel = "default"
    idempotency_key: Key = None

    def payload(self) -> list[Any]:
        """Everything but the key, as JSON: what two checks under one key must share."""
        return [
            self.tool,
            self.action_type,
            self.args,
            format(self.cost_estimate.normalize(), "f"),
            self.model,
            self.tokens,
            self.agent_id,
        ]


class RecordOutcome(Command):
    """What became of an action; an empty `check_id` writes a row that stands alone."""

    tool: ToolName
    action_type: ActionType = "tool_call"
    check_id: Annotated[CheckId | None, BeforeValidator(_empty_is_absent)] = None
    outcome: Outcome
    provider_ref: Annotated[str, Field(max_length=512, description="The provider's own id of what was done.")] = ""
    cost_usd: Usd = ZERO
    latency_ms: Annotated[int, Field(ge=0, le=_LONGEST_INT)] = 0
    error: Annotated[str, Field(max_length=2000)] = ""
    agent_id: AgentLabel = "default"
