"""Each import contract of pyproject.toml catches the import it is there for: a wildcard that matches nothing would not.

The contracts run over a skeleton of the project's import graph with one forbidden import planted in it.
"""

import copy
import tomllib
from pathlib import Path

import grimp
import pytest
from importlinter import Contract
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract

PROJECT = Path(__file__).parents[2]
CONTRACTS: dict[str, type[Contract]] = {
    each.type_name: each for each in (AcyclicSiblingsContract, ForbiddenContract, LayersContract, ProtectedContract)
}
SKELETON = (
    "kit",
    "runtime.durable.embedded",
    "runtime.durable.dbos",
    "domains.org.models",
    "domains.org.repository",
    "domains.llm.providers.models",
    "domains.connectors",
    "domains.tools.adapters",
    "domains.runs",
    "faces.web",
    "faces.rest",
    "faces.cli",
    "sandbox",
)
PLANTED = [
    ("one-way", "kit", "interlock.runtime"),
    ("one-way", "runtime", "interlock.domains"),
    ("one-way", "domains.org", "interlock.faces"),
    ("one-way", "sandbox", "interlock.kit"),
    ("domain-tiers", "domains.org", "interlock.domains.runs"),
    ("domain-tiers", "domains.llm", "interlock.domains.connectors"),
    ("domain-tiers", "domains.unplaced", None),
    ("strange-faces", "faces.rest", "interlock.faces.cli"),
    ("strange-faces", "faces.web", "interlock.faces.rest"),
    ("rows-stay-home", "faces.rest", "interlock.domains.org.models"),
    ("rows-stay-home", "faces.rest", "interlock.domains.org.repository"),
    ("rows-stay-home", "faces.web", "interlock.domains.llm.providers.models"),
    ("web-stays-in-faces", "domains.runs", "starlette"),
    ("web-stays-in-faces", "runtime", "uvicorn"),
    ("kit-is-pure", "kit", "sqlalchemy"),
    ("guarded-adapters", "domains.runs", "interlock.domains.tools.adapters"),
    ("guarded-adapters", "faces.rest", "interlock.domains.tools.adapters"),
    ("durable-is-an-interface", "domains.runs", "interlock.runtime.durable.embedded"),
    ("durable-is-an-interface", "domains.runs", "interlock.runtime.durable.dbos"),
    ("sandbox-is-outside", "faces.rest", "interlock.sandbox"),
    ("sandbox-is-outside", "domains.org", "interlock.sandbox"),
    ("no-cycles", "runtime.durable.embedded", "interlock.runtime.durable.dbos.planted"),
]


class Skeleton:
    """A graph of the places named above, in which imports can be planted."""

    def __init__(self) -> None:
        self.graph = grimp.ImportGraph()
        for place in SKELETON:
            self.add("interlock." + place)

    def add(self, module: str) -> None:
        """Add a module and the packages around it."""
        names = module.split(".")
        for depth in range(1, len(names) + 1):
            self.graph.add_module(".".join(names[:depth]))

    def plant(self, importer: str, imported: str | None) -> None:
        """Add a new file to a package, and one import to that file."""
        planted = f"interlock.{importer}.planted"
        self.add(planted)
        if imported is None:
            return
        if imported.startswith("interlock"):
            self.add(imported)
        elif imported not in self.graph.modules:
            self.graph.add_module(imported, is_squashed=True)
        self.graph.add_import(importer=planted, imported=imported, line_number=1, line_contents="")

    def broken(self) -> set[str]:
        """Check every contract of the project and return the ids of the broken ones."""
        configure()
        options = read_user_options(str(PROJECT / "pyproject.toml"))
        broken = set()
        for each in options.contracts_options:
            contract = CONTRACTS[each["type"]](each["name"], options.session_options, each)
            if not contract.check(copy.deepcopy(self.graph), verbose=False).kept:
                broken.add(each["id"])
        return broken


def test_the_skeleton_keeps_every_contract() -> None:
    assert Skeleton().broken() == set()


def test_a_project_without_optional_packages_keeps_every_contract() -> None:
    skeleton = Skeleton()
    for place in ("domains.tools.adapters", "runtime.durable.embedded", "runtime.durable.dbos", "sandbox", "faces.cli"):
        skeleton.graph.remove_module("interlock." + place)
    assert skeleton.broken() == set()


@pytest.mark.parametrize(("contract", "importer", "imported"), PLANTED)
def test_a_forbidden_import_breaks_its_contract(contract: str, importer: str, imported: str | None) -> None:
    skeleton = Skeleton()
    skeleton.plant(importer, imported)
    if contract == "no-cycles":
        skeleton.plant("runtime.durable.dbos", "interlock.runtime.durable.embedded")
    assert contract in skeleton.broken()


def test_every_contract_has_a_planted_import() -> None:
    options = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert {contract["id"] for contract in options["contracts"]} == {contract for contract, _, _ in PLANTED}
