"""The data directory: made private, and owned by one server at a time where the truth lives in it (SQLite)."""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson
import structlog

from interlock.kit.errors import InterlockError, Kind, conflict
from interlock.runtime.settings import Settings

log = structlog.get_logger(__name__)

LOCK_FILE = "server.lock"
SERVER_FILE = "server-name"
_IN_USE = "data_dir_in_use"
_LEAST_FREE_BYTES = 16_000_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class DataDir:
    """A data directory in use.

    Args:
        server: the name of the server that lives there, the same at every start, so that a restarted server knows what
            its former self left behind; a passing name where another server holds the directory already.
    """

    path: Path
    server: str


@contextmanager
def held(settings: Settings) -> Iterator[DataDir]:
    """Make the data directory ready and keep other servers out until the block ends.

    Where PostgreSQL holds the data, servers may share a directory; the later ones then have passing names.

    Raises:
        InterlockError: another server holds it, or it cannot be written.
    """
    directory = settings.data_dir
    prepare(directory)
    try:
        descriptor = _lock(directory, settings.port)
    except InterlockError as error:
        if not settings.is_postgres or error.code != _IN_USE:
            raise
        yield DataDir(directory, new_server_name())
        return
    try:
        yield DataDir(directory, _server_name(directory))
    finally:
        os.ftruncate(descriptor, 0)
        os.close(descriptor)


def new_server_name() -> str:
    """A name no other server has."""
    return f"server-{uuid4().hex}"


def _server_name(directory: Path) -> str:
    file = directory / SERVER_FILE
    if not file.exists():
        file.write_text(new_server_name())
    return file.read_text().strip()


def prepare(directory: Path) -> None:
    """Make the directory with mode 0700 if it is not there, and make sure that it can be written."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = directory / f".probe-{os.getpid()}"
        probe.write_bytes(bytes(4096))
        probe.unlink()
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise _unusable(directory, error) from error
    if free < _LEAST_FREE_BYTES:
        raise _full(directory)
    if stat.S_IMODE(directory.stat().st_mode) & 0o077:
        log.warning("the data directory can be read by others; consider `chmod 700`", data_dir=str(directory))


def _lock(directory: Path, port: int) -> int:
    """Take the lock and write who holds it. The kernel gives it back when the process ends, however it ends."""
    path = directory / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(directory, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps({"pid": os.getpid(), "port": port}), 0)
    except BlockingIOError:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise conflict(
            f"The data directory {directory} is in use by {holder}.",
            code=_IN_USE,
            hint="Stop that server, or give this one another INTERLOCK_DATA_DIR. "
            "Several servers on the same data need PostgreSQL (INTERLOCK_DATABASE_URL).",
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise _unusable(directory, error) from error
    return descriptor


def _holder(descriptor: int) -> str:
    """Who wrote the lock file; the holder may be between taking the lock and writing."""
    try:
        facts = orjson.loads(os.pread(descriptor, 200, 0))
        return f"the server with process id {int(facts['pid'])} (port {int(facts['port'])})"
    except (ValueError, TypeError, KeyError):
        return "a server that is just starting"


def _full(directory: Path) -> InterlockError:
    return InterlockError(
        Kind.UNAVAILABLE,
        f"The disk that holds the data directory {directory} is full.",
        code="disk_full",
        hint=f"Free at least {_LEAST_FREE_BYTES // 1_000_000} MB, or point INTERLOCK_DATA_DIR at another disk.",
    )


def _unusable(directory: Path, error: OSError) -> InterlockError:
    if error.errno in _FULL:
        return _full(directory)
    if error.errno == errno.EROFS:
        reason = "is on a disk that is mounted read-only"
    elif error.errno in {errno.EACCES, errno.EPERM}:
        reason = "may not be written by this user"
    elif error.errno in {errno.EEXIST, errno.ENOTDIR}:
        reason = "is not a directory"
    else:
        reason = f"cannot be written ({error.strerror})"
    return InterlockError(
        Kind.UNAVAILABLE,
        f"The data directory {directory} {reason}.",
        code="data_dir_unwritable",
        hint="Point INTERLOCK_DATA_DIR at a directory that this user owns.",
    )
