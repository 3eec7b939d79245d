"""Memory in the dashboard: search with reasons, change, pin, archive, forget, and the history of recalls."""

import pytest

from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder
from interlock.domains.memory import accesses
from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server


@pytest.fixture(autouse=True)
def _words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: object) -> None:
        return None

    async def never(*_: object) -> None:
        raise RuntimeError("no model in this test")

    monkeypatch.setattr("interlock.domains.llm.service.vector_of", none)
    monkeypatch.setattr(EmbeddedEmbedder, "aembed", never)


FIELDS = {
    "content": "Acme renews in March.",
    "type": "business",
    "tags": "sales, acme",
    "importance": "7",
    "confidence": "700",
}


async def test_a_memory_is_added_found_with_reasons_changed_and_forgotten(owner: Person) -> None:
    assert "Nothing is remembered yet" in (await owner.get("/memory")).text
    made = await owner.post("/memory/new", {**FIELDS, "owner_kind": "workspace", "owner_id": ""})
    assert made.status_code == 303
    where = made.headers["location"]
    found = (await owner.get("/memory?q=when+does+acme+renew&type=business")).text
    assert "1 found" in found
    assert "Words: place 1" in found
    assert "Not found by meaning" in found
    await accesses.write(owner.server.runtime)
    history = (await owner.get(where)).text
    assert "when does acme renew" in history
    assert "Found by a search" in history
    changed = await owner.post(
        where, {**FIELDS, "title": "Renewal", "pinned": "true", "expires_at": "2030-01-02T03:04"}
    )
    assert changed.status_code == 303
    page = (await owner.get(where)).text
    assert 'value="2030-01-02T03:04"' in page
    assert "<h1>Renewal</h1>" in page
    assert "Renewal" in (await owner.get("/memory?pinned=true&tag=acme")).text
    await owner.post(f"{where}/mark", {"archived": "true"})
    assert "0 found" in (await owner.get("/memory?q=acme")).text
    assert "Renewal" in (await owner.get("/memory?archived=true")).text
    assert (await owner.post(f"{where}/forget")).headers["location"] == "/memory"
    assert (await owner.get(where)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"content": " "}, "content"),
        ({"importance": "11"}, "less than or equal to 10"),
        ({"owner_kind": "agent"}, "is needed"),
        ({"expires_at": "soon"}, "Choose a day and a time."),
    ],
)
async def test_a_bad_form_comes_back_with_what_was_typed(owner: Person, fields: dict[str, str], words: str) -> None:
    answer = await owner.post("/memory/new", {**FIELDS, "owner_kind": "workspace", **fields})
    assert answer.status_code == 422
    assert words in answer.text
    assert "sales, acme" in answer.text


async def test_nobody_sees_or_changes_what_another_workspace_remembers(server: Server, owner: Person) -> None:
    where = (await owner.post("/memory/new", {**FIELDS, "owner_kind": "workspace"})).headers["location"]
    stranger = await signed_in(server, email="stranger@example.com", key=(await server.another_workspace()))
    assert (await stranger.get(where)).status_code == 404
    assert (await stranger.post(f"{where}/forget")).status_code == 404
    assert "Acme renews in March" not in (await stranger.get("/memory")).text
    assert (await owner.post(f"{where}/forget", csrf="wrong")).status_code == 403
