"""`demo`: a server, a pretend outside world and a story with a person in between."""

import contextlib
import signal
import sys
import tempfile
from collections.abc import Generator
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from interlock.faces.cli import serving
from interlock.faces.cli.commands.serving import FIRST_KEY_FILE
from interlock.faces.cli.demo import setup
from interlock.faces.cli.demo.checks import Check
from interlock.faces.cli.demo.client import Api
from interlock.faces.cli.demo.material import read_mail
from interlock.faces.cli.demo.review import Desk, Reviewer, reviewer_for
from interlock.faces.cli.demo.story import Stage, tell
from interlock.faces.cli.demo.triage import desk as support_desk
from interlock.faces.cli.demo.triage.material import read_material
from interlock.faces.cli.demo.triage.story import tell as tell_triage
from interlock.faces.cli.demo.world import Addresses, World
from interlock.faces.cli.output import ExitCode
from interlock.faces.cli.session import Context, DataDir, Session, load_settings, session_of
from interlock.kit.errors import unauthenticated
from interlock.runtime import data_dir as data_directory
from interlock.runtime import telemetry
from interlock.runtime.settings import Settings

_LOOPBACK = IPv4Network("127.0.0.0/8")
_LOG_FILE = "server.log"


class Story(StrEnum):
    """What can be watched."""

    REFUND_DESK = "refund-desk"
    SUPPORT_TRIAGE = "support-triage"


def demo(
    context: Context,
    story: Annotated[
        Story, typer.Argument(help="An agent that refunds, or a workflow that answers mails.")
    ] = Story.REFUND_DESK,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve everything without asking.")] = False,
    keep_serving: Annotated[
        bool, typer.Option("--serve", help="Serve on the configured address, and go on after the demo until Ctrl-C.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model that thinks; default: a configured provider's for refunds, the embedded one for mails."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="INTERLOCK_API_KEY", help="API key; default: the first key.", show_default=False),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the demo's server.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Watch a refund or a folder of mails being handled while a person decides; exits with 0 only if all went well."""
    session = session_of(context)
    reviewer = reviewer_for(yes=yes, keeps_serving=keep_serving)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_interruptible())
        settings = _settings(stack, data_dir, port, keep_serving=keep_serving)
        data_directory.prepare(settings.data_dir)
        log = stack.enter_context((settings.data_dir / _LOG_FILE).open("a", encoding="utf-8"))
        telemetry.configure(settings, stream=log)
        listener = serving.listen(settings)
        world = stack.enter_context(World(session.composition, listener))
        checks = _play(session, world.addresses(), story, reviewer, model, key)
        failed = _verdict(session, checks)
        if keep_serving:
            _serve_on(session, world)
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _settings(stack: contextlib.ExitStack, data_dir: Path | None, port: int | None, *, keep_serving: bool) -> Settings:
    """The environment's settings; a demo that ends with its story leaves nothing behind and takes any free port."""
    if keep_serving or data_dir is not None:
        settings = load_settings(data_dir=data_dir, port=port if keep_serving else port or 0)
    else:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="interlock-demo-"))
        settings = load_settings(data_dir=Path(scratch), port=port or 0).model_copy(update={"database_url": None})
    # Client, server and sandbox share this machine with the model: on one that is busy, its threads would only spin.
    threads = {} if "local_model_threads" in settings.model_fields_set else {"local_model_threads": 1}
    return settings.model_copy(update={**threads, "http_allow_private": (*settings.http_allow_private, _LOOPBACK)})


def _play(
    session: Session, at: Addresses, story: Story, reviewer: Reviewer, model: str | None, key: str | None
) -> list[Check]:
    settings = at.server.settings
    console = session.terminal.out
    console.print(f"[bold]Interlock[/] serves on {settings.base_url}, data in {settings.data_dir}.")
    console.print(f"Dashboard: [bold]{at.server.dashboard}[/]")
    key_file = settings.data_dir / FIRST_KEY_FILE
    with Api(settings.base_url, key or at.server.first_key or _kept(key_file)) as api:
        if story is Story.SUPPORT_TRIAGE:
            yes = reviewer is Reviewer.YES
            return tell_triage(console, api, read_material(settings), model or support_desk.MODEL, yes=yes)
        desk = Desk(console, api, reviewer, key_file)
        thinking = model or setup.model_for(settings)
        return tell(Stage(console, api, desk, at.sandbox_url, thinking, read_mail(settings)))


def _kept(key_file: Path) -> str:
    try:
        return key_file.read_text().strip()
    except FileNotFoundError as error:
        raise unauthenticated(
            f"The demo needs an API key, and {key_file} is gone.",
            hint="Set INTERLOCK_API_KEY to one: `interlock keys create --name demo --scopes workflows,agents,admin`.",
        ) from error


def _verdict(session: Session, checks: list[Check]) -> list[Check]:
    failed = [check for check in checks if not check.holds]
    console = session.terminal.out
    console.print()
    if failed:
        console.print(
            f"[bold red]{len(failed)} of {len(checks)} did not hold:[/] {'; '.join(each.title for each in failed)}"
        )
    else:
        console.print(f"[bold green]All {len(checks)} held.[/]")
    return failed


def _serve_on(session: Session, world: World) -> None:
    at = world.addresses()
    settings = at.server.settings
    session.terminal.out.print(
        f"\nThe server goes on; open the dashboard: [bold]{at.server.dashboard}[/]\n"
        f"API documentation: {settings.base_url}/docs\n"
        f"API key: {settings.data_dir / FIRST_KEY_FILE}   logs: {settings.data_dir / _LOG_FILE}\n"
        f"What the pretend providers saw: {at.sandbox_url}/_sandbox/state\n"
        "Ctrl-C stops."
    )
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        world.serve_on()


@contextlib.contextmanager
def _interruptible() -> Generator[None]:
    """SIGTERM ends the demo as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
