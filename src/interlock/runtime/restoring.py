"""Puts a backup's files in the place of a data directory's: only where no server is at work, nothing is thrown away."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from interlock.kit.errors import InterlockError, Kind, conflict
from interlock.runtime import backup, data_dir, migrations
from interlock.runtime.backup import DATABASE, MASTER_KEY, SCRIPTS, Copy
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings

_COMPANIONS = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "first-key")


def restore(settings: Settings, archive: Path, now: datetime, *, replace: bool) -> tuple[Copy, Path | None]:
    """Put a backup in place; returns what it was, and the folder that what was there before was moved to.

    Args:
        replace: whether data that is there may be moved aside.

    Raises:
        InterlockError: a server is at work there, data is there, the backup is damaged, foreign or from a newer
            version, or the master key that its secrets were written with is missing.
    """
    if settings.is_postgres:
        raise backup.postgres_words()
    if not archive.is_file():
        raise InterlockError(Kind.NOT_FOUND, f"There is no file {archive}.", code="no_backup")
    copy = backup.read(archive)
    home = settings.data_dir
    with data_dir.held(settings), TemporaryDirectory(dir=home, prefix=".restoring-") as temporary:
        if (home / DATABASE).exists() and not replace:
            raise conflict(
                f"There is data in {home} already.",
                code="data_exists",
                hint="Name an empty --data-dir, or use --replace: what is there is moved aside, not deleted.",
            )
        files = backup.unpack(archive, Path(temporary))
        schema = backup.check_database(files[DATABASE])
        if schema not in migrations.known_revisions():
            raise conflict(
                f"This backup was made by a newer version of Interlock ({copy.version}, schema {schema}).",
                code="schema_too_new",
                hint=f"Restore it with version {copy.version} or a newer one.",
            )
        _require_key(settings, copy)
        aside = _move_aside(home, now, with_key=copy.has_master_key)
        for name, path in files.items():
            target = home / name
            target.parent.mkdir(mode=0o700, exist_ok=True)
            path.replace(target)
    return copy, aside


def _require_key(settings: Settings, copy: Copy) -> None:
    """Refuse before anything is moved: without the right key the secrets in the data are lost, and the start fails."""
    if settings.master_key is not None:
        mine: str | None = load_secrets(settings.data_dir, settings.master_key.get_secret_value()).fingerprint
    elif copy.has_master_key:
        return
    else:
        mine = load_secrets(settings.data_dir, None).fingerprint if (settings.data_dir / MASTER_KEY).is_file() else None
    if mine != copy.key:
        raise conflict(
            "The backup's secrets were written with a master key that is not here; the backup does not contain it."
            if mine is None
            else "The backup's secrets were written with another master key than the one that is here.",
            code="master_key_wrong",
            hint=f"Put the former master.key into {settings.data_dir} (mode 0600), or set INTERLOCK_MASTER_KEY.",
        )


def _move_aside(home: Path, now: datetime, *, with_key: bool) -> Path | None:
    names = (*_COMPANIONS, SCRIPTS, *((MASTER_KEY,) if with_key else ()))
    present = [home / name for name in names if (home / name).exists()]
    if not present:
        return None
    aside = home / f"replaced-{now:%Y%m%dT%H%M%S%fZ}"
    aside.mkdir(mode=0o700)
    for path in present:
        path.rename(aside / path.name)
    return aside
