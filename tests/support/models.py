"""One embedding model for every test: converted once in a checkout, and loaded once by each process that runs tests."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interlock.domains.llm.embedded import embedder
from interlock.domains.llm.embedded.lazy import open_onnx_session

if TYPE_CHECKING:
    from interlock.domains.llm.embedded.onnx_session import OnnxSession

_FOLDER = "models"


class SharedModel:
    """The converted model.

    Args:
        home: a folder that all processes know, and that stays; the file's name carries version and checksum.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._session: OnnxSession | None = None

    def open(self, models_dir: Path, threads: int) -> OnnxSession:
        """In place of the embedder's own way: a data directory without a model of its own gets the shared one."""
        if models_dir.exists() or threads != 1:
            return open_onnx_session(models_dir, threads)
        if self._session is None:
            self._home.mkdir(parents=True, exist_ok=True)
            with (self._home / "models.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._session = open_onnx_session(self._home / _FOLDER, 1)
        return self._session

    def lend(self, data_dir: Path) -> None:
        """Give a data directory a copy of the converted file."""
        self.open(data_dir / _FOLDER, 1)
        if not (data_dir / _FOLDER).exists():
            shutil.copytree(self._home / _FOLDER, data_dir / _FOLDER)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Have every embedder of this process share it until the patch is undone."""
        patch.setattr(embedder, "open_onnx_session", self.open)
