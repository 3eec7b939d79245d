"""Whether a database is there and at this version's schema; looks, never writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from interlock.kit.errors import InterlockError, Kind, conflict
from interlock.runtime.lazy import lazy
from interlock.runtime.migrations import script_location, sync_url
from interlock.runtime.settings import Settings

if TYPE_CHECKING:
    from alembic import config as alembic_config
    from alembic import script as alembic_script
    from alembic.runtime import migration as alembic_migration
else:
    alembic_config, alembic_script = lazy("alembic.config"), lazy("alembic.script")
    alembic_migration = lazy("alembic.runtime.migration")

_CONNECT: Mapping[str, object] = {"connect_timeout": 5}


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revisions a database has, those this version wants, and all it has ever known."""

    present: frozenset[str]
    wanted: frozenset[str]
    known: frozenset[str]

    @property
    def is_new(self) -> bool:
        """Nothing was ever written."""
        return not self.present

    @property
    def is_older(self) -> bool:
        """The next start brings it up to date."""
        return not self.is_current and self.present <= self.known

    @property
    def is_current(self) -> bool:
        """It can be used as it is."""
        return self.present == self.wanted


def inspect(settings: Settings) -> SchemaState:
    """Read the schema's revisions.

    Raises:
        InterlockError: NOT_FOUND when there is no database file, UNAVAILABLE when the database does not answer.
    """
    config = alembic_config.Config()
    config.set_main_option("script_location", str(script_location()))
    script = alembic_script.ScriptDirectory.from_config(config)
    known = frozenset(item.revision for item in script.walk_revisions())
    file = settings.data_dir / "interlock.db"
    if not settings.is_postgres and not file.is_file():
        raise InterlockError(
            Kind.NOT_FOUND,
            f"There is no Interlock data in {settings.data_dir}.",
            code="no_data",
            hint="Name the right --data-dir, or start the server once with `interlock serve`.",
        )
    engine = create_engine(
        sync_url(settings), poolclass=NullPool, connect_args=dict(_CONNECT) if settings.is_postgres else {}
    )
    try:
        with engine.connect() as connection:
            present = frozenset(alembic_migration.MigrationContext.configure(connection).get_current_heads())
    except DBAPIError as error:
        raise InterlockError(
            Kind.UNAVAILABLE,
            f"The database does not answer: {_first_line(error)}.",
            code="database_unreachable",
            hint="Check INTERLOCK_DATABASE_URL and that the database server runs."
            if settings.is_postgres
            else "Check the owner and mode of the data directory; restore a backup if the file is damaged.",
        ) from error
    finally:
        engine.dispose()
    return SchemaState(present, frozenset(script.get_heads()), known)


def require_current(settings: Settings) -> None:
    """Refuse to touch data that this version's server has not brought to its schema.

    Raises:
        InterlockError: there is none, it is older or newer, or it does not answer.
    """
    state = inspect(settings)
    if not state.is_current:
        raise conflict(
            "The database is not at this version's schema.",
            code="schema_differs",
            hint="Start this version's server once (`interlock serve`): it upgrades older data and refuses newer.",
            present=sorted(state.present),
            wanted=sorted(state.wanted),
        )


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".") if str(error.orig).strip() else type(error).__name__
