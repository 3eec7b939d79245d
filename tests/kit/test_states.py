"""Lifecycles: the class, and every table of moves in the code base."""

import importlib
import pkgutil
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock import domains
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.states import Lifecycle


class Light(StrEnum):
    """A small life."""

    GREEN = "green"
    RED = "red"
    OFF = "off"


LIGHT = Lifecycle(
    "light",
    {Light.GREEN: frozenset({Light.RED, Light.OFF}), Light.RED: frozenset({Light.GREEN}), Light.OFF: frozenset()},
)


def lifecycles() -> dict[str, Lifecycle[Any]]:
    """Every lifecycle that a module of the domains declares."""
    found = {}
    for module in pkgutil.walk_packages(domains.__path__, "interlock.domains."):
        if module.name.rsplit(".", 1)[-1] == "states":
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Lifecycle):
                    found[f"{module.name}.{name}"] = value
    return found


ALL = lifecycles()


def test_the_search_finds_the_lifecycles() -> None:
    assert {"interlock.domains.agents.states.LIFECYCLE", "interlock.domains.runs.states.LIFECYCLE"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_state_is_declared(name: str) -> None:
    moves = ALL[name].moves
    kind: type[StrEnum] = type(next(iter(moves)))
    assert set(moves) == set(kind)


@pytest.mark.parametrize("name", ALL)
def test_every_state_can_be_reached_from_the_first(name: str) -> None:
    moves = ALL[name].moves
    start = next(iter(moves))
    reached, pending = {start}, [start]
    while pending:
        fresh = moves[pending.pop()] - reached
        reached |= fresh
        pending.extend(fresh)
    assert reached == set(moves)


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
def test_a_walk_of_allowed_moves_is_never_refused_and_any_other_is(name: str, data: st.DataObject) -> None:
    life = ALL[name]
    states = list(life.moves)
    current = data.draw(st.sampled_from(states))
    for target in data.draw(st.lists(st.sampled_from(states), max_size=12)):
        if target in life.moves[current]:
            life.check(current, target)
            assert current in life.sources(target)
            assert not life.is_final(current)
            current = target
            continue
        with pytest.raises(InterlockError) as caught:
            life.check(current, target)
        assert caught.value.kind is Kind.CONFLICT
        assert (caught.value.data["state"], caught.value.data["wanted"]) == (current.value, target.value)
        assert current.value in caught.value.message
        assert target.value in caught.value.message
        assert current not in life.sources(target)


def test_a_move_to_an_undeclared_state_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="undeclared"):
        Lifecycle("light", {Light.GREEN: frozenset({Light.RED})})


def test_a_state_without_moves_is_final() -> None:
    assert [state for state in Light if LIGHT.is_final(state)] == [Light.OFF]
    assert LIGHT.sources(Light.OFF) == {Light.GREEN}
