"""The one place that imports the heavy native libraries, by name and on first use.

Importing `interlock.domains.llm.embedded` must stay cheap at server start: onnxruntime, onnx, tokenizers and llama.cpp
cost seconds and hundreds of megabytes, and a server that only talks to remote models never needs them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, cast

from interlock.kit.errors import InterlockError, Kind

if TYPE_CHECKING:
    from interlock.domains.llm.embedded.llama import LlamaEngine
    from interlock.domains.llm.embedded.onnx_session import OnnxSession

_ROOM = "interlock.domains.llm.embedded"


def open_onnx_session(models_dir: Path, threads: int) -> OnnxSession:
    """Convert the weights if that has not happened yet, then load the embedding model; takes seconds the first time."""
    model_file = importlib.import_module(f"{_ROOM}.convert").ensure_model(models_dir)
    session = importlib.import_module(f"{_ROOM}.onnx_session").OnnxSession(model_file, threads)
    return cast("OnnxSession", session)


def open_llama_engine(weights: Path, *, context_tokens: int, slots: int, threads: int) -> LlamaEngine:
    """Load the chat model; takes about a second.

    Raises:
        InterlockError: UNAVAILABLE when there is no weights file.
    """
    if not weights.is_file():
        raise InterlockError(
            Kind.UNAVAILABLE,
            f"The embedded chat model's weights file {weights.name} does not exist.",
            code="embedded_model_missing",
            data={"field": "weights"},
            hint="Correct the path, or leave it out to use the packaged weights.",
        )
    module = importlib.import_module(f"{_ROOM}.llama")
    engine = module.LlamaEngine(weights, context_tokens=context_tokens, slots=slots, threads=threads)
    return cast("LlamaEngine", engine)
