"""Runs the chat model in this process through llama.cpp. Heavy import: load it through `lazy.py` only."""

import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
import xllamacpp

# A prompt is read in pieces of this size, and a cancelled request ends at the next piece.
_PROMPT_PIECE = 64
_SILENT = -1
_CLOSE_SECONDS = 10

log = structlog.get_logger(__name__)


class LlamaEngine:
    """A loaded model; `complete` blocks its thread and may be called from as many threads as there are slots."""

    def __init__(self, weights: Path, *, context_tokens: int, slots: int, threads: int) -> None:
        # The library insists on an HTTP listener. It gets a socket in a private folder and a key nobody knows, so that
        # no port of this machine opens.
        self._private = Path(tempfile.mkdtemp(prefix="llama-"))
        params = xllamacpp.CommonParams()
        params.model.path = str(weights)
        params.hostnames = [str(self._private / "s.sock")]
        params.api_keys = [secrets.token_urlsafe(32)]
        params.n_threads_http = 1
        params.ui = False
        params.n_parallel = slots
        params.kv_unified = False
        params.n_ctx = context_tokens * slots
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
        params.n_batch = params.n_ubatch = _PROMPT_PIECE
        # Its own prompt cache may grow to 8 GB by default.
        params.cache_ram_mib = 0
        params.warmup = False
        params.verbosity = _SILENT
        # The model's full template adds a system prompt of its maker's; the plain one only what the caller sent.
        params.use_jinja = False
        self._server: xllamacpp.Server | None = xllamacpp.Server(params)
        # One token makes sure that the library's own loop runs: stopped before that, it misses the word and never ends.
        self.complete({"messages": [{"role": "user", "content": "."}], "max_tokens": 1}, _ignore)

    def complete(self, request: Mapping[str, Any], on_chunk: Callable[[dict[str, Any]], bool]) -> None:
        """Stream the reply into `on_chunk`, which returns True to stop; it must not raise (the library swallows it)."""
        if self._server is None:
            raise RuntimeError("the engine is closed")
        self._server.handle_chat_completions(dict(request), on_chunk)

    def close(self) -> None:
        """Free the model and its threads; no `complete` may be running.

        The library waits for its threads without a limit, so it does that in a thread that cannot hold up an exit.
        """
        server, self._server = self._server, None
        holder = [server]
        del server
        freeing = threading.Thread(target=holder.clear, name="free the chat model", daemon=True)
        freeing.start()
        freeing.join(_CLOSE_SECONDS)
        if freeing.is_alive():
            log.warning("the embedded chat model did not end in time; it ends with the process")
        shutil.rmtree(self._private, ignore_errors=True)


def _ignore(_chunk: dict[str, Any]) -> bool:
    return False
