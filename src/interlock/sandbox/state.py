"""What the pretend providers remember: every request that reached them and every effect it had, in order."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from interlock.sandbox.faults import Fault, FaultQueue, ProviderName

CALL_KEY = "sandbox.call"


class Call(BaseModel):
    """One request that reached a provider, whether it was answered or made to fail."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    provider: ProviderName
    method: str
    path: str
    idempotency_key: str | None
    fingerprint: str
    fault: Fault | None
    at: datetime


class Effect(BaseModel):
    """One thing that happened in the pretend outside world."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    provider: ProviderName
    kind: str
    idempotency_key: str | None
    data: dict[str, Any]
    call: int
    """Sequence of the request that caused it."""
    fingerprint: str
    at: datetime


class SandboxSettings(BaseModel):
    """What can be changed while the sandbox runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accepted_credentials: dict[ProviderName, tuple[str, ...]] = Field(default_factory=dict)
    """Per provider, the only tokens accepted; a provider not named accepts any well-formed token."""
    unregistered_hooks: tuple[str, ...] = ()
    """n8n and Make hook ids that answer as if no workflow listened."""
    stripe_processing_seconds: float = Field(default=0.0, ge=0, le=60)
    """How long a refund is in progress, to let two requests with one idempotency key meet."""


class SandboxState:
    """Everything received since the start or the last reset."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.effects: list[Effect] = []
        self.faults = FaultQueue()
        self.settings = SandboxSettings()

    def received(
        self, provider: ProviderName, method: str, path: str, key: str | None, body: bytes, fault: Fault | None
    ) -> Call:
        """Note a request."""
        material = b"\n".join([method.encode(), path.encode(), (key or "").encode(), body])
        call = Call(
            sequence=len(self.calls) + 1,
            provider=provider,
            method=method,
            path=path,
            idempotency_key=key,
            fingerprint=hashlib.sha256(material).hexdigest(),
            fault=fault,
            at=datetime.now(UTC),
        )
        self.calls.append(call)
        return call

    def happened(self, request: Request, kind: str, data: dict[str, Any]) -> Effect:
        """Note an effect of the request being answered."""
        call: Call = request.scope[CALL_KEY]
        effect = Effect(
            sequence=len(self.effects) + 1,
            provider=call.provider,
            kind=kind,
            idempotency_key=call.idempotency_key,
            data=data,
            call=call.sequence,
            fingerprint=call.fingerprint,
            at=datetime.now(UTC),
        )
        self.effects.append(effect)
        return effect

    def effects_of(self, provider: ProviderName) -> list[Effect]:
        """The effects of one provider, oldest first."""
        return [effect for effect in self.effects if effect.provider is provider]

    def arrivals(self, effect: Effect) -> int:
        """How many times the very request behind an effect arrived (retries and replays included)."""
        return sum(call.fingerprint == effect.fingerprint for call in self.calls)

    def refuses(self, provider: ProviderName, token: str) -> bool:
        """Whether a well-formed token is none of those the settings accept."""
        accepted = self.settings.accepted_credentials.get(provider)
        return accepted is not None and token not in accepted

    def report(self) -> dict[str, Any]:
        """The state as the sandbox shows it."""
        return {
            "sandbox": True,
            "effects": [
                {**effect.model_dump(mode="json"), "arrivals": self.arrivals(effect)} for effect in self.effects
            ],
            "calls": [call.model_dump(mode="json") for call in self.calls],
            "pending_faults": [fault.model_dump(mode="json") for fault in self.faults.pending()],
            "settings": self.settings.model_dump(mode="json"),
        }

    def clear(self) -> None:
        """Forget requests, effects, faults and settings."""
        self.calls.clear()
        self.effects.clear()
        self.faults.clear()
        self.settings = SandboxSettings()
