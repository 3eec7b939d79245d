"""Each house rule finds what it names, and passes what is right."""

from types import ModuleType

import pytest

from tools.lint.rules import ceilings, commits, inner_imports, machine_paths, money_floats, operation_docs, public_files
from tools.lint.source import Source

AGENTS = "src/interlock/domains/agents/service.py"


def lines_of(rule: ModuleType, path: str, text: str) -> list[int]:
    return [finding.line for finding in rule.check(Source(path, text))]


def test_a_domain_that_commits_is_found() -> None:
    text = "async def pause(ctx):\n    await ctx.db.commit()\n"
    assert lines_of(commits, AGENTS, text) == [2]


def test_the_runtime_may_commit() -> None:
    text = "async def close(session):\n    await session.commit()\n"
    assert lines_of(commits, "src/interlock/runtime/unit_of_work.py", text) == []


def test_an_import_inside_a_function_is_found_once_however_deep() -> None:
    text = "import os\n\ndef f():\n    def g():\n        from json import loads\n    import re\n"
    assert sorted(lines_of(inner_imports, "tools/x.py", text)) == [5, 6]


def test_an_import_under_a_condition_at_the_top_is_no_inner_import() -> None:
    text = "import sys\nif sys.platform == 'linux':\n    import fcntl\n"
    assert lines_of(inner_imports, "tools/x.py", text) == []


@pytest.mark.parametrize(
    "line",
    [
        "from interlock.domains.org.service import get_plan",
        "from interlock.domains.org import service, views",
        "import interlock.domains.org.states",
        "from interlock.domains.governance.policies.views import Policy",
        "from interlock.domains.governance.policies import service",
        "from interlock.domains.tools.service.calls import call",
        "from interlock.domains.agents.models import agents",
        "from . import models",
        "from .repository import find",
        "from ..org.views import Plan",
        "from interlock.runtime.context import Ctx",
    ],
)
def test_public_files_of_others_and_every_file_of_its_own_are_open_to_a_domain(line: str) -> None:
    assert lines_of(public_files, AGENTS, line) == []


@pytest.mark.parametrize(
    "line",
    [
        "from interlock.domains.org.models import plans",
        "from interlock.domains.org import repository",
        "from interlock.domains import org",
        "import interlock.domains.org",
        "import interlock.domains.org.jobs",
        "from interlock.domains.tools.adapters.views import Slack",
        "from interlock.domains.governance.policies.repository import find",
        "from ..org.models import plans",
        "from ..org import models",
    ],
)
def test_private_files_of_another_domain_are_closed(line: str) -> None:
    assert lines_of(public_files, AGENTS, line) == [1]


def test_the_face_of_a_domain_is_not_held_to_the_rule_between_domains() -> None:
    text = "from interlock.domains.org.models import plans"
    assert lines_of(public_files, "src/interlock/main.py", text) == []


def test_a_file_class_and_function_at_their_ceilings_pass() -> None:
    function = "def f():\n" + "    x = 1\n" * 59
    klass = "class C:\n" + "    x = 1\n" * 249
    assert lines_of(ceilings, "src/interlock/kit/x.py", function + klass + "\n" * 190) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n" * 501, 1),
        ("\ndef f():\n" + "    x = 1\n" * 60, 2),
        ("\nclass C:\n" + "    x = 1\n" * 250, 2),
        ("class C:\n    async def m(self):\n" + "        x = 1\n" * 60, 2),
        ("if True:\n    def f():\n" + "        x = 1\n" * 60, 2),
    ],
)
def test_one_line_above_a_ceiling_is_found(text: str, line: int) -> None:
    assert lines_of(ceilings, "src/interlock/kit/x.py", text) == [line]


@pytest.mark.parametrize(
    ("allowed", "message"),
    [(61, None), (62, "fell to 61 lines"), (60, "grew to 61 lines")],
)
def test_an_exception_holds_for_its_exact_size_so_that_the_list_can_only_shrink(
    allowed: int, message: str | None
) -> None:
    source = Source("src/x.py", "class C:\n    def m(self):\n" + "        x = 1\n" * 60)
    found = [finding.message for finding in ceilings.measure(source, {"src/x.py::C.m": allowed})]
    assert [message in text for text in found if message] == ([True] if message else [])
    assert len(found) == (1 if message else 0)


def test_an_exception_for_a_file_that_is_gone_is_found() -> None:
    exceptions = {"src/gone.py::f": 80, "src/here.py": 700}
    found = list(ceilings.stale_exceptions({"src/here.py"}, exceptions))
    assert [finding.path for finding in found] == ["src/gone.py"]


@pytest.mark.parametrize(
    ("docstring", "complaint"),
    [
        ('"""Stop an agent from taking new work."""', None),
        ('"""Stop an agent.\n\n    Raises:\n        NotFound: no such agent.\n    """', None),
        ('"""Say how much a call costs, e.g. 0.02 dollars, before it is made."""', None),
        ("pass", "no docstring"),
        ('"""Stop an agent"""', "full stop"),
        ('"""Stop an agent. It can be resumed."""', "more than one sentence"),
        ('"""Stop an agent from taking\n    new work."""', "two lines"),
    ],
)
@pytest.mark.parametrize("decorator", ['operation("agents.pause")', 'operations.operation("agents.pause")'])
def test_an_operation_says_in_one_sentence_what_it_does(decorator: str, docstring: str, complaint: str | None) -> None:
    text = f"@{decorator}\nasync def pause(ctx, cmd):\n    {docstring}\n"
    found = [finding.message for finding in operation_docs.check(Source(AGENTS, text))]
    if complaint is None:
        assert found == []
    else:
        assert len(found) == 1
        assert complaint in found[0]


def test_a_plain_function_may_go_without_an_operation_sentence() -> None:
    assert lines_of(operation_docs, AGENTS, "@cache\ndef f():\n    pass\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "cd " + "/" + "root/project",
        "open('" + "/" + "work/data.txt')",
        "see " + "/" + "home/ada/notes",
        "pip install --index-" + "url http://mirror",
        "url = https://files.python" + "hosted.org/packages/x",
    ],
)
def test_paths_of_one_machine_and_registry_addresses_are_found_in_any_file(text: str) -> None:
    assert lines_of(machine_paths, "docs/setup.md", "fine\n" + text) == [2]


@pytest.mark.parametrize(
    "text", ["/usr/bin/chromium", "docs/network/x", "/homework/ada", "https://docs.example.org/uv"]
)
def test_ordinary_paths_and_addresses_pass(text: str) -> None:
    assert lines_of(machine_paths, "docs/setup.md", text) == []


def test_money_typed_as_float_is_found_below_the_faces_only() -> None:
    text = (
        "class Call:\n    cost: float | None\n    latency: float\n\ndef f(price_usd: float, cost_ratio: float): ...\n"
    )
    assert sorted(lines_of(money_floats, "src/interlock/domains/llm/views.py", text)) == [2, 5]
    assert lines_of(money_floats, "src/interlock/faces/rest/wire.py", text) == []
