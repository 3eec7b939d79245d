"""Copies of a SQLite server's data in one file each, made while it runs, checked, and put back by `restore`.

A copy is a gzipped tar: `manifest.json` first, then the database as it stood at one moment (SQLite's online backup over
one reading transaction), then conversation files. The master key is left out unless it is asked for.
"""

import gzip
import hashlib
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import IO, Any

import orjson

from interlock import __version__
from interlock.kit.clock import iso_seconds
from interlock.kit.errors import InterlockError, Kind, conflict, not_found
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings

FOLDER = "backups"
DATABASE, MASTER_KEY, SCRIPTS, MANIFEST = "interlock.db", "master.key", "scripts", "manifest.json"
FORMAT = 1
_NAME = re.compile(r"interlock-\d{8}T\d{6}Z-[0-9a-f]{6}\.tar\.gz")
_PAGES = 2_000
_CHUNK = 1 << 20
_FULL = 100
Progress = Callable[[str, int], None]
"""Told what is being done, and how much of that in percent."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A finished copy.

    Args:
        schema: the revision its database is at.
        key: fingerprint of the master key that the data was written with.
    """

    name: str
    path: Path
    size: int
    created_at: datetime
    version: str
    schema: str
    key: str
    has_master_key: bool


def postgres_words() -> InterlockError:
    """What to say where PostgreSQL holds the data."""
    return InterlockError(
        Kind.UNAVAILABLE,
        "The data lives in PostgreSQL, which has its own tools for copies; Interlock makes none of it.",
        code="backup_by_postgres",
        hint='Run `pg_dump --format=custom --file=interlock.dump "$INTERLOCK_DATABASE_URL"` and put it back with '
        "`pg_restore`. Keep master.key, or INTERLOCK_MASTER_KEY, elsewhere.",
    )


def folder_of(settings: Settings) -> Path:
    """Where a server keeps its copies."""
    return settings.data_dir / FOLDER


def new_name(now: datetime) -> str:
    """What a copy that begins now is called."""
    return f"interlock-{now:%Y%m%dT%H%M%SZ}-{token_hex(3)}.tar.gz"


def write(settings: Settings, target: Path, now: datetime, progress: Progress, *, with_master_key: bool) -> Copy:
    """Make a copy while servers go on working, check it, and only then give it its name; takes as long as it takes.

    Raises:
        InterlockError: PostgreSQL holds the data, or the copy does not hold together.
    """
    if settings.is_postgres:
        raise postgres_words()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".writing-") as temporary:
        database = Path(temporary) / DATABASE
        _copy_database(settings.data_dir / DATABASE, database, progress)
        progress("checking", 0)
        schema = check_database(database)
        files = {DATABASE: database, **_further(settings, with_master_key=with_master_key)}
        manifest = {
            "product": "interlock",
            "format": FORMAT,
            "version": __version__,
            "schema": schema,
            "created_at": iso_seconds(now),
            "master_key_fingerprint": _fingerprint(settings),
            "files": {name: {"size": path.stat().st_size, "sha256": _digest(path)} for name, path in files.items()},
        }
        packed = Path(temporary) / target.name
        _pack(packed, manifest, files, progress)
        progress("verifying", 0)
        with TemporaryDirectory(dir=temporary) as spare:
            unpack(packed, Path(spare))
        packed.replace(target)
    return read(target)


def copies(settings: Settings) -> list[Copy]:
    """The copies in the server's folder, newest first; files that are none are passed over."""
    found = []
    for path in folder_of(settings).glob("*.tar.gz"):
        try:
            found.append(read(path))
        except InterlockError:
            continue
    return sorted(found, key=lambda copy: (copy.created_at, copy.name), reverse=True)


def find(settings: Settings, name: str) -> Copy:
    """A copy in the server's folder; not_found for any other name."""
    path = folder_of(settings) / name
    if _NAME.fullmatch(name) is None or not path.is_file():
        raise InterlockError(Kind.NOT_FOUND, f"There is no backup '{name[:80]}'.", data={"name": name[:80]})
    return read(path)


def read(path: Path) -> Copy:
    """What a copy says of itself.

    Raises:
        InterlockError: it is no copy of Interlock's data, or of a version that writes them otherwise.
    """
    with _members(path) as members:
        manifest = _manifest(path, members)
    try:
        return Copy(
            name=path.name,
            path=path,
            size=path.stat().st_size,
            created_at=datetime.fromisoformat(manifest["created_at"]),
            version=str(manifest["version"]),
            schema=str(manifest["schema"]),
            key=str(manifest["master_key_fingerprint"]),
            has_master_key=MASTER_KEY in manifest["files"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path) from error


def unpack(path: Path, folder: Path) -> dict[str, Path]:
    """Lay a copy's files out in a folder, each checked against the manifest.

    Raises:
        InterlockError: it is foreign, damaged, or has files that it does not speak of.
    """
    laid_out = {}
    with _members(path) as members:
        wanted: dict[str, dict[str, Any]] = _manifest(path, members)["files"]
        for member, content in members:
            if member.name not in wanted or not _is_ours(member.name):
                raise _damaged(path, f"it has a file '{member.name[:80]}' that does not belong there")
            target = folder / member.name
            target.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(content, file, _CHUNK)
            if _digest(target) != wanted[member.name]["sha256"]:
                raise _damaged(path, f"'{member.name}' is not as it was written")
            laid_out[member.name] = target
    missing = wanted.keys() - laid_out.keys()
    if missing or DATABASE not in laid_out:
        raise _damaged(path, f"it lacks {', '.join(sorted(missing)) or DATABASE}")
    return laid_out


def check_database(path: Path) -> str:
    """Have SQLite look at every page; returns the schema's revision.

    Raises:
        InterlockError: the file is damaged, or no database of Interlock.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise _damaged(path, "; ".join(found))
            (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise _damaged(path, str(error)) from error
    return str(schema)


def _copy_database(source: Path, target: Path, progress: Progress) -> None:
    if not source.is_file():
        raise not_found("database", str(source))

    def told(_status: int, remaining: int, total: int) -> None:
        progress("copying", _FULL - _FULL * remaining // max(total, 1))

    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as to,
    ):
        # One transaction over all steps: else every commit of the server would have the copy begin again.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(to, pages=_PAGES, progress=told)
        to.execute("PRAGMA journal_mode=DELETE")


def _further(settings: Settings, *, with_master_key: bool) -> dict[str, Path]:
    scripts = settings.data_dir / SCRIPTS
    found = {f"{SCRIPTS}/{path.name}": path for path in sorted(scripts.glob("*")) if path.is_file()}
    key = settings.data_dir / MASTER_KEY
    if with_master_key:
        if settings.master_key is not None or not key.is_file():
            raise conflict(
                "The master key comes from the environment, so that there is no file to put into the backup.",
                hint="Keep INTERLOCK_MASTER_KEY where you keep the environment.",
            )
        found[MASTER_KEY] = key
    return {name: path for name, path in found.items() if _is_ours(name)}


def _fingerprint(settings: Settings) -> str:
    key = None if settings.master_key is None else settings.master_key.get_secret_value()
    return load_secrets(settings.data_dir, key).fingerprint


def _pack(target: Path, manifest: dict[str, Any], files: dict[str, Path], progress: Progress) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    total, done = max(sum(path.stat().st_size for path in files.values()), 1), 0
    with (
        os.fdopen(descriptor, "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as tar,
    ):
        words = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        _add(tar, MANIFEST, len(words), BytesIO(words))
        for name, path in files.items():
            progress("packing", _FULL * done // total)
            with path.open("rb") as file:
                _add(tar, name, path.stat().st_size, file)
            done += path.stat().st_size


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    facts = tarfile.TarInfo(name)
    facts.size, facts.mode = size, 0o600
    tar.addfile(facts, content)


Members = Iterator[tuple[tarfile.TarInfo, IO[bytes]]]


@contextmanager
def _members(path: Path) -> Iterator[Members]:
    """The plain files of an archive, in order."""

    def each(tar: tarfile.TarFile) -> Members:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise _damaged(path, f"'{member.name[:80]}' is no plain file")
            yield member, content

    try:
        with tarfile.open(path, "r|gz") as tar:
            yield each(tar)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise _damaged(path, str(error)) from error


def _manifest(path: Path, members: Members) -> dict[str, Any]:
    member, content = next(members, (None, None))
    if member is None or content is None or member.name != MANIFEST:
        raise _foreign(path)
    try:
        found = orjson.loads(content.read(_CHUNK))
    except orjson.JSONDecodeError as error:
        raise _foreign(path) from error
    if not isinstance(found, dict) or found.get("product") != "interlock" or not isinstance(found.get("files"), dict):
        raise _foreign(path)
    if found.get("format") != FORMAT:
        raise conflict(
            f"{path.name} was written by a version of Interlock that writes backups otherwise.",
            code="backup_too_new",
            hint=f"Restore it with version {found.get('version')}.",
        )
    return found


def _is_ours(name: str) -> bool:
    """No path leads out of the folder."""
    return name in {DATABASE, MASTER_KEY} or re.fullmatch(rf"{SCRIPTS}/[A-Za-z0-9_-][A-Za-z0-9._-]*", name) is not None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _foreign(path: Path) -> InterlockError:
    return InterlockError(
        Kind.INVALID, f"{path.name} is no backup of Interlock.", code="backup_foreign", data={"file": str(path)}
    )


def _damaged(path: Path, why: str) -> InterlockError:
    return InterlockError(
        Kind.CONFLICT,
        f"{path.name} does not hold together: {why}.",
        code="backup_damaged",
        hint="Take another backup; keep this one for inspection.",
    )
