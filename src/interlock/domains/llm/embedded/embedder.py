"""The embedding model inside the product: MiniLM-L6, 384 dimensions, int8, on this machine's processor."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.domains.llm.embedded.lazy import open_onnx_session
from interlock.kit.errors import InterlockError, Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from interlock.domains.llm.embedded.onnx_session import OnnxSession

MODEL_NAME = "all-minilm-l6-v2"
DIMENSIONS = 384
# What one trip to the worker thread carries; more callers than that wait for the next trip.
_TEXTS_PER_TRIP = 64


@dataclass(slots=True)
class _Waiting:
    texts: Sequence[str]
    vectors: asyncio.Future[npt.NDArray[np.float32]]


class EmbeddedEmbedder:
    """Turns texts into unit-length vectors without a network.

    The first call loads the model, and converts the packaged weights if this data directory has never seen them.

    Args:
        data_dir: the server's data directory; the converted model lives in its `models` folder.
        threads: how many texts may be worked on at once, one processor core each.
    """

    def __init__(self, data_dir: Path, *, threads: int = 1) -> None:
        if threads < 1:
            raise InterlockError(Kind.INVALID, f"threads must be at least 1, not {threads}.", data={"field": "threads"})
        self._models_dir = data_dir / "models"
        self._threads = threads
        self._session: OnnxSession | None = None
        self._loading = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._waiting: deque[_Waiting] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._closed = False

    def load(self) -> None:
        """Load the model now instead of at first use; blocks for seconds when it must be converted."""
        self._opened()

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed on the calling thread: float32 of shape [len(texts), 384], each row of length 1.

        Only the first 256 tokens of a text count: that is what the model was trained on.
        """
        return self._opened().embed(texts)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """How many tokens the model reads of these texts, for usage records."""
        return self._opened().count_tokens(texts)

    async def aembed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed in the worker thread; callers that wait at the same time share one trip to it."""
        self._refuse_when_closed()
        if isinstance(texts, str):
            raise InterlockError(Kind.INVALID, "texts must be a list of strings.", data={"field": "texts"})
        waiting = _Waiting(texts, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._serve_waiting(), name="embedder")
        return await waiting.vectors

    async def aclose(self) -> None:
        """Refuse new work, answer what waits with an error, and wait for the worker thread to end."""
        self._closed = True
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.vectors.done():
                waiting.vectors.set_exception(_closed_error())
        if self._drain is not None:
            await asyncio.wait([self._drain])
        await asyncio.to_thread(self._worker.shutdown)
        if self._session is not None:
            await asyncio.to_thread(self._session.close)
        self._session = None

    def _opened(self) -> OnnxSession:
        self._refuse_when_closed()
        with self._loading:
            if self._session is None:
                self._session = open_onnx_session(self._models_dir, self._threads)
            return self._session

    async def _serve_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            trip = self._next_trip()
            texts = [text for waiting in trip for text in waiting.texts]
            try:
                vectors = await loop.run_in_executor(self._worker, self.embed, texts)
            except Exception as error:  # noqa: BLE001 - every caller of this trip gets the reason; the task lives on
                for waiting in trip:
                    if not waiting.vectors.done():
                        waiting.vectors.set_exception(error)
                continue
            begin = 0
            for waiting in trip:
                end = begin + len(waiting.texts)
                if not waiting.vectors.done():
                    waiting.vectors.set_result(vectors[begin:end].copy())
                begin = end

    def _next_trip(self) -> list[_Waiting]:
        trip = [self._waiting.popleft()]
        size = len(trip[0].texts)
        while self._waiting and size + len(self._waiting[0].texts) <= _TEXTS_PER_TRIP:
            trip.append(self._waiting.popleft())
            size += len(trip[-1].texts)
        return trip

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise _closed_error()


def _closed_error() -> InterlockError:
    return InterlockError(Kind.UNAVAILABLE, "The embedding model is shut down.", code="embedded_model_closed")
