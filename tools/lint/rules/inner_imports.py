"""An import inside a function hides a cycle or a cost; both belong at the top of the file."""

import ast
from collections.abc import Iterator

from tools.lint.source import Finding, Source

NAME = "inner-import"


def check(source: Source) -> Iterator[Finding]:
    """Find import statements inside functions."""
    if not source.is_python:
        return
    reported: set[int] = set()
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom) and node.lineno not in reported:
                reported.add(node.lineno)
                yield source.finding(node, NAME, "import at the top of the file")
