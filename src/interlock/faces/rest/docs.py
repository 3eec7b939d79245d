"""The documentation page: the OpenAPI document as one plain HTML page that works offline."""

from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

_environment = Environment(
    loader=PackageLoader("interlock.faces.rest"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_environment.filters["pretty"] = lambda value: orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def render(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, facts in item.items():
            entry = {"method": method.upper(), "path": path, **facts}
            areas.setdefault(facts.get("tags", ["other"])[0], []).append(entry)
    return _environment.get_template("docs.html").render(
        info=document["info"],
        server=document["servers"][0]["url"],
        areas=areas,
        schemas=document["components"]["schemas"],
    )
