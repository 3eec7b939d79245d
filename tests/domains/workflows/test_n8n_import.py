"""n8n files: what comes over is held by golden files, what does not is said, and nothing whatever crashes it."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.workflows.graph import check
from interlock.domains.workflows.n8n.converting import Converted, convert
from interlock.domains.workflows.n8n.expressions import Reader
from interlock.domains.workflows.n8n.source import read
from interlock.domains.workflows.n8n.states import ImportOutcome
from interlock.domains.workflows.n8n.words import NoCounterpartError
from interlock.domains.workflows.palette import kinds
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.expressions import Template, parse
from interlock.kit.ids import WorkflowId
from tests.support.app import Server

FILES = Path(__file__).parent / "n8n_files"
SOURCES = sorted(path for path in FILES.glob("*.json") if not path.name.endswith(".golden.json"))


def converted(data: dict[str, Any], **subworkflows: WorkflowId) -> Converted:
    return convert(read(data), kinds(), subworkflows)


def plain(made: Converted) -> dict[str, Any]:
    """A conversion as it is kept in a golden file."""
    return {
        "nodes": {node.id: {"kind": node.kind, "config": node.config} for node in made.nodes},
        "set": {
            node.id: {"on_error": node.on_error.value, "retries": node.retries}
            for node in made.nodes
            if node.retries or node.on_error.value != "fail"
        },
        "edges": [f"{edge.source} -> {edge.target}" + f" ({edge.branch})" * bool(edge.branch) for edge in made.edges],
        "report": [[entry.name, entry.outcome.value, entry.node, *entry.notes] for entry in made.reports],
        "remarks": made.remarks,
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_real_file_becomes_the_graph_that_was_looked_at(path: Path) -> None:
    made = converted(json.loads(path.read_text()))
    assert plain(made) == json.loads(path.with_suffix(".golden.json").read_text())
    assert check(made.nodes, made.edges, kinds()) == ()
    assert len(made.reports) == len(json.loads(path.read_text())["nodes"]), "every node is accounted for"


READER = Reader({"A b": "a_b", "Hook": "hook"}, frozenset({"Hook"}))


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("$json.x", "input.x"),
        ("$json['a b'].c[0]", "input['a b'].c[0]"),
        ("$json.in", "input['in']"),
        ('$node["A b"].json.x', "nodes.a_b.x"),
        ("$('A b').item.json.x + 1", "nodes.a_b.x + 1"),
        ("$('A b').first().json['y']", "nodes.a_b['y']"),
        ('$items("A b")[0].json.x', "nodes.a_b.x"),
        ("$input.item.json.q", "input.q"),
        ("$('Hook').item.json.body.name", "nodes.hook.name"),
        ("$json.a === 'x' && !$json.b || $json.c > 3", "input.a == 'x' and !input.b or input.c > 3"),
        ("$json.a ? 'y' : null", "input.a ? 'y' : null"),
        ("$json.a - ($json.b - $json.c)", "input.a - (input.b - input.c)"),
        ("`Hi ${$json.name}!`", "concat('Hi ', input.name, '!')"),
        ("$json.name.trim().toUpperCase().includes('A')", "contains(upper(trim(input.name)), 'A')"),
        ("$json.list.length > 0", "length(input.list) > 0"),
        ("Math.round($json.x * 100) / 100", "round(input.x * 100) / 100"),
        ("{a: 1, 'b c': [$json.x]}", "{'a': 1, 'b c': [input.x]}"),
        ("$now.toISO()", "now()"),
        ("$execution.id", "run.id"),
        ("parseInt($json.n, 10)", "number(input.n)"),
    ],
)
def test_an_expression_is_said_in_our_language(theirs: str, ours: str) -> None:
    assert READER.expression(theirs) == ours


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        ("$json.items.map(i => i.x)", "'i' is not known"),
        ("$env.TOKEN", "environment variables"),
        ("$('Nobody').item.json.x", "there is no node"),
        ("$('A b').all()", "one value, not a list"),
        ("$('Hook').item.json.headers.x", "its body is"),
        ("$('A b').item", "read its .json"),
        ("new Date()", "'new' is not known"),
        ("'never closed", "is not understood"),
        ("a.b.c", "'a' is not known"),
        ("(" * 60 + "1" + ")" * 60, "too deeply"),
        ("1 < 2 < 3 <", "a value is missing"),
        ("", "a value is missing"),
    ],
)
def test_what_has_no_counterpart_says_why(theirs: str, reason: str) -> None:
    with pytest.raises(NoCounterpartError, match=reason):
        READER.expression(theirs)


def test_a_text_is_translated_piece_by_piece_and_what_is_left_stays_readable() -> None:
    reader = Reader({})
    made = reader.template("=Hello {{ $json.name }}, it's {{ $env.A }} and {{")
    assert Template.parse(made).render({"input": {"name": "Ada"}}) == "Hello Ada, it's {{ $env.A }} and {{"
    assert len(reader.lost) == 1
    assert Template.parse(reader.template("not {{ an expression }}")).render({}) == "not {{ an expression }}"
    assert Template.parse(reader.template({"a": [1, "it's"]})).value({}) == {"a": [1, "it's"]}


def request(**parameters: Any) -> Converted:
    node = {"name": "Ask", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "parameters": parameters}
    return converted({"nodes": [node], "connections": {}})


def test_a_request_comes_over_with_what_it_sends() -> None:
    made = request(
        method="post",
        url="=https://example.com/{{ $json.id }}",
        headerParameters={"parameters": [{"name": "X-A", "value": "={{ $json.a }}"}]},
        queryParameters={"parameters": [{"name": "n", "value": "1"}]},
        sendBody=True,
        specifyBody="json",
        jsonBody='{"a": 1}',
    )
    assert made.nodes[0].kind == "http"
    config = made.nodes[0].config
    assert (config["method"], config["headers"], config["query"]) == ("POST", {"X-A": "{{ input.a }}"}, {"n": "1"})
    assert Template.parse(config["url"]).render({"input": {"id": 7}}) == "https://example.com/7"
    assert Template.parse(config["body"]).value({}) == {"a": 1}
    assert made.nodes[1].config == {"expression": "input.json ?? input.text ?? input"}
    assert made.reports[0].outcome is ImportOutcome.MAPPED
    assert check(made.nodes, made.edges, kinds()) == ()


def test_the_error_of_a_request_leaves_from_the_request() -> None:
    ask = {
        "name": "Ask",
        "type": "n8n-nodes-base.httpRequest",
        "onError": "continueErrorOutput",
        "parameters": {"url": "https://example.com"},
    }
    end = {"name": "End", "type": "n8n-nodes-base.noOp", "parameters": {}}
    wires = {"Ask": {"main": [[], [{"node": "End", "type": "main", "index": 0}]]}}
    made = converted({"nodes": [ask, end], "connections": wires})
    assert [(edge.source, edge.target, edge.branch) for edge in made.edges] == [
        ("ask_in", "ask", None),
        ("ask_in", "end", "error"),
    ]
    assert check(made.nodes, made.edges, kinds()) == ()


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        ({"url": "https://example.com", "authentication": "genericCredentialType"}, ImportOutcome.PARTLY),
        ({"url": ""}, ImportOutcome.PLACEHOLDER),
        ({"url": "https://example.com", "method": "BREW"}, ImportOutcome.PLACEHOLDER),
        ({"url": "https://a.example", "sendBody": True, "contentType": "binaryData"}, ImportOutcome.PLACEHOLDER),
    ],
)
def test_what_a_request_loses_is_said(parameters: dict[str, Any], outcome: ImportOutcome) -> None:
    made = request(**parameters)
    assert made.reports[0].outcome is outcome
    assert made.reports[0].notes


TEXT = st.text(max_size=40)
PIECE = st.sampled_from(
    ["$json", ".x", "['a b']", "$('A b').item.json", " + ", " === ", "'t'", '"', "`${", "}", "(", ")", "1.5", " ? ",
     " : ", "&&", "!", "$node", ".trim()", ",", "[", "]", "{", "a:", "$now", "Math.max", "\\"]
)  # fmt: skip


@given(st.lists(PIECE | TEXT, max_size=20).map("".join))
def test_any_expression_is_translated_or_refused_and_any_text_kept_readable(source: str) -> None:
    reader = Reader({"A b": "a_b"})
    with contextlib.suppress(NoCounterpartError):
        parse(reader.expression(source))
    Template.parse(reader.template("=" + source))
    assert Template.parse(reader.template(source if not source.startswith("=") else "x")) is not None


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | PIECE.map(lambda piece: f"={{{{{piece}}}}}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [f"n8n-nodes-base.{name}" for name in (
        "webhook", "set", "if", "switch", "filter", "merge", "wait", "splitInBatches", "splitOut", "code", "slack",
        "gmail", "hubspot", "stripe", "openAi", "executeWorkflow", "respondToWebhook", "httpRequest", "noOp",
        "stickyNote", "scheduleTrigger", "unheardOf",
    )] + ["@n8n/n8n-nodes-langchain.agent", "@n8n/n8n-nodes-langchain.textClassifier", "community.thing", ""]
)  # fmt: skip
KEYS = st.sampled_from(
    ["conditions", "rules", "values", "assignments", "mode", "jsonOutput", "amount", "unit", "resume", "channelId",
     "text", "messages", "options", "categories", "operation", "resource", "workflowId", "fieldToSplitOut", "string",
     "value", "prompt", "rule", "interval", "batchSize", "respondWith", "responseBody", "fallbackOutput", "inputText",
     "url", "method", "sendBody", "jsonBody", "specifyBody", "headerParameters", "bodyParameters", "parameters"]
)  # fmt: skip
PARAMETERS = st.recursive(
    JSON, lambda inner: st.dictionaries(KEYS, inner, max_size=5) | st.lists(inner, max_size=3), max_leaves=15
)
NAMES = st.sampled_from(["A", "B", "C b", "D", "ü", "1"])
NODES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"name": NAMES, "type": TYPES},
    optional={
        "parameters": st.dictionaries(KEYS, PARAMETERS, max_size=6),
        "typeVersion": st.sampled_from([1, 2, 3, 3.4]) | JSON,
        "position": JSON,
        "disabled": st.booleans(),
        "onError": st.sampled_from(["continueErrorOutput", "continueRegularOutput"]),
    },
)


def _name(node: dict[str, Any]) -> str:
    return str(node["name"])


TARGETS = st.fixed_dictionaries({"node": NAMES, "type": st.just("main"), "index": st.integers(0, 2)})
CONNECTIONS = st.dictionaries(
    NAMES,
    st.dictionaries(
        st.sampled_from(["main", "main", "ai_tool"]), st.lists(st.lists(TARGETS | JSON, max_size=3), max_size=3)
    ),
)


@given(
    JSON.filter(lambda value: isinstance(value, dict))
    | st.fixed_dictionaries({"nodes": st.lists(NODES, max_size=6, unique_by=_name), "connections": CONNECTIONS})
    | st.fixed_dictionaries({"nodes": st.lists(NODES | JSON, max_size=4), "connections": JSON})
)
def test_any_json_gives_a_report_or_a_clear_error(data: dict[str, Any]) -> None:
    refusal = None
    made = None
    try:
        made = converted(data)
    except InterlockError as error:
        refusal = error
    if made is None:
        assert refusal is not None
        assert refusal.kind is Kind.INVALID
        assert refusal.data["field"].startswith("workflow.")
        return
    assert [entry.name for entry in made.reports] == [node["name"] for node in data["nodes"]]
    problems = check(made.nodes, made.edges, kinds())
    assert all("from different sides of a loop" in problem.message for problem in problems), problems
    ids = {node.id for node in made.nodes}
    for entry in made.reports:
        assert (entry.node is None) == (entry.outcome is ImportOutcome.LEFT_OUT)
        assert entry.node is None or entry.node in ids
        assert entry.outcome is not ImportOutcome.PLACEHOLDER or entry.notes


async def test_an_import_is_a_draft_with_a_report(server: Server) -> None:
    data = json.loads((FILES / "lead_intake.json").read_text())
    answer = await server.post("/api/v1/workflows/import/n8n", {"workflow": data})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["name"], report["problems"]) == ("Lead intake", [])
    draft = (await server.get(f"/api/v1/workflows/{report['id']}")).json()
    assert draft["status"] == "draft"
    assert len(draft["nodes"]) == 7
    caller: dict[str, Any] = {
        "nodes": [
            {"name": "Call", "type": "n8n-nodes-base.executeWorkflow", "parameters": {"workflowId": "kT3m"}, "id": "1"}
        ]
    }
    body: dict[str, Any] = {"workflow": caller, "subworkflows": {"kT3m": report["id"]}, "name": "Caller"}
    called = (await server.post("/api/v1/workflows/import/n8n", body)).json()
    assert [node["kind"] for node in called["nodes"]] == ["workflow"]
    wrongs: tuple[dict[str, Any], ...] = ({"nodes": []}, {"nodes": [{"name": "a"}]}, {})
    for wrong in wrongs:
        answer = await server.post("/api/v1/workflows/import/n8n", {"workflow": wrong})
        assert (answer.status_code, answer.json()["error"]["details"]["field"][:9]) == (422, "workflow.")
    body["subworkflows"] = {"kT3m": str(WorkflowId.new())}
    answer = await server.post("/api/v1/workflows/import/n8n", body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "subworkflows.kT3m")
