"""`serve` and `worker`: long-running processes."""

import logging
from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from interlock import __version__
from interlock.faces.cli import serving
from interlock.faces.cli.composition import Composition
from interlock.faces.cli.serving import Started
from interlock.faces.cli.session import AsJson, Context, DataDir, load_settings, run, session_of
from interlock.kit.errors import invalid
from interlock.runtime import telemetry
from interlock.runtime.settings import Settings

FIRST_KEY_FILE = "first-key"
Host = Annotated[str | None, typer.Option(help="Address to listen on; default: INTERLOCK_HOST, else 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Default: INTERLOCK_PORT, else 8700; 0: any free.")]


def serve(
    context: Context, host: Host = None, port: Port = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Run the server: API, MCP and background work in one process, until Ctrl-C."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(host=host, port=port, data_dir=data_dir)
    telemetry.configure(settings)
    _quiet_migrations()
    listener = serving.listen(settings)

    def announce(started: Started) -> None:
        facts = {
            "url": started.settings.base_url,
            "dashboard": started.dashboard,
            "data_dir": str(started.settings.data_dir),
            "version": __version__,
            "first_key": started.first_key,
        }
        session.terminal.show(facts, _greeting(started))

    run(serving.serve_until_signalled(session.composition, listener, announce))
    telemetry.shut_down()


def _quiet_migrations() -> None:
    """Alembic tells its context at every start; an upgrade is told by what comes after it."""
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _greeting(started: Started) -> Text:
    settings = started.settings
    lines = [
        (f"Interlock {__version__}", "bold"),
        (f" answers on {settings.base_url}\n", ""),
        ("Dashboard: ", ""),
        (started.dashboard, "bold cyan"),
        ("  (choose your password there)\n" if started.setup_code else "\n", ""),
        (f"Data in {_where(settings)}. API documentation: {settings.base_url}/docs. Ctrl-C stops.", "dim"),
    ]
    if started.first_key is not None:
        lines += [
            ("\n\nYour first API key, shown this once (also in ", ""),
            (str(settings.data_dir / FIRST_KEY_FILE), ""),
            ("):\n\n    ", ""),
            (started.first_key, "bold green"),
            ("\n", ""),
        ]
    return Text.assemble(*lines)


def _where(settings: Settings) -> str:
    return "PostgreSQL" if settings.is_postgres else str(settings.data_dir)


def worker(context: Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Run background work without HTTP, beside servers that share a PostgreSQL database."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(data_dir=data_dir)
    if not settings.is_postgres:
        raise invalid(
            "A separate worker needs PostgreSQL: a SQLite data directory belongs to one process, and `interlock serve` "
            "does the background work itself.",
            field="database_url",
            hint="Set INTERLOCK_DATABASE_URL=postgresql://... for every server and worker.",
        )
    telemetry.configure(settings)
    _quiet_migrations()
    run(_work(session.composition, settings, lambda: session.terminal.show({"working": True}, _at_work())))
    telemetry.shut_down()


def _at_work() -> Text:
    return Text("This worker takes jobs and durable runs. Ctrl-C stops.")


async def _work(composition: Composition, settings: Settings, announce: Callable[[], None]) -> None:
    with serving.signalled() as stop:
        async with composition.running(settings):
            announce()
            await stop.wait()
