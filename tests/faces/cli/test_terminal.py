"""The demo with a person at the terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.faces.cli.output import ExitCode
from tests.support.process import ROOT

PATIENCE = 180
ASKED = b"dit the amount"
pytestmark = [pytest.mark.journey, pytest.mark.slow_model]


class Terminal:
    """A terminal in which the demo runs."""

    def __init__(self, data_dir: Path) -> None:
        self.screen, far = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "interlock", "demo", "--data-dir", str(data_dir)],
            env={**kept, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "160", "TERM": "xterm"},
            stdin=far, stdout=far, stderr=far, start_new_session=True,
        )  # fmt: skip
        os.close(far)
        self.seen = b""
        self._met = 0

    def wait_for(self, text: bytes) -> None:
        """Read until something new on the screen holds this text."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.seen.find(text, self._met)) < 0:
            assert self._read(deadline), self.seen.decode(errors="replace")[-3000:]
        self._met = found + len(text)

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.screen, text.encode() + b"\n")

    def finish(self) -> int:
        """Read until the end; the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(timeout=PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.screen], [], [], max(deadline - time.monotonic(), 0))
        try:
            fresh = os.read(self.screen, 65536) if ready else b""
        except OSError:  # the other side is closed
            fresh = b""
        self.seen += fresh
        return bool(fresh)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "demo")
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.screen)


def test_a_person_edits_the_amount_and_that_is_what_is_refunded(terminal: Terminal) -> None:
    terminal.wait_for(ASKED)
    terminal.type("e")
    terminal.wait_for(b"at most $64.90")
    terminal.type("999")
    terminal.wait_for(b"Give an amount")
    terminal.type("20.50")
    assert terminal.finish() == ExitCode.OK
    assert b"$20.50 on ch_3QNw7x2eZvKYlo2C1kTz8uPq" in terminal.seen
    assert b"All 12 held." in terminal.seen


def test_a_person_refuses_and_no_money_moves(terminal: Terminal) -> None:
    terminal.wait_for(ASKED)
    terminal.type("r")
    assert terminal.finish() == ExitCode.OK
    assert b"0 refunds" in terminal.seen
    assert b"All 10 held." in terminal.seen


def test_ctrl_c_at_the_question_ends_without_a_traceback(terminal: Terminal) -> None:
    terminal.wait_for(ASKED)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.finish() == ExitCode.INTERRUPTED
    assert b"Traceback" not in terminal.seen
