"""Brings the database to the newest schema with Alembic, at every start; a database from a newer version is refused."""

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.lazy import lazy
from interlock.runtime.settings import Settings

# Alembic is half a second of every start, and most starts find nothing to do.
if TYPE_CHECKING:
    from alembic import command, config, script
    from alembic.runtime import migration
else:
    command, config, script = lazy("alembic.command"), lazy("alembic.config"), lazy("alembic.script")
    migration = lazy("alembic.runtime.migration")

_IDENTIFIER = re.compile(r"""^(down_revision|revision)\b[^=\n]*=\s*(?:["']([^"'\n]+)["']|None)\s*$""", re.MULTILINE)
_VERSION = text("SELECT version_num FROM alembic_version")


def script_location() -> Path:
    """The folder of migrations: beside the sources in a checkout, inside the package in a wheel."""
    package = Path(str(files("interlock")))
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent.parent / "migrations"


def sync_url(settings: Settings) -> str:
    """The database's address for a synchronous driver."""
    if settings.database_url is not None and settings.is_postgres:
        tail = settings.database_url.split("://", 1)[1]
        return f"postgresql+psycopg://{tail}"
    return f"sqlite:///{settings.data_dir / 'interlock.db'}"


def upgrade(settings: Settings) -> None:
    """Apply what is missing; costs one query when nothing is."""
    if _is_current(settings):
        return
    plan = config.Config()
    plan.set_main_option("script_location", str(script_location()))
    plan.attributes["url"] = sync_url(settings)
    scripts = script.ScriptDirectory.from_config(plan)
    engine = create_engine(sync_url(settings), poolclass=NullPool)
    with engine.connect() as connection:
        present = set(migration.MigrationContext.configure(connection).get_current_heads())
    engine.dispose()
    unknown = [item for item in present if item not in {known.revision for known in scripts.walk_revisions()}]
    if unknown:
        raise InterlockError(
            Kind.UNAVAILABLE,
            f"The database was written by a newer version of Interlock (schema {', '.join(unknown)}).",
            code="schema_too_new",
            hint="Start the newer version, or restore a backup made with this one.",
        )
    if present != set(scripts.get_heads()):
        command.upgrade(plan, "head")


def _is_current(settings: Settings) -> bool:
    """Whether the database is at the newest revision, told without Alembic; False where that takes a closer look."""
    newest = _newest()
    if newest is None:
        return False
    engine = create_engine(sync_url(settings), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return list(connection.execute(_VERSION).scalars()) == [newest]
    except DBAPIError:
        return False  # a fresh database has no such table; one that does not answer is Alembic's to report
    finally:
        engine.dispose()


def known_revisions() -> frozenset[str]:
    """Every revision this version can start from, by the files' own words."""
    found = (dict(_IDENTIFIER.findall(file.read_text())) for file in (script_location() / "versions").glob("*.py"))
    return frozenset(each["revision"] for each in found if each.get("revision"))


def _newest() -> str | None:
    """The one revision that no other builds on, by the files' own words; None where there is not exactly one."""
    revisions: set[str] = set()
    built_on: set[str] = set()
    for file in (script_location() / "versions").glob("*.py"):
        found = dict(_IDENTIFIER.findall(file.read_text()))
        if not found.get("revision") or "down_revision" not in found:
            return None
        revisions.add(found["revision"])
        built_on.add(found["down_revision"])
    newest = revisions - built_on
    return newest.pop() if len(newest) == 1 else None
