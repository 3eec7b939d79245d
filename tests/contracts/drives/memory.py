"""Memory as a client uses it."""

from tests.contracts.drives import Recorder


async def drive(recorder: Recorder) -> None:
    """Remember, list, search, forget."""
    call = recorder.call
    fact = {"content": "Acme renewed its agreement until March 2027.", "type": "business", "tags": ["acme", "contract"]}
    made = await call("POST /api/v1/memory", fact)
    await call("GET /api/v1/memory")
    found = await call("POST /api/v1/memory/search", {"query": "agreement of Acme", "top_k": 3})
    assert [result["id"] for result in found["results"]] == [made["id"]]
    await call("DELETE /api/v1/memory/{id}", id=made["id"])
