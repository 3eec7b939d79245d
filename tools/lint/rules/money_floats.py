"""Money is Decimal: a float cannot hold a tenth of a cent.

Only names that can mean nothing but money are watched, and only below the faces, whose wires may be given.
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.source import Finding, Source

NAME = "money-float"
MONEY = re.compile(r"(?:^|_)(?:usd|cost|price|amount|balance|spend|spent)$")
ROOMS = ("kit", "runtime", "domains")


def check(source: Source) -> Iterator[Finding]:
    """Find names of money annotated as float."""
    if not source.is_python or source.parts[:2] != ("src", "interlock") or source.parts[2] not in ROOMS:
        return
    for node in ast.walk(source.tree):
        name: str | None = None
        if isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.AnnAssign):
            name = getattr(node.target, "id", None) or getattr(node.target, "attr", None)
        if name and MONEY.search(name) and _mentions_float(getattr(node, "annotation", None)):
            yield source.finding(node, NAME, f"{name} is money: use Decimal, not float")


def _mentions_float(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    return any(isinstance(node, ast.Name) and node.id == "float" for node in ast.walk(annotation))
