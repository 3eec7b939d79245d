"""The pytest plug-in of the suite: network guard and one embedding model for every test, databases for who asks."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import network_guard, postgres, warm
from tests.support.models import SharedModel
from tests.support.shelf import Shelf

HOME = pytest.StashKey[Path]()
WORKER_KEY = "interlock_postgres_home"
IN_WORKER = "workerinput"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Agree on the place of the session's PostgreSQL; the controller chooses, its workers are told."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background, a shell's children ignore Ctrl-C, and so would every server that a test interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    handed_down = getattr(config, IN_WORKER, {}).get(WORKER_KEY)
    config.stash[HOME] = Path(handed_down or tempfile.mkdtemp(prefix="interlock-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell an xdist worker where the session's PostgreSQL lives."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput[WORKER_KEY] = str(config.stash[HOME])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the session started, once, in the process that pytest was started in."""
    home = config.stash.get(HOME, None)
    if home is not None and not hasattr(config, IN_WORKER):
        postgres.stop_server(home)


@pytest.fixture(scope="session", autouse=True)
def _no_way_out() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        network_guard.install(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _warm() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        warm.install(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_model(pytestconfig: pytest.Config) -> Iterator[SharedModel]:
    """The embedding model of every server in this process."""
    shared = SharedModel(pytestconfig.rootpath / ".pytest_cache" / "interlock")
    with pytest.MonkeyPatch.context() as patch:
        shared.install(patch)
        yield shared


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> postgres.PostgresServer:
    """The session's PostgreSQL server, shared by all workers."""
    return postgres.ensure_server(pytestconfig.stash[HOME])


@pytest.fixture(scope="session")
def postgres_template() -> str | None:
    """Override to name a template (see `PostgresServer.ensure_template`) that test databases are copied from."""
    return None


@pytest.fixture(scope="session")
def postgres_shelf(postgres_server: postgres.PostgresServer) -> Iterator[Shelf]:
    """Databases that this worker uses again."""
    shelf = Shelf(postgres_server)
    yield shelf
    shelf.clear()


@pytest.fixture(scope="session")
def postgres_is_new() -> bool:
    """Override with True where what a test leaves behind may still be at work on its database."""
    return False


@pytest.fixture
def postgres_url(
    postgres_server: postgres.PostgresServer,
    postgres_template: str | None,
    postgres_shelf: Shelf,
    postgres_is_new: bool,
) -> Iterator[str]:
    """A PostgreSQL database of the test's own."""
    if postgres_template is None or postgres_is_new:
        name = postgres_server.create_database(postgres_template)
        yield postgres_server.url(name)
        postgres_server.drop_database(name)
        return
    lent = postgres_shelf.lend(postgres_template)
    yield postgres_server.url(lent.name)
    postgres_shelf.take_back(lent)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What goes into `Settings.database_url`: a test that asks for it runs on SQLite (None) and on PostgreSQL."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url
