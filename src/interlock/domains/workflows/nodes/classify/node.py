"""A label by meaning: zero-shot, by embeddings."""

from functools import partial

import numpy as np

from interlock.domains.llm import service as llm
from interlock.domains.runs.service.progress import StepRecord
from interlock.domains.runs.states import StepKind, StepStatus
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.classify.manifest import Config, Label
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json
from interlock.runtime.invoke import invoke

_LONGEST = 8_000


async def run(work: Work, config: Config) -> Outcome:
    """Compare the text with every label and take the nearest."""
    text = work.text(config.text)[:_LONGEST].strip() or "(empty)"
    scores: dict[str, float] = await work.effect(partial(_scores, text, config.labels), "embed")
    best = max(scores, key=lambda name: scores[name])
    label = best if scores[best] >= config.at_least else "other"
    record = StepRecord(
        kind=StepKind.NODE,
        node_id=work.key,
        name=work.node.name or work.node.kind,
        status=StepStatus.COMPLETED,
        detail={"label": label},
    )
    return Outcome({"label": label, "score": scores[best], "scores": scores, "text": text}, label, record)


async def _scores(text: str, labels: tuple[Label, ...], ctx: Ctx) -> Json:
    """Cosine similarity with the nearest of each label's own texts."""
    texts = [text]
    owners: list[str] = []
    for label in labels:
        for own in (f"{label.name}: {label.description}" if label.description else label.name, *label.examples):
            texts.append(own)
            owners.append(label.name)
    found = await invoke(ctx, llm.embed, llm.EmbedTexts(texts=tuple(texts)))
    matrix = np.asarray(found.vectors, dtype=np.float32)
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    near = matrix[1:] @ matrix[0]
    scores: dict[str, float] = {}
    for owner, score in zip(owners, near, strict=True):
        scores[owner] = round(max(scores.get(owner, -1.0), float(score)), 4)
    return scores
