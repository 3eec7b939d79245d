"""The OpenAPI document agrees with itself."""

from collections.abc import Iterator
from typing import Any

from interlock.faces.rest.app import openapi


def schemas_with_defaults(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema of the document that has a default."""
    if isinstance(node, dict):
        if "default" in node and "type" in node:
            yield node
        for child in node.values():
            yield from schemas_with_defaults(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas_with_defaults(child)


def test_a_default_is_of_its_fields_type() -> None:
    kinds: dict[str, Any] = {
        "number": (int, float),
        "integer": int,
        "string": str,
        "boolean": bool,
        "array": list,
        "object": dict,
    }
    found = list(schemas_with_defaults(openapi("https://x.example")))
    wrong = [schema for schema in found if not isinstance(schema["default"], kinds[schema["type"]])]
    assert wrong == []
    assert any(schema["type"] == "number" and schema["default"] == 0 for schema in found), "amounts of money"
