"""Clock, paging, errors, partial updates and the operation registry."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from interlock.kit import clock, errors, operations
from interlock.kit.clock import FixedClock, SystemClock, iso_seconds
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Audit, Command, Effect, Nothing, facts_of, operation
from interlock.kit.paging import MAXIMUM_LIMIT, MAXIMUM_OFFSET, Page, PageQuery
from interlock.kit.patch import changes

START = datetime(2026, 1, 15, 12, tzinfo=UTC)


class Hands:
    """A wall clock whose hands a test sets."""

    def __init__(self, *moments: datetime) -> None:
        self.moments = list(moments)

    min = datetime.min  # noqa: DTZ901 - stands in for the class, which has it

    def now(self, zone: object) -> datetime:
        assert zone is UTC
        return self.moments.pop(0)


@given(st.lists(st.integers(-1_000, 1_000), min_size=1))
def test_the_clock_never_runs_backwards(jumps: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "datetime", Hands(*(START + timedelta(seconds=jump) for jump in jumps)))
        system = SystemClock()
        told = [system.now() for _ in jumps]
    assert all(one <= two for one, two in pairwise(told))
    assert told[-1] == max(START + timedelta(seconds=jump) for jump in jumps)


def test_the_system_clock_tells_utc() -> None:
    told = SystemClock().now()
    assert told.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)


def test_a_fixed_clock_moves_only_by_hand() -> None:
    fixed = FixedClock(START)
    assert fixed.now() == fixed.now() == START
    fixed.advance(timedelta(days=-1))
    assert fixed.now() == START - timedelta(days=1)


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is drawn separately
        max_value=datetime(9999, 1, 1),  # noqa: DTZ001 - as above
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    )
)
def test_wire_time_is_utc_in_whole_seconds(moment: datetime) -> None:
    text = iso_seconds(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment.astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize("values", [{"limit": 0}, {"limit": MAXIMUM_LIMIT + 1}, {"offset": -1}, {"page": 2}])
def test_pages_have_bounds_and_no_unknown_wish(values: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        PageQuery.model_validate(values)


def test_an_offset_no_database_can_hold_is_refused() -> None:
    assert PageQuery(offset=MAXIMUM_OFFSET).offset == MAXIMUM_OFFSET
    with pytest.raises(ValidationError):
        PageQuery(offset=2**63)


def test_a_page_is_frozen_and_need_not_know_its_total() -> None:
    page = Page((1, 2), limit=2, offset=0)
    assert page.total is None
    with pytest.raises(AttributeError):
        page.total = 7  # type: ignore[misc] # that is the point


@pytest.mark.parametrize("kind", Kind)
def test_an_error_has_a_code_even_when_none_was_given(kind: Kind) -> None:
    error = InterlockError(kind, "Words.")
    assert (error.code, str(error), error.data, error.hint) == (kind.value, "Words.", {}, None)


def test_helpers_make_their_kind() -> None:
    assert errors.malformed("x", depth=3).kind is Kind.MALFORMED
    assert errors.invalid("x", field="name", limit=3).data == {"field": "name", "limit": 3}
    assert errors.invalid("x").data == {}
    assert errors.not_found("run", "run_x").data == {"id": "run_x"}
    assert errors.conflict("x", code="taken", state="y").code == "taken"
    assert errors.forbidden("x", scope="admin").data == {"scope": "admin"}
    assert errors.unauthenticated("x").code == "unauthorized"


def test_an_error_keeps_its_own_copy_of_the_facts() -> None:
    facts = {"cap": 1}
    error = InterlockError(Kind.BUDGET_EXCEEDED, "x", data=facts)
    facts["cap"] = 2
    assert error.data == {"cap": 1}


class Change(Command):
    """A partial update."""

    key: int
    name: str | None = None
    note: str | None = None


def test_absent_is_not_null() -> None:
    assert changes(Change.model_validate({"key": 1, "note": None}), "key") == {"note": None}
    assert changes(Change(key=1)) == {"key": 1}


def test_a_command_is_frozen_and_takes_nothing_unknown() -> None:
    with pytest.raises(ValidationError):
        Change.model_validate({"key": 1, "colour": "red"})
    with pytest.raises(ValidationError):
        Change(key=1).key = 2  # type: ignore[misc] # that is the point
    with pytest.raises(ValidationError):
        Change(key=1, name="x" * 1_000_001)


class Reply(BaseModel):
    """What the operation of these tests returns."""


async def undocumented(ctx: object, command: Nothing) -> Reply:
    return Reply()


async def documented(ctx: object, command: Nothing) -> Reply:
    """Do it.

    And more.
    """
    return Reply()


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REGISTRY", {})
    monkeypatch.setattr(operations, "_FACTS", {})


def test_an_operation_without_a_docstring_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="docstring"):
        operation("test.undocumented")(undocumented)


def test_two_operations_cannot_share_a_name() -> None:
    operation("test.twice")(documented)
    with pytest.raises(ValueError, match="twice"):
        operation("test.twice")(documented)


@pytest.mark.parametrize(
    ("effect", "audit"), [(Effect.READ, Audit.NONE), (Effect.WRITE, Audit.SYSTEM_LOG), (Effect.EXTERNAL, Audit.NONE)]
)
def test_a_write_is_audited_unless_told_otherwise(effect: Effect, audit: Audit) -> None:
    operation("test.do", effect=effect)(documented)
    facts = facts_of(documented)
    assert (facts.audit, facts.summary, facts.command, facts.result) == (audit, "Do it.", Nothing, Reply)
    assert not facts.public
