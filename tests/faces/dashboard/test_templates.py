"""What every template keeps to, read from its source."""

import re
from pathlib import Path

import pytest

from interlock.faces import dashboard
from interlock.faces.dashboard.render import environment

FOLDER = Path(dashboard.__file__).with_name("templates")
NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))
EVERY = pytest.mark.parametrize("name", NAMES)
# Constant drawings, written in the template itself.
MARKUP_OF_OUR_OWN = {"icons.html"}
# Sent by somebody who is not signed in; where they come from is checked instead.
STRANGERS = {"account/sign_in.html", "account/start.html"}


@EVERY
def test_it_compiles(name: str) -> None:
    assert environment().get_template(name) is not None


@EVERY
def test_it_holds_nothing_that_the_content_policy_forbids(name: str) -> None:
    text = re.sub(r"\{[{%#].*?[}%#]\}", "", (FOLDER / name).read_text(), flags=re.DOTALL)
    assert not re.findall(r"\sstyle\s*=", text)
    assert not re.findall(r"<[^>]*\son[a-z]+\s*=", text)
    assert not re.findall(r"\shx-on", text)
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", text)
    assert not re.findall(r"javascript:", text)


@EVERY
def test_nothing_from_outside_passes_as_markup(name: str) -> None:
    if name not in MARKUP_OF_OUR_OWN:
        assert not re.findall(r"\|\s*safe\b|autoescape\s+false", (FOLDER / name).read_text())


@EVERY
def test_its_forms_carry_the_page_s_mark(name: str) -> None:
    if name in STRANGERS:
        return
    text = (FOLDER / name).read_text()
    forms = re.findall(r"<form\b[^>]*method=\"post\".*?</form>", text, re.DOTALL)
    assert not [form[:120] for form in forms if "csrf" not in form]
