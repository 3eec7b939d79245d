"""Workflows as YAML and JSON: what is exported is imported as it was, and what cannot be is said by line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.domains.workflows.exchange.document import Source, written
from interlock.domains.workflows.exchange.states import Format
from interlock.domains.workflows.exchange.views import Definition
from interlock.domains.workflows.states import OnError
from interlock.domains.workflows.templates.catalogue import catalogue
from interlock.domains.workflows.views import Edge, Node, Place, WorkflowBudget
from tests.domains.workflows.support import chain, create, node
from tests.support.app import Server

N8N = Path(__file__).parent / "n8n_files" / "lead_intake.json"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,10}", fullmatch=True)
places = st.builds(Place, x=st.floats(-1e6, 1e6), y=st.integers(-900, 900).map(float))
nodes = st.builds(
    Node,
    id=keys,
    kind=texts.filter(bool),
    name=texts,
    config=st.dictionaries(texts, json_values, max_size=3),
    on_error=st.sampled_from(OnError),
    retries=st.integers(0, 10),
    position=st.none() | places,
)
branches = st.none() | texts.filter(bool) | st.sampled_from(["true", "false", "no", "1"])
definitions = st.builds(
    Definition,
    name=texts.filter(lambda text: bool(text.strip())),
    description=texts,
    budget=st.builds(WorkflowBudget, per_run_cap=st.none() | st.decimals(0, 99, places=4)),
    nodes=st.lists(nodes, max_size=3).map(tuple),
    edges=st.lists(st.builds(Edge, source=keys, target=keys, branch=branches), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(definitions, st.sampled_from(Format))
def test_a_definition_is_read_as_it_was_written(definition: Definition, form: Format) -> None:
    assert Source(written(definition, form)).definition() == (definition, ())


@pytest.mark.parametrize("form", Format)
def test_every_template_survives(form: Format) -> None:
    for template in catalogue().values():
        whole = Definition(name=template.name, nodes=template.nodes, edges=template.edges, budget=template.budget)
        assert Source(written(whole, form)).definition()[0] == whole


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_export_and_import_make_the_same_workflow(server: Server, form: str) -> None:
    made = await create(
        server,
        [
            {**node("start", "trigger"), "position": {"x": 40, "y": 80.5}},
            node("check", "condition", when="input.ok"),
            node("end", "output"),
        ],
        [*chain("start", "check"), {"source": "check", "target": "end", "branch": "true"}],
        description="Line one\nLine two",
        budget={"per_run_cap": 0.25},
    )
    exported = (await server.get(f"/api/v1/workflows/{made['id']}/document", format=form)).json()
    assert (exported["version"], exported["format"]) == (1, form)
    reply = (await server.post("/api/v1/workflows/import", {"text": exported["text"], "name": "copy"})).json()
    before = (await server.get(f"/api/v1/workflows/{made['id']}")).json()
    after = (await server.get(f"/api/v1/workflows/{reply['id']}")).json()
    same = ("description", "nodes", "edges", "budget")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["name"] == "copy"
    assert after["nodes"][0]["position"] == {"x": 40.0, "y": 80.5}


RENAMED = """name: renamed
nodes:
  - {id: a, kind: trigger}
  - {id: b, kind: condition, config: {when: "true"}}
  - {id: c, kind: output}
edges:
  - {source: a, target: b}
  - {source: b, target: c, branch: true}
"""


async def test_a_text_takes_the_place_of_a_workflow(server: Server) -> None:
    made = await create(server, [node("start", "trigger")], [])
    path = f"/api/v1/workflows/{made['id']}/document"
    reply = await server.http.put(
        path, json={"text": RENAMED, "expected_version": 1}, headers={"x-api-key": server.key}
    )
    assert reply.json()["version"] == 2, reply.text
    assert (await server.get(f"/api/v1/workflows/{made['id']}")).json()["edges"][1]["branch"] == "true"
    late = await server.http.put(path, json={"text": RENAMED, "expected_version": 1}, headers={"x-api-key": server.key})
    assert late.status_code == 409
    assert late.json()["error"]["code"] == "version_conflict"
    assert late.json()["error"]["details"]["current_version"] == 2


YAML = """name: x
nodes:
  - id: start
    kind: trigger
  - id: check
    kind: condition
    config:
      when: "1 +"
edges:
  - {source: start, target: nowhere}
"""


@pytest.mark.parametrize(
    ("text", "words", "facts"),
    [
        (YAML, "Line 8: 'config.when'", {"field": "nodes[check].config.when"}),
        (YAML.replace('"1 +"', '"true"'), "Line 10: There is no node 'nowhere'", {"field": "edges[0]"}),
        (YAML.replace("kind: trigger", "kind: 5"), "Line 4: 'kind'", {"field": "nodes[start].kind"}),
        (YAML.replace("name: x", "name: x\ncolour: red"), "Line 2: 'colour'", {"field": "colour"}),
    ],
)
async def test_what_is_wrong_is_said_by_line_node_and_field(
    server: Server, text: str, words: str, facts: dict[str, Any]
) -> None:
    made = await create(server, [node("start", "trigger")], [])
    path = f"/api/v1/workflows/{made['id']}/document"
    reply = await server.http.put(path, json={"text": text}, headers={"x-api-key": server.key})
    assert reply.status_code == 422
    assert words in reply.json()["detail"]
    assert facts.items() <= reply.json()["error"]["details"].items()
    imported = (await server.post("/api/v1/workflows/import", {"text": text})).json()
    assert imported["id"] is None
    assert any(words in problem["message"] for problem in imported["problems"])


@pytest.mark.parametrize(
    ("text", "line"),
    [("name: x\nnodes: [a\nedges: []\nx: y: z", 3), ('{"name": "x",\n "nodes": [}', 2), ("a: &b 1\nc: *b", 1)],
)
async def test_what_is_no_document_names_the_line(server: Server, text: str, line: int) -> None:
    reply = await server.post("/api/v1/workflows/import", {"text": text})
    assert reply.status_code == 400
    assert reply.json()["error"]["details"]["line"] == line, reply.text


@pytest.mark.parametrize("text", ["- a", "words", "null", "[1]"])
async def test_a_document_is_a_map(server: Server, text: str) -> None:
    assert (await server.post("/api/v1/workflows/import", {"text": text})).status_code == 400


async def test_nul_is_refused(server: Server) -> None:
    reply = await server.post("/api/v1/workflows/import", {"text": 'name: "a\\0b"\nnodes: []'})
    assert reply.status_code == 400


async def test_an_n8n_file_is_recognised(server: Server) -> None:
    reply = await server.post("/api/v1/workflows/import", {"text": N8N.read_text()})
    assert reply.json()["id"] is not None, reply.text
    assert reply.json()["report"]
    as_yaml = json.loads(N8N.read_text())
    assert {row["name"] for row in reply.json()["report"]} == {found["name"] for found in as_yaml["nodes"]}
