"""Every face can say every kind of error: its table from kind to wire is complete."""

import importlib
import pkgutil
from typing import Any

import pytest

from interlock import faces
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import Kind


def tables() -> dict[str, dict[Kind, Any]]:
    """Every table keyed by kind that a module of a face declares itself."""
    found = {}
    for module in pkgutil.walk_packages(faces.__path__, "interlock.faces."):
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            if isinstance(value, dict) and value and all(isinstance(key, Kind) for key in value):
                found[f"{module.name}.{name}"] = value
    return found


TABLES = tables()
MODULES = {module.name for module in pkgutil.walk_packages(faces.__path__, "interlock.faces.")}


def test_the_search_finds_the_native_table() -> None:
    assert "interlock.faces.web.errors.STATUS" in TABLES


@pytest.mark.parametrize("name", TABLES)
def test_the_table_names_every_kind(name: str) -> None:
    assert set(TABLES[name]) == set(Kind)


@pytest.mark.parametrize(
    "module", sorted(name for name in MODULES if name.count(".") == 3 and name.endswith(".errors"))
)
def test_a_face_with_errors_of_its_own_has_a_table(module: str) -> None:
    assert [name for name in TABLES if name.startswith(module + ".")]


def test_native_statuses_are_errors_and_leave_the_callers_fault_to_the_caller() -> None:
    assert all(400 <= status < 600 for status in STATUS.values())
    faults = {kind for kind, status in STATUS.items() if status >= 500}
    assert faults == {
        Kind.BUDGET_EXCEEDED,
        Kind.UPSTREAM,
        Kind.UPSTREAM_TIMEOUT,
        Kind.UNAVAILABLE,
        Kind.INTERNAL,
    }
