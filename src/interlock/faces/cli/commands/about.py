"""`openapi`, `version` and `mcp`: what the server is, and the way in for programs on stdin and stdout."""

import importlib.metadata
import platform
import sys
from typing import Annotated

import typer

from interlock import __version__
from interlock.faces.cli import schema
from interlock.faces.cli.session import AsJson, Context, DataDir, Session, load_settings, run, session_of
from interlock.kit.errors import unauthenticated
from interlock.runtime import telemetry
from interlock.runtime.settings import Settings

_TOLD = ("starlette", "uvicorn", "SQLAlchemy", "pydantic", "mcp", "pydantic-ai-slim")


def openapi(
    context: Context,
    server_url: Annotated[str | None, typer.Option(help="Where the server is reached; default: its settings.")] = None,
) -> None:
    """Print the OpenAPI document of the native API."""
    session = session_of(context, as_json=True)
    session.terminal.json(session.composition.openapi(server_url or load_settings().base_url))


def version(context: Context, as_json: AsJson = False) -> None:
    """Print the versions of Interlock, Python and the main libraries."""
    session = session_of(context, as_json=as_json)
    libraries = {name: importlib.metadata.version(name) for name in _TOLD}
    facts = {"interlock": __version__, "python": platform.python_version(), **libraries}
    session.terminal.show(facts, f"interlock {__version__} (Python {platform.python_version()}, {sys.platform})")


def mcp(
    context: Context,
    token: Annotated[
        str | None,
        typer.Option(envvar="INTERLOCK_MCP_TOKEN", help="Bearer of a registered MCP client.", show_default=False),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve MCP on stdin and stdout, for clients that start their servers themselves."""
    session = session_of(context)
    if not token:
        raise unauthenticated(
            "An MCP client needs its bearer.",
            hint="Register the client with POST /api/mcp/clients, then set INTERLOCK_MCP_TOKEN to the bearer shown.",
        )
    settings = load_settings(data_dir=data_dir)
    schema.require_current(settings)
    # stdout belongs to the protocol; logs go to stderr.
    telemetry.configure(settings)
    run(_mcp(session, settings, token))


async def _mcp(session: Session, settings: Settings, token: str) -> None:
    async with session.composition.maintenance(settings) as runtime:
        await session.composition.mcp_stdio(runtime, token)
