"""What can be made to go wrong: the faults a provider answers with, in the order they were asked for."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class ProviderName(StrEnum):
    """The outside systems the sandbox pretends to be."""

    SLACK = "slack"
    GMAIL = "gmail"
    HUBSPOT = "hubspot"
    STRIPE = "stripe"
    ZAPIER = "zapier"
    N8N = "n8n"
    MAKE = "make"


class FaultKind(StrEnum):
    """How a call fails, seen from the client."""

    RATE_LIMITED = "rate_limited"
    """Status 429 with Retry-After and the provider's own body."""
    SERVER_ERROR = "server_error"
    """Status 500 with the provider's own body."""
    TIMEOUT = "timeout"
    """Silence for `delay_seconds`, then a closed connection."""
    CUT = "cut"
    """The connection closes without a byte."""
    GARBAGE = "garbage"
    """Status 200, content type JSON, a body that is not JSON."""
    LYING_200 = "lying_200"
    """Status 200 around the provider's error body."""


class Fault(BaseModel):
    """One planned failure of the next `times` calls to a provider."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: ProviderName
    kind: FaultKind
    times: int = Field(default=1, ge=1)
    after_effect: bool = False
    """Let the provider do what was asked (post, send, refund), then fail the answer."""
    path_contains: str = ""
    """Only calls whose path holds this text."""
    retry_after: int = Field(default=1, ge=0)
    delay_seconds: float = Field(default=30.0, ge=0)


class FaultQueue:
    """The planned faults; the first that fits a call is used up by it."""

    def __init__(self) -> None:
        self._planned: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault after those already planned."""
        self._planned.append((fault, fault.times))

    def take(self, provider: ProviderName, path: str) -> Fault | None:
        """The fault this call meets, if any; its count goes down by one."""
        for index, (fault, left) in enumerate(self._planned):
            if fault.provider is provider and fault.path_contains in path:
                if left > 1:
                    self._planned[index] = (fault, left - 1)
                else:
                    del self._planned[index]
                return fault
        return None

    def pending(self) -> list[Fault]:
        """The faults not used up yet, each with the times it still has."""
        return [fault.model_copy(update={"times": left}) for fault, left in self._planned]

    def clear(self) -> None:
        """Forget every planned fault."""
        self._planned.clear()
