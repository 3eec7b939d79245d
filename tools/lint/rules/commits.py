"""A unit of work is committed once, at the edge, by the doorway; a domain never commits."""

import ast
from collections.abc import Iterator

from tools.lint.source import Finding, Source

NAME = "no-commit"


def check(source: Source) -> Iterator[Finding]:
    """Find calls of `.commit(...)` in domains."""
    if not source.is_python or not source.inside("src", "interlock", "domains"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield source.finding(node, NAME, "a domain does not commit; the doorway commits once, at the edge")
