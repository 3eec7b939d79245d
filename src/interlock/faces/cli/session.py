"""One invocation of the command line: the composition, the terminal, the settings, and how a command runs."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from pydantic import ValidationError

from interlock.domains.accounts.service.operator import operator
from interlock.faces.cli import schema
from interlock.faces.cli.composition import Composition
from interlock.faces.cli.output import Terminal
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.runtime.context import Ctx
from interlock.runtime.settings import Settings

ResultT = TypeVar("ResultT")

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where the data lives; default: INTERLOCK_DATA_DIR, else ./data.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs instead of text for people.")]
Context = typer.Context


@dataclass
class Session:
    """What every command gets."""

    composition: Composition
    terminal: Terminal = field(default_factory=Terminal)

    def maintain(self, settings: Settings, work: Callable[[Ctx], Awaitable[ResultT]]) -> ResultT:
        """Do one thing to an existing server's data as its operator, whether or not the server runs."""
        schema.require_current(settings)

        async def within() -> ResultT:
            async with self.composition.maintenance(settings) as runtime:
                return await work(await operator(runtime, face="cli"))

        return run(within())


def session_of(context: Context, *, as_json: bool = False) -> Session:
    """The session of an invocation, told how its results shall look."""
    session: Session = context.find_root().obj
    session.terminal.as_json = as_json
    return session


def load_settings(**flags: Any) -> Settings:
    """The environment's settings, overridden by the flags that were given.

    Raises:
        InterlockError: INVALID, naming the variable or flag.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"][:1])
        source = f"--{name.replace('_', '-')}" if name in given else f"INTERLOCK_{name.upper()}"
        raise invalid(f"{source}: {first['msg']}.", field=name) from error


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run asynchronous work to its end on a fast loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def unexpected(error: OSError) -> InterlockError:
    """What the operating system refused, in one line."""
    where = f" ({error.filename})" if error.filename else ""
    return InterlockError(
        Kind.UNAVAILABLE,
        f"{error.strerror or error}{where}.",
        code="system_refused",
        hint="Check that the path exists and that this user may use it.",
    )
