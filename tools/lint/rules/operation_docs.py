"""An operation's docstring is one sentence a user understands: it becomes OpenAPI summary, MCP description and help."""

import ast
import re
from collections.abc import Iterator

from tools.lint.source import Finding, Source

NAME = "operation-doc"
SENTENCE_BREAK = re.compile(r"[.!?]\s+[A-Z]")


def check(source: Source) -> Iterator[Finding]:
    """Find operations whose docstring does not open with exactly one sentence on one line."""
    if not source.is_python or not source.inside("src"):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not any(_is_operation(decorator) for decorator in node.decorator_list):
            continue
        if complaint := _complaint(ast.get_docstring(node)):
            yield source.finding(node, NAME, f"operation {node.name} {complaint}")


def _complaint(docstring: str | None) -> str | None:
    if not docstring:
        return "has no docstring: say in one sentence what it does for its user"
    summary, _, rest = docstring.partition("\n")
    if rest and rest.split("\n", 1)[0].strip():
        return "spreads its sentence over two lines: shorten it to one"
    if not summary.endswith((".", "!", "?")):
        return "does not end its sentence with a full stop"
    if SENTENCE_BREAK.search(summary):
        return "says more than one sentence in its first line"
    return None


def _is_operation(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
    return name == "operation"
