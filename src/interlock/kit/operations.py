"""An operation: one behaviour, written once, its facts in one line. Faces and contract suites read the registry."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

CommandT = TypeVar("CommandT", bound=BaseModel)
ContextT = TypeVar("ContextT")
ResultT = TypeVar("ResultT")


class Effect(StrEnum):
    """What calling it does to the world."""

    READ = "read"
    WRITE = "write"
    EXTERNAL = "external"
    """Reaches outside: the function opens its own units of work around the network call."""


class Audit(StrEnum):
    """Where the one audit row of a call comes from."""

    NONE = "none"
    SYSTEM_LOG = "system_log"
    LEDGER = "ledger"
    """The operation itself writes the evidence entry; a second row would say the same."""


class Command(BaseModel):
    """Base of every command: frozen, and a field nobody knows is an error rather than silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=1_000_000)


class View(BaseModel):
    """Base of every view: frozen data that leaves a domain."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Nothing(Command):
    """A command with nothing to say."""


@dataclass(frozen=True, slots=True)
class Operation:
    """The facts of one operation."""

    name: str
    summary: str
    scope: str | None
    effect: Effect
    audit: Audit
    public: bool
    ai: bool
    function: Callable[[Any, Any], Awaitable[Any]]
    command: type[BaseModel]
    result: Any


REGISTRY: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    scope: str | None = None,
    effect: Effect = Effect.READ,
    audit: Audit | None = None,
    public: bool = False,
    ai: bool = False,
) -> Callable[[Callable[[ContextT, CommandT], Awaitable[ResultT]]], Callable[[ContextT, CommandT], Awaitable[ResultT]]]:
    """Declare an operation.

    Args:
        name: `domain.verb`, unique.
        scope: what a key must carry; None means any authenticated caller.
        effect: read, write (one unit of work, one audit row) or external.
        audit: where the audit row comes from; by default the system log for writes, none for reads.
        public: callable without any credential.
        ai: calls a model, so the workspace needs AI access.
    """
    if audit is None:
        audit = Audit.SYSTEM_LOG if effect is Effect.WRITE else Audit.NONE

    def register(
        function: Callable[[ContextT, CommandT], Awaitable[ResultT]],
    ) -> Callable[[ContextT, CommandT], Awaitable[ResultT]]:
        hints = get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)
        if name in REGISTRY:
            raise ValueError(f"operation {name} is declared twice")
        if not function.__doc__:
            raise ValueError(f"operation {name} has no docstring")
        REGISTRY[name] = Operation(
            name=name,
            summary=inspect.cleandoc(function.__doc__).split("\n", 1)[0],
            scope=scope,
            effect=effect,
            audit=audit,
            public=public,
            ai=ai,
            function=function,
            command=hints[parameters[1]],
            result=hints["return"],
        )
        _FACTS[function] = REGISTRY[name]
        return function

    return register


_FACTS: dict[Callable[..., Any], Operation] = {}


def facts_of(function: Callable[..., Awaitable[Any]]) -> Operation:
    """The facts of a function that was declared as an operation."""
    return _FACTS[function]
