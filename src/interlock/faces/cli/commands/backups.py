"""`backup` and `restore`: a copy of the data in one file, also while the server runs, and back again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from interlock.faces.cli.session import AsJson, Context, DataDir, load_settings, session_of
from interlock.kit.clock import iso_seconds
from interlock.kit.errors import conflict
from interlock.runtime import backup as copying
from interlock.runtime import restoring
from interlock.runtime.backup import Copy

_NO_KEY = "\nThe master key is not in it: keep master.key (or INTERLOCK_MASTER_KEY) elsewhere, or the secrets are lost."
_WITH_KEY = "\nThe master key is in it: whoever has this file can read every secret."


def backup(
    context: Context,
    to: Annotated[Path | None, typer.Option(help="File to write; default: a new one in <data-dir>/backups.")] = None,
    with_master_key: Annotated[
        bool, typer.Option("--with-master-key", help="Put the master key in: the file then gives every secret away.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Copy all data into one checked file; the server may go on working."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(data_dir=data_dir)
    now = datetime.now(UTC)
    target = to or copying.folder_of(settings) / copying.new_name(now)
    if target.exists():
        raise conflict(f"{target} is there already.", hint="Name another file.")
    columns = (TextColumn("{task.description:<10}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, console=session.terminal.err, transient=True, disable=as_json) as shown:
        bar = shown.add_task("copying", total=100)

        def told(doing: str, percent: int) -> None:
            shown.update(bar, description=doing, completed=percent)

        made = copying.write(settings, target, now, told, with_master_key=with_master_key)
    words = (
        (str(made.path), "bold"),
        f" holds all data of {settings.data_dir} as of {iso_seconds(made.created_at)} ({_size(made.size)}), checked.",
        (_WITH_KEY if made.has_master_key else _NO_KEY, "yellow"),
    )
    session.terminal.show(_facts(made), Text.assemble(*words))


def restore(
    context: Context,
    file: Annotated[Path, typer.Argument(help="A file that `interlock backup` or the dashboard wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move data that is there aside, into a folder beside it.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the data; refused while a server runs on it."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(data_dir=data_dir)
    restored, aside = restoring.restore(settings, file, datetime.now(UTC), replace=replace)
    lines = [f"{settings.data_dir} holds the data as of {iso_seconds(restored.created_at)}, checked."]
    if aside is not None:
        lines.append(f"What was there before is in {aside}.")
    lines.append("Start the server with `interlock serve`; `interlock audit verify` walks its evidence.")
    facts = {**_facts(restored), "moved_aside": None if aside is None else str(aside)}
    session.terminal.show(facts, Text("\n".join(lines)))


def _facts(copy: Copy) -> dict[str, object]:
    return {
        "file": str(copy.path),
        "size": copy.size,
        "created_at": iso_seconds(copy.created_at),
        "version": copy.version,
        "schema": copy.schema,
        "has_master_key": copy.has_master_key,
    }


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB" if number >= 1_000_000 else f"{number / 1_000:.0f} kB"
