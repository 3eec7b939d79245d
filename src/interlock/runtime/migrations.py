"""Brings the database to the newest schema with Alembic, at every start; a database from a newer version is refused."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.settings import Settings


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
    config = Config()
    config.set_main_option("script_location", str(script_location()))
    config.attributes["url"] = sync_url(settings)
    script = ScriptDirectory.from_config(config)
    engine = create_engine(sync_url(settings), poolclass=NullPool)
    with engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    engine.dispose()
    unknown = [revision for revision in present if revision not in {item.revision for item in script.walk_revisions()}]
    if unknown:
        raise InterlockError(
            Kind.UNAVAILABLE,
            f"The database was written by a newer version of Interlock (schema {', '.join(unknown)}).",
            code="schema_too_new",
            hint="Start the newer version, or restore a backup made with this one.",
        )
    if present != set(script.get_heads()):
        command.upgrade(config, "head")
