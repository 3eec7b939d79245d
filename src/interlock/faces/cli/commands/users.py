"""`users`: people of a server, also while it runs."""

import sys
from typing import Annotated

import typer

from interlock.domains.accounts.service import people
from interlock.domains.accounts.service.people import AddUser, ResetPassword
from interlock.domains.accounts.states import Role
from interlock.faces.cli.commands.reading import command_from
from interlock.faces.cli.output import table
from interlock.faces.cli.session import AsJson, Context, DataDir, load_settings, session_of
from interlock.kit.clock import iso_seconds
from interlock.kit.paging import MAXIMUM_LIMIT, PageQuery
from interlock.runtime.invoke import invoke

app = typer.Typer(help="People: list, add, set passwords.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="E-mail address.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")
]


@app.command("list")
def list_(context: Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the people of the workspace."""
    session = session_of(context, as_json=as_json)
    query = PageQuery(limit=MAXIMUM_LIMIT)
    page = session.maintain(load_settings(data_dir=data_dir), lambda ctx: invoke(ctx, people.list_users, query))
    rows = [(user.email, user.name, user.role.value, iso_seconds(user.created_at)) for user in page.items]
    shown = table(("E-mail", "Name", "Role", "Since"), rows, empty="There is nobody.")
    session.terminal.show([user.model_dump(mode="json") for user in page.items], shown)


@app.command()
def add(
    context: Context,
    email: Email,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.MEMBER,
    password_stdin: FromStdin = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a person who can sign in."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(data_dir=data_dir)
    facts = {"email": email, "name": name, "role": role, "password": _password(from_stdin=password_stdin)}
    command = command_from(AddUser, facts)
    user = session.maintain(settings, lambda ctx: invoke(ctx, people.add_user, command))
    session.terminal.show(user.model_dump(mode="json"), f"{user.name} <{user.email}> can sign in as {user.role.value}.")


@app.command()
def password(
    context: Context, email: Email, password_stdin: FromStdin = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Give a person a new password; their sessions end."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(data_dir=data_dir)
    command = command_from(ResetPassword, {"email": email, "password": _password(from_stdin=password_stdin)})
    user = session.maintain(settings, lambda ctx: invoke(ctx, people.reset_password, command))
    session.terminal.show(user.model_dump(mode="json"), f"The password of {user.email} is changed.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password (at least ten characters)", hide_input=True, confirmation_prompt=True))
