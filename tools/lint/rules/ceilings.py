"""Ceilings of size: a file of 500 lines, a class of 250, a function of 60.

An offender may be listed in `EXCEPTIONS` under the size it has; the list may only shrink.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from tools.lint.source import Finding, Source

NAME = "ceiling"
FILE, CLASS, FUNCTION = 500, 250, 60
ROOTS = ("src", "tests", "tools", "benchmarks", "examples")

# "path" or "path::Class.method" -> the size it has today. Lower a number when it falls; never raise or add one.
EXCEPTIONS: Mapping[str, int] = MappingProxyType({})


def check(source: Source) -> Iterator[Finding]:
    """Find files, classes and functions above their ceiling."""
    yield from measure(source, EXCEPTIONS)


def measure(source: Source, exceptions: Mapping[str, int]) -> Iterator[Finding]:
    """Find what is above its ceiling, or above or below the size its exception states."""
    if not source.is_python or source.parts[0] not in ROOTS:
        return
    for key, line, kind, size, ceiling in _sizes(source):
        allowed = exceptions.get(key)
        if allowed is None:
            if size > ceiling:
                yield source.finding(line, NAME, f"{kind} has {size} lines, the ceiling is {ceiling}: split it")
        elif size > allowed:
            yield source.finding(line, NAME, f"{kind} grew to {size} lines, its exception says {allowed}: split it")
        elif size < allowed:
            yield source.finding(line, NAME, f"{kind} fell to {size} lines: lower or remove its exception of {allowed}")


def stale_exceptions(paths: Collection[str], exceptions: Mapping[str, int] = EXCEPTIONS) -> Iterator[Finding]:
    """Find exceptions whose file is gone."""
    for key in exceptions:
        path = key.partition("::")[0]
        if path not in paths:
            yield Finding(path, 1, NAME, f"is gone: remove its exception {key}")


def _sizes(source: Source) -> Iterator[tuple[str, int, str, int, int]]:
    yield source.path, 1, "file", len(source.lines), FILE
    yield from _sizes_within(source.path, source.tree, "")


def _sizes_within(path: str, node: ast.AST, prefix: str) -> Iterator[tuple[str, int, str, int, int]]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{child.name}"
            size = (child.end_lineno or child.lineno) - child.lineno + 1
            is_class = isinstance(child, ast.ClassDef)
            kind, ceiling = ("class", CLASS) if is_class else ("function", FUNCTION)
            yield f"{path}::{name}", child.lineno, f"{kind} {name}", size, ceiling
            name += "."
        yield from _sizes_within(path, child, name)
