"""From a form to HTML: what was typed stays in the fields, every problem stands beside its field."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.domains.forms.views import FormPage
from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = lazy("jinja2")

# What browsers may fill in by themselves (WCAG 2.2, 1.3.5), by the names that forms give to such fields.
_AUTOCOMPLETE = {
    "name": "name",
    "full_name": "name",
    "fullname": "name",
    "your_name": "name",
    "first_name": "given-name",
    "firstname": "given-name",
    "last_name": "family-name",
    "lastname": "family-name",
    "email": "email",
    "e_mail": "email",
    "phone": "tel",
    "tel": "tel",
    "telephone": "tel",
    "company": "organization",
    "organization": "organization",
    "organisation": "organization",
    "job_title": "organization-title",
    "address": "street-address",
    "city": "address-level2",
    "postal_code": "postal-code",
    "postcode": "postal-code",
    "zip": "postal-code",
    "country": "country-name",
    "birthday": "bday",
    "website": "url",
}


@dataclass(frozen=True, slots=True)
class Filled:
    """What a person has sent that could not be taken yet.

    Args:
        values: by field name.
        problems: by field name.
        notice: what is wrong with the sending as a whole.
        token: the mark to send it with next time; None for the page's own.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None
    token: str | None = None


def form_page(form: FormPage, filled: Filled) -> str:
    """The page to fill in."""
    names = {entry.name for entry in form.fields}
    stray = {name: problem for name, problem in filled.problems.items() if name not in names}
    return _template("form.html").render(
        form=form,
        token=filled.token or form.token,
        values=filled.values,
        problems=filled.problems,
        stray=stray,
        notice=filled.notice,
        style=_style(),
    )


def thanks_page(form: FormPage) -> str:
    """What is shown once the answers are kept."""
    return _template("said.html").render(
        title=form.name, heading="Thank you", words=form.thanks or "Your answers have been received.", style=_style()
    )


def refusal_page(heading: str, words: str) -> str:
    """A page that is not there, or that cannot take what was sent."""
    return _template("said.html").render(title=heading, heading=heading, words=words, style=_style())


def content_policy(embed_origins: Sequence[str]) -> str:
    """Nothing but this page's own style may load or run, and only the named sites may frame it."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    ancestors = " ".join(embed_origins) or "'none'"
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; base-uri 'none';"
        f" frame-ancestors {ancestors}"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("templates").joinpath("style.css").read_text().strip()


def _autocomplete(name: str, kind: str) -> str | None:
    """What the browser may offer for a field."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return _AUTOCOMPLETE.get(plain) or ("email" if kind == "email" else None)


@cache
def _environment() -> "jinja2.Environment":
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("interlock.faces.web.form_page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["autocomplete"] = _autocomplete
    return environment


def _template(name: str) -> "jinja2.Template":
    return _environment().get_template(name)
