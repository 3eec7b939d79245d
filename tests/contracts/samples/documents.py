"""Samples of the documents domain."""

from tests.contracts.world import Build, Sample, World, nothing, reference, unique


async def _upload(_world: World) -> Sample:
    text = f"# Opening hours\n\nThe {unique('shop')} is open from nine to five."
    return Sample({"content": text, "title": "Hours", "mime_type": "text/markdown", "is_text": True})


async def _failed(world: World) -> Sample:
    """A document whose reading has failed."""
    made = await world.call("documents.upload", {"content": b"%PDF-1.4 and no more", "filename": "broken.pdf"})
    await world.settle()
    return Sample({"document_id": made.id})


async def _replace(world: World) -> Sample:
    text = f"# Opening hours\n\nThe {unique('shop')} is closed on Mondays."
    key = await world.made("documents.upload")
    return Sample({"document_id": key, "content": text, "mime_type": "text/markdown", "is_text": True})


async def _search(world: World) -> Sample:
    return Sample({"query": "When is the shop open?", "document_ids": [await world.made("documents.upload")]})


SAMPLES: dict[str, Build] = {
    "documents.content": reference("document_id", "documents.upload"),
    "documents.delete": reference("document_id", "documents.upload"),
    "documents.get": reference("document_id", "documents.upload"),
    "documents.list": nothing,
    "documents.replace": _replace,
    "documents.retry": _failed,
    "documents.search": _search,
    "documents.text": reference("document_id", "documents.upload"),
    "documents.upload": _upload,
}
BY_HAND = {
    "documents.content": ("GET", "/api/v1/knowledge/{document_id}/content"),
    "documents.replace": ("PUT", "/api/v1/knowledge/{document_id}/content"),
    "documents.upload": ("POST", "/api/v1/knowledge"),
}
