"""A domain reaches another only through the files it publishes: service, views, states, errors, events."""

import ast
from collections.abc import Iterator

from tools.lint.source import Finding, Source

NAME = "public-files"
PUBLIC = frozenset({"service", "views", "states", "errors", "events"})
PRIVATE = frozenset({"models", "repository", "jobs", "subscribers", "adapters"})
DOMAINS = ("interlock", "domains")


def check(source: Source) -> Iterator[Finding]:
    """Find imports that reach into another domain's private files."""
    if not source.is_python or not source.inside("src", *DOMAINS) or len(source.parts) < 5:
        return
    home = source.parts[3]
    for node, target in _imports(source):
        if target[:2] != DOMAINS or target[2:3] == (home,):
            continue
        if not _is_public(target[3:]):
            name = ".".join(target)
            yield source.finding(node, NAME, f"{home} may import only {', '.join(sorted(PUBLIC))} there, not {name}")


def _is_public(inner: tuple[str, ...]) -> bool:
    """Tell whether a path inside a domain is published: `service...`, or `<sub-package>.service...`."""
    if not inner or inner[0] in PRIVATE:
        return False
    return inner[0] in PUBLIC or (len(inner) > 1 and inner[1] in PUBLIC)


def _imports(source: Source) -> Iterator[tuple[ast.stmt, tuple[str, ...]]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            package = source.parts[1:-1]
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                yield node, (*base, *module, alias.name)
