"""Entry point of `python -m tools.migration "what changed"`: writes the next migration from the tables of the code.

The code's tables are compared with a database that has every migration so far; what differs becomes the new file.
Read it before you commit it: a renamed column, for one, looks like one dropped and one added.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from interlock.runtime import migrations
from interlock.runtime.settings import Settings

_MARKS = re.compile(r"^ *# (?:### (?:commands auto|end Alembic)).*\n", re.MULTILINE)


def write(message: str) -> Path | None:
    """Write the next migration; None when the code's tables say nothing new.

    Args:
        message: what changed, in a few words; it names the file.
    """
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory), database_url=None)
        plan = Config()
        plan.set_main_option("script_location", str(migrations.script_location()))
        plan.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
        plan.attributes["url"] = migrations.sync_url(settings)
        command.upgrade(plan, "head")
        script = command.revision(
            plan, message=message, autogenerate=True, rev_id=_next(plan), process_revision_directives=_unless_empty
        )
    if not script or isinstance(script, list):
        return None
    path = Path(script.path)
    path.write_text(_MARKS.sub("", path.read_text()))
    return path


def _next(plan: Config) -> str:
    """The number after the newest revision's."""
    head = ScriptDirectory.from_config(plan).get_current_head()
    return f"{int(head or 0) + 1:04d}"


def _unless_empty(_context: MigrationContext, _revision: object, directives: list[MigrationScript]) -> None:
    """Write no file where nothing has changed."""
    upgrade = directives[0].upgrade_ops
    if upgrade is None or upgrade.is_empty():
        directives.clear()


def main(arguments: list[str]) -> int:
    """Write the migration, put it into the house form, and say where it is."""
    message = " ".join(arguments).strip()
    if not message:
        print('Say what changed: make migration m="what changed"', file=sys.stderr)
        return 2
    path = write(message)
    if path is None:
        print("The tables of the code are those of the newest migration: nothing to write.")
        return 0
    for action in (("check", "--quiet", "--fix-only"), ("format", "--quiet")):
        subprocess.run((sys.executable, "-m", "ruff", *action, str(path)), check=True)
    print(f"Wrote {path}. Read it, then run `make test`.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
