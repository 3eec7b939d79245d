"""One server per data directory, and clear words about a directory that cannot be used."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.data_dir import LOCK_FILE, SERVER_FILE, held, prepare
from interlock.runtime.settings import Settings

HOLDER = """
import sys
from pathlib import Path
from interlock.runtime.data_dir import held
from interlock.runtime.settings import Settings
with held(Settings(data_dir=Path(sys.argv[1]), port=8711)):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(directory: Path) -> subprocess.Popen[str]:
    """Another process that holds the directory until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str], number: int) -> None:
    """Send a signal and collect the process."""
    holder.send_signal(number)
    holder.communicate(timeout=10)


def test_the_directory_is_made_private(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    with held(Settings(data_dir=directory)) as made:
        assert made.path == directory
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / LOCK_FILE).stat().st_mode) == 0o600
        assert orjson.loads((directory / LOCK_FILE).read_bytes()) == {"pid": os.getpid(), "port": 8700}
    assert sorted(item.name for item in directory.iterdir()) == [SERVER_FILE, LOCK_FILE]


def test_a_second_server_is_refused_by_name_of_the_first(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    try:
        with pytest.raises(InterlockError) as caught, held(Settings(data_dir=tmp_path)):
            pass
        assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "data_dir_in_use")
        assert f"process id {holder.pid} (port 8711)" in caught.value.message
        assert "INTERLOCK_DATABASE_URL" in str(caught.value.hint)
    finally:
        end(holder, signal.SIGTERM)


def test_a_killed_server_leaves_the_directory_free(tmp_path: Path) -> None:
    end(start_holder(tmp_path), signal.SIGKILL)
    assert (tmp_path / LOCK_FILE).read_bytes() != b""
    with held(Settings(data_dir=tmp_path)):
        pass


def test_a_stopped_server_leaves_the_directory_free(tmp_path: Path) -> None:
    for _ in range(2):
        with held(Settings(data_dir=tmp_path)):
            pass
    assert (tmp_path / LOCK_FILE).read_bytes() == b""


def test_servers_on_postgres_share_a_directory(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="postgresql://127.0.0.1/x")
    with held(settings) as first, held(settings) as second:
        assert first.server != second.server
    with held(settings) as again:
        assert again.server == first.server


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (errno.EROFS, "data_dir_unwritable", "read-only"),
        (errno.EACCES, "data_dir_unwritable", "may not be written"),
        (errno.EIO, "data_dir_unwritable", "Input/output error"),
        (errno.ENOSPC, "disk_full", "full"),
        (errno.EDQUOT, "disk_full", "full"),
    ],
)
def test_a_directory_that_takes_no_file_is_refused_in_clear_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, word: str
) -> None:
    def fail(_path: Path, _content: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(InterlockError) as caught:
        prepare(tmp_path)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, code)
    assert word in caught.value.message
    assert str(tmp_path) in caught.value.message


def test_a_nearly_full_disk_is_refused_before_the_database_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(InterlockError) as caught:
        prepare(tmp_path)
    assert caught.value.code == "disk_full"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    for path in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(InterlockError, match="not a directory"):
            prepare(path)
