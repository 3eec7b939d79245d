"""Risk scores: bounded, never falling when a signal rises, explained, and levelled by the workspace's threshold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.risk.scoring import assess, breadth_of, data_in, level_of
from interlock.domains.governance.risk.views import DataClass, Dimension, RiskRules, Signals

PLAIN = RiskRules()
LEVELS = list(RiskLevel)
signals = st.builds(
    Signals,
    breadth=st.floats(0, 1),
    reach=st.sampled_from(LEVELS),
    data=st.frozensets(st.sampled_from(list(DataClass))),
    unsupervised=st.integers(0, 10**7),
    tags=st.frozensets(st.text(min_size=1, max_size=3), max_size=5),
)
rules = st.builds(
    RiskRules,
    threshold=st.floats(0, 100),
    weights=st.fixed_dictionaries({dimension: st.floats(0.01, 10) for dimension in Dimension}),
)


@given(signals, rules)
def test_every_score_lies_between_0_and_100(found: Signals, chosen: RiskRules) -> None:
    told = assess(found, chosen)
    assert all(0 <= score.score <= 100 and score.explanation for score in told.dimensions.values())
    lowest = min(score.score for score in told.dimensions.values())
    highest = max(score.score for score in told.dimensions.values())
    assert lowest - 0.1 <= told.score <= highest + 0.1
    assert told.flagged == (told.level.rank >= RiskLevel.HIGH.rank)


@given(signals, signals, rules)
def test_no_score_falls_when_any_signal_rises(one: Signals, other: Signals, chosen: RiskRules) -> None:
    more = Signals(
        breadth=max(one.breadth, other.breadth),
        reach=max(one.reach, other.reach, key=lambda level: level.rank),
        data=one.data | other.data,
        unsupervised=max(one.unsupervised, other.unsupervised),
        tags=one.tags | other.tags,
    )
    for step in ("breadth", "reach", "data", "unsupervised", "tags"):
        before, one = assess(one, chosen), replace(one, **{step: getattr(more, step)})
        after = assess(one, chosen)
        assert after.score >= before.score
        assert after.level.rank >= before.level.rank
        for dimension in Dimension:
            assert after.dimensions[dimension].score >= before.dimensions[dimension].score


def test_every_signal_moves_some_dimension() -> None:
    nothing = assess(Signals(), PLAIN).score
    raised = (
        Signals(breadth=1),
        Signals(reach=RiskLevel.CRITICAL),
        *(Signals(data=frozenset({kind})) for kind in DataClass),
        Signals(unsupervised=1_000),
        Signals(tags=frozenset({"Annex III"})),
    )
    assert nothing == 0
    assert all(assess(found, PLAIN).score > nothing for found in raised)


def test_a_system_with_everything_is_critical_and_says_why() -> None:
    everything = Signals(1.0, RiskLevel.CRITICAL, frozenset(DataClass), 10_000, frozenset("abc"))
    told = assess(everything, PLAIN)
    assert (told.level, told.flagged) == (RiskLevel.CRITICAL, True)
    assert "health data" in told.dimensions[Dimension.PRIVACY].explanation
    assert "10,000 unsupervised tool runs" in told.dimensions[Dimension.OPERATIONAL].explanation
    assert "access to every tool" in told.dimensions[Dimension.OPERATIONAL].explanation


def test_weights_choose_what_counts() -> None:
    found = Signals(reach=RiskLevel.CRITICAL)
    only = {dimension: float(dimension is Dimension.OPERATIONAL) for dimension in Dimension}
    assert assess(found, RiskRules(weights=only)).score == 50
    assert assess(found, PLAIN).score == 12.5
    with pytest.raises(ValueError, match="weight"):
        assess(found, RiskRules(weights=dict.fromkeys(Dimension, 0.0)))


def test_what_a_person_has_set_stands_in_place_of_the_computed_score() -> None:
    told = assess(Signals(breadth=1), PLAIN, dict.fromkeys(Dimension, 90.0))
    assert (told.score, told.level) == (90, RiskLevel.CRITICAL)
    assert all(score.overridden for score in told.dimensions.values())


@pytest.mark.parametrize(
    ("score", "threshold", "level"),
    [
        (0, 60, "low"), (29.9, 60, "low"), (30, 60, "medium"), (60, 60, "medium"), (60.1, 60, "high"),
        (84.9, 60, "high"), (85, 60, "critical"), (100, 100, "medium"), (0, 0, "medium"), (1, 0, "high"),
    ],
)  # fmt: skip
def test_levels_follow_the_threshold(score: float, threshold: float, level: str) -> None:
    assert level_of(score, threshold) == level


def test_breadth_grows_with_the_scope_and_shrinks_with_narrowed_resources() -> None:
    assert breadth_of(None, {}) == breadth_of(("*",), {}) == 1
    assert breadth_of((), {}) == 0
    assert 0 < breadth_of(("crm.read",), {}) < breadth_of(("crm",), {}) < breadth_of(("crm", "comms.*"), {}) < 1
    assert breadth_of(None, {"channel": ("ops-*",)}) == 0.7


@pytest.mark.parametrize(
    ("tool", "kinds"),
    [
        ("crm.create_contact", {"personal"}),
        ("payments.create_refund", {"financial"}),
        ("ehr.readPatients", {"health"}),
        ("billing.email_invoices", {"financial", "personal"}),
        ("weather.forecast", set()),
        ("discard.everything", set()),
    ],
)
def test_names_of_tools_tell_what_data_they_handle(tool: str, kinds: set[str]) -> None:
    assert data_in((tool,)) == kinds
