"""Runs the converted MiniLM-L6 file: tokenise, infer. Heavy imports: load it through `lazy.py` only."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from interlock.domains.llm.embedded.convert import DISTRIBUTION, PACKAGE, WIDTH
from interlock.domains.llm.embedded.weights import package_file

# The model was trained on sentences of at most 256 tokens; what lies beyond does not reach the vector.
MAX_TOKENS = 256
_ERRORS_ONLY = 3


class OnnxSession:
    """A loaded model and its tokenizer; safe to call from several threads."""

    def __init__(self, model_file: Path, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        self._session = ort.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
        # The packaged tokenizer pads every text to 128 tokens and cuts there; the model takes 256 and needs no padding.
        self._tokenizer = Tokenizer.from_file(str(package_file(PACKAGE, "model/tokenizer.json", DISTRIBUTION)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embed") if threads > 1 else None

    def close(self) -> None:
        """End the threads; the session cannot be used afterwards."""
        if self._pool is not None:
            self._pool.shutdown()

    def count_tokens(self, texts: Sequence[str]) -> int:
        """How many tokens of `texts` the model reads."""
        return sum(len(self._tokenizer.encode(text)) for text in texts)

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One unit-length row per text, in order.

        Texts never share an inference: dynamic quantisation scales by the largest activation in it, so a batch would
        let one caller's text move another's vector (cosine down to .98), and the same text would not embed the same.
        """
        vectors = np.empty((len(texts), WIDTH), np.float32)
        for row, vector in enumerate((self._pool.map if self._pool else map)(self._infer, texts)):
            vectors[row] = vector
        return vectors

    def _infer(self, text: str) -> npt.NDArray[np.float32]:
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], np.int64)
        (vectors,) = self._session.run(["embedding"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        return np.asarray(vectors[0], np.float32)
