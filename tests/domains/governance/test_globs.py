import fnmatch
import re

from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.governance.policies.globs import Globs, ToolGlobs, glob_matches

letters = st.text("ab*?.", max_size=12)


@given(letters, st.text("ab.", max_size=12))
def test_globs_agree_with_the_regular_expression_they_stand_for(pattern: str, text: str) -> None:
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    assert glob_matches(pattern, text) == bool(re.fullmatch(regex, text, re.DOTALL))
    assert glob_matches(pattern, text) == fnmatch.fnmatchcase(text, pattern)


@given(st.text(max_size=30))
def test_a_star_matches_everything_and_a_plain_name_only_itself(text: str) -> None:
    assert glob_matches("*", text)
    if not set("*?") & set(text):
        assert Globs([text]).matches(text)
        assert not Globs([text]).matches(text + "x")


def test_brackets_are_plain_characters() -> None:
    assert glob_matches("a[1]", "a[1]")
    assert not glob_matches("a[1]", "a1")


def test_many_stars_do_not_explode() -> None:
    assert not glob_matches("*a" * 200 + "b", "a" * 2_000)


def test_a_namespace_covers_its_tools_but_not_its_neighbours() -> None:
    globs = ToolGlobs(["comms", "crm.create_contact", "pay*"])
    assert globs.matches("comms.send_email")
    assert globs.matches("comms.slack.send")
    assert globs.matches("crm.create_contact")
    assert globs.matches("payments.create_refund")
    assert not globs.matches("commsx.send_email")
    assert not globs.matches("crm.delete_contact")


def test_case_matters_only_where_nobody_folds() -> None:
    assert not Globs(["ops-*"]).matches("OPS-x")
    assert Globs(["Ops-*"], fold=True).matches("OPS-x")
