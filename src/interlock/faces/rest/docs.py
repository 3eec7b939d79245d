"""The documentation page: the OpenAPI document as one plain HTML page that works offline."""

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = lazy("jinja2")


def render(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, facts in item.items():
            entry = {"method": method.upper(), "path": path, **facts}
            areas.setdefault(facts.get("tags", ["other"])[0], []).append(entry)
    return _template().render(
        info=document["info"],
        server=document["servers"][0]["url"],
        areas=areas,
        schemas=document["components"]["schemas"],
    )


@cache
def _template() -> "jinja2.Template":
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("interlock.faces.rest"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["pretty"] = lambda value: orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return environment.get_template("docs.html")
