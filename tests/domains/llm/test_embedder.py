"""The embedding model: its vectors, its agreement with the float weights, its file on disk, its batching."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from interlock.domains.llm.embedded import convert, lazy, weights
from interlock.domains.llm.embedded.embedder import DIMENSIONS, EmbeddedEmbedder
from interlock.domains.llm.embedded.onnx_session import OnnxSession
from interlock.kit.errors import InterlockError, Kind

pytestmark = pytest.mark.slow_model

SENTENCES = [
    "The cat sits on the mat.",
    "A feline rests on a rug.",
    "How do I reset my password?",
    "I forgot my login credentials.",
    "Quarterly revenue rose by ten percent.",
    "Bonjour le monde, comment allez-vous ?",
    "The invoice of ACME Corp. is overdue since March; please remind the customer politely. " * 8,
]
RELATED, UNRELATED = [(0, 1), (2, 3)], [(0, 2), (1, 4), (3, 4)]


@pytest.fixture
async def embedder(embedding_data_dir: Path) -> AsyncIterator[EmbeddedEmbedder]:
    embedder = EmbeddedEmbedder(embedding_data_dir)
    yield embedder
    await embedder.aclose()


def erf(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    # Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
    t = 1 / (1 + 0.3275911 * np.abs(values).astype(np.float64))
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return np.asarray(np.sign(values) * (1 - series * np.exp(-(values.astype(np.float64) ** 2))))


def reference_vector(weights: dict[str, npt.NDArray[np.float32]], ids: list[int]) -> npt.NDArray[np.float32]:
    """BERT written a second time in plain numpy, straight from the paper, to check the ONNX graph against."""

    def linear(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    tables = [weights[f"embeddings.{table}_embeddings.weight"] for table in ("word", "position", "token_type")]
    x = norm(tables[0][ids] + tables[1][: len(ids)] + tables[2][0], "embeddings.LayerNorm")
    for index in range(6):
        layer = f"encoder.layer.{index}"
        q, k, v = (
            linear(x, f"{layer}.attention.self.{name}").reshape(len(ids), 12, 32).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(32))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), 384)
        x = norm(linear(mixed, f"{layer}.attention.output.dense") + x, f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = norm(linear(inner, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def token_ids(session: OnnxSession, texts: Sequence[str]) -> list[list[int]]:
    return [session._tokenizer.encode(text).ids for text in texts]


async def test_vectors_have_unit_length(embedder: EmbeddedEmbedder) -> None:
    vectors = embedder.embed(SENTENCES)
    assert vectors.shape == (len(SENTENCES), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed([]).shape == (0, DIMENSIONS)
    assert np.allclose(np.linalg.norm(embedder.embed([""])), 1, atol=1e-5)


async def test_a_text_embeds_the_same_whatever_its_neighbours(embedding_data_dir: Path) -> None:
    one, two = EmbeddedEmbedder(embedding_data_dir), EmbeddedEmbedder(embedding_data_dir, threads=2)
    together = two.embed(SENTENCES)
    assert all(np.array_equal(together[row], one.embed([text])[0]) for row, text in enumerate(SENTENCES))
    await one.aclose()
    await two.aclose()


async def test_related_sentences_are_nearer_than_unrelated_ones(embedder: EmbeddedEmbedder) -> None:
    vectors = embedder.embed(SENTENCES)
    nearest_stranger = max(vectors[a] @ vectors[b] for a, b in UNRELATED)
    assert all(vectors[a] @ vectors[b] > nearest_stranger + 0.2 for a, b in RELATED)


async def test_the_quantised_model_agrees_with_the_float_weights(embedding_data_dir: Path) -> None:
    session = lazy.open_onnx_session(embedding_data_dir / "models", 1)
    floats = convert.load_weights()
    expected = np.stack([reference_vector(floats, ids) for ids in token_ids(session, SENTENCES)])
    cosines = (session.embed(SENTENCES) * expected).sum(1)
    assert cosines.min() >= 0.98


async def test_the_float_graph_is_the_paper(tmp_path: Path, embedding_data_dir: Path) -> None:
    floats = convert.load_weights()
    file = tmp_path / "float.onnx"
    file.write_bytes(convert.build_float_model(floats).SerializeToString())
    session = OnnxSession(file, 1)
    for ids, vector in zip(token_ids(session, SENTENCES), session.embed(SENTENCES), strict=True):
        assert np.allclose(vector, reference_vector(floats, ids), atol=2e-5)


async def test_only_the_first_256_tokens_count(embedder: EmbeddedEmbedder) -> None:
    long = "word " * 400
    assert embedder.count_tokens([long]) == 256
    assert np.allclose(embedder.embed([long]), embedder.embed([long + "elephant"]), atol=1e-6)
    assert embedder.count_tokens(["Hello world", "Hello"]) == 4 + 3


async def test_callers_who_wait_together_share_a_trip_to_the_worker(
    embedder: EmbeddedEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    inner = EmbeddedEmbedder.embed

    def counted(self: EmbeddedEmbedder, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        trips.append(len(texts))
        return inner(self, texts)

    monkeypatch.setattr(EmbeddedEmbedder, "embed", counted)
    texts = [f"sentence number {number}" for number in range(40)]
    answers = await asyncio.gather(*(embedder.aembed([text]) for text in texts))
    assert trips == [40]
    assert np.array_equal(np.concatenate(answers), inner(embedder, texts))


async def test_a_caller_who_gives_up_does_not_disturb_the_others(embedder: EmbeddedEmbedder) -> None:
    impatient = asyncio.create_task(embedder.aembed(["never read"]))
    patient = asyncio.create_task(embedder.aembed(["read"]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).shape == (1, DIMENSIONS)
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_one_callers_bad_text_is_reported_and_the_embedder_lives_on(embedder: EmbeddedEmbedder) -> None:
    with pytest.raises(TypeError):
        await embedder.aembed([3])  # type: ignore[list-item]
    with pytest.raises(InterlockError, match="list of strings"):
        await embedder.aembed("one string")
    assert (await embedder.aembed(["fine"])).shape == (1, DIMENSIONS)


async def test_a_closed_embedder_refuses_work_and_leaves_no_thread(embedding_data_dir: Path) -> None:
    embedder = EmbeddedEmbedder(embedding_data_dir)
    await embedder.aembed(["hello"])
    await embedder.aclose()
    assert not [thread for thread in embedder._worker._threads if thread.is_alive()]
    with pytest.raises(InterlockError) as caught:
        await embedder.aembed(["hello"])
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_damaged_file_is_rebuilt(embedding_data_dir: Path, tmp_path: Path) -> None:
    (good,) = (embedding_data_dir / "models").glob("*.onnx")
    damaged = tmp_path / "models" / good.name
    damaged.parent.mkdir()
    damaged.write_bytes(good.read_bytes()[:-1000] + bytes(1000))
    rebuilt = convert.ensure_model(damaged.parent)
    assert rebuilt.read_bytes() == good.read_bytes()
    assert [entry.name for entry in damaged.parent.iterdir()] == [rebuilt.name]


async def test_a_good_file_is_used_as_it_is(embedding_data_dir: Path) -> None:
    (good,) = (embedding_data_dir / "models").glob("*.onnx")
    written = good.stat().st_mtime_ns
    assert convert.ensure_model(good.parent) == good
    assert good.stat().st_mtime_ns == written


def test_two_processes_that_start_at_once_both_get_a_whole_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(convert.ensure_model, [tmp_path, tmp_path])
    assert first == second == convert.ensure_model(tmp_path)
    assert list(tmp_path.iterdir()) == [first]


async def test_leftovers_of_a_killed_conversion_are_removed(embedding_data_dir: Path) -> None:
    models = embedding_data_dir / "models"
    old, young = models / ".convert-old", models / ".convert-young"
    for scratch in (old, young):
        scratch.mkdir()
        (scratch / "int8.onnx").write_bytes(b"half")
    yesterday = time.time() - 86400
    os.utime(old, (yesterday, yesterday))
    convert.ensure_model(models)
    assert not old.exists()
    assert young.exists()
    (young / "int8.onnx").unlink()
    young.rmdir()


async def test_missing_weights_name_the_package_to_install() -> None:
    with pytest.raises(InterlockError) as caught:
        weights.package_file("no_such_weights", "model.bin", "no-such-weights")
    assert caught.value.code == "embedded_model_missing"
    assert "no-such-weights" in (caught.value.hint or "")


def test_importing_the_room_loads_no_heavy_library() -> None:
    program = (
        "import sys; import interlock.domains.llm.embedded.embedder, interlock.domains.llm.embedded.chat;"
        "heavy = ('numpy', 'onnx', 'onnxruntime', 'tokenizers', 'xllamacpp', 'pydantic_ai');"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_zero_threads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InterlockError, match="threads must be at least 1"):
        EmbeddedEmbedder(tmp_path, threads=0)
