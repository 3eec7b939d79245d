"""`keys`: API keys of a server, also while it runs."""

from typing import Annotated

import typer

from interlock.domains.accounts.service import keys
from interlock.domains.accounts.service.keys import CreateKey, KeyRef, ListKeys
from interlock.domains.accounts.states import KeyStatus
from interlock.domains.accounts.views import ApiKey, Scope
from interlock.faces.cli.commands.reading import command_from
from interlock.faces.cli.output import table
from interlock.faces.cli.session import AsJson, Context, DataDir, load_settings, session_of
from interlock.kit.clock import iso_seconds
from interlock.kit.paging import MAXIMUM_LIMIT
from interlock.runtime.invoke import invoke

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)

_SCOPES = ", ".join(scope.value for scope in Scope)


@app.command()
def create(
    context: Context,
    name: Annotated[str, typer.Option(help="What people call it.")],
    scopes: Annotated[str | None, typer.Option(help=f"Comma-separated, of: {_SCOPES}. Default: all but admin.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown this once."""
    session = session_of(context, as_json=as_json)
    given = {"name": name} | ({} if scopes is None else {"scopes": _listed(scopes)})
    command = command_from(CreateKey, given)
    key = session.maintain(load_settings(data_dir=data_dir), lambda ctx: invoke(ctx, keys.create_key, command))
    facts = {"key": key.secret, "id": str(key.id), "name": key.name, "scopes": [scope.value for scope in key.scopes]}
    session.terminal.show(facts, key.secret)


@app.command("list")
def list_(context: Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List API keys; their secrets are never shown again."""
    session = session_of(context, as_json=as_json)
    command = ListKeys(limit=MAXIMUM_LIMIT)
    page = session.maintain(load_settings(data_dir=data_dir), lambda ctx: invoke(ctx, keys.list_keys, command))
    rows = [
        (key.id, key.name, key.hint, ",".join(key.scopes), key.status.value, iso_seconds(key.created_at))
        for key in page.items
    ]
    people = table(("Id", "Name", "Key", "Scopes", "Status", "Created"), rows, empty="There are no API keys.")
    session.terminal.show([key.model_dump(mode="json") for key in page.items], people)


@app.command()
def revoke(
    context: Context,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `interlock keys list` shows it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key; it is dead at once."""
    session = session_of(context, as_json=as_json)
    command = command_from(KeyRef, {"key_id": key_id})
    key: ApiKey = session.maintain(load_settings(data_dir=data_dir), lambda ctx: invoke(ctx, keys.revoke_key, command))
    session.terminal.show(key.model_dump(mode="json"), f"Key '{key.name}' is {KeyStatus.REVOKED.value}.")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
