"""The runner reads what git tracks, honours skip marks that carry a reason, and reports marks that do nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.lint.runner import check, check_all, read_sources
from tools.lint.source import Source

PROJECT = Path(__file__).parents[2]
INNER = "def f():\n    import os{mark}\n"


def rules_of(text: str, path: str = "tools/x.py") -> list[str]:
    return [finding.rule for finding in check(Source(path, text))]


def test_a_mark_with_a_reason_excuses_its_line() -> None:
    assert rules_of(INNER.format(mark="  # lint: allow inner-import - only where the plug-in is installed")) == []


def test_a_mark_excuses_the_line_after_it() -> None:
    assert rules_of("def f():\n    # lint: allow inner-import - optional\n    import os\n") == []


def test_a_mark_without_a_reason_excuses_nothing() -> None:
    assert rules_of(INNER.format(mark="  # lint: allow inner-import")) == ["inner-import", "mark"]


def test_a_mark_for_another_rule_excuses_nothing_and_is_reported() -> None:
    assert rules_of(INNER.format(mark="  # lint: allow no-commit - wrong")) == ["inner-import", "mark"]


def test_a_mark_of_an_unknown_rule_is_reported() -> None:
    assert rules_of("x = 1  # lint: allow no-such-rule - because\n") == ["mark"]


def test_a_mark_that_nothing_needs_is_reported() -> None:
    assert rules_of("import os  # lint: allow inner-import - was inside once\n") == ["mark"]


def test_a_mark_quoted_in_a_string_is_no_mark() -> None:
    assert rules_of('x = "# lint: allow inner-import - quoted"\n') == []


def test_marks_work_in_files_that_are_not_python() -> None:
    path = "/" + "root/x"
    assert rules_of(f"{path} <!-- lint: allow machine-path - quotes a user's report -->\n", "docs/x.md") == []


def test_a_file_that_is_not_python_after_all_is_one_finding() -> None:
    assert rules_of("def f(:\n") == ["syntax"]


def test_findings_come_in_the_order_of_the_tree() -> None:
    sources = [Source("tools/b.py", INNER.format(mark="")), Source("tools/a.py", INNER.format(mark="") * 2)]
    assert [(each.path, each.line) for each in check_all(sources)] == [
        ("tools/a.py", 2),
        ("tools/a.py", 4),
        ("tools/b.py", 2),
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "ignored.py").write_text("x\n")
    (tmp_path / "image.bin").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "clean.py").write_text("import os\n")
    return tmp_path


def run_lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.lint", str(root)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_only_text_that_git_would_track_is_read(project: Path) -> None:
    assert [source.path for source in read_sources(project)] == [".gitignore", "tools/clean.py"]


def test_a_clean_project_exits_with_zero(project: Path) -> None:
    result = run_lint(project)
    assert result.returncode == 0, result.stdout


def test_a_finding_is_printed_with_its_place_and_exits_with_one(project: Path) -> None:
    (project / "tools" / "late.py").write_text(INNER.format(mark=""))
    result = run_lint(project)
    assert result.returncode == 1
    assert result.stdout.splitlines()[0] == "tools/late.py:2 inner-import import at the top of the file"
