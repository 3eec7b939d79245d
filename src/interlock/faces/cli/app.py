"""The `interlock` command: puts the commands together and turns expected errors into one line and an exit code."""

from typing import Any

import typer
from typer.core import TyperGroup

from interlock.faces.cli.commands import about, audit, backups, demo, doctor, keys, serving, users
from interlock.faces.cli.composition import Composition
from interlock.faces.cli.session import Session, unexpected
from interlock.kit.errors import InterlockError


class _Root(TyperGroup):
    """Reports what an operator can do something about; anything else is a defect and shows its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except InterlockError as error:
            raise typer.Exit(ctx.obj.terminal.error(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise typer.Exit(ctx.obj.terminal.error(unexpected(error))) from error


def build(composition: Composition) -> typer.Typer:
    """The command line over the parts of a server."""
    root = typer.Typer(
        name="interlock",
        cls=_Root,
        help="Interlock: a self-hosted control plane for AI agents.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    @root.callback()
    def prepare(context: typer.Context) -> None:
        context.obj = Session(composition)

    for command in (serving.serve, serving.worker, demo.demo, doctor.doctor, about.openapi, about.mcp, about.version):
        root.command()(command)
    root.command()(backups.backup)
    root.command()(backups.restore)
    root.add_typer(keys.app, name="keys")
    root.add_typer(users.app, name="users")
    root.add_typer(audit.app, name="audit")
    return root
