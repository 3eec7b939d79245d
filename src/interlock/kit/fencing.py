"""Text from outside inside a prompt: reference data that no content can turn into anything else.

A value is written as JSON in which `<`, `>` and backticks are escapes: no spelling of a closing tag or of a code fence
is left, and a reader of JSON gets back exactly what went in.
"""

from typing import Any

import orjson

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "`": "\\u0060"})


def harmless(value: Any, *, indented: bool = False) -> str:
    """A value as JSON that can stand between any fences."""
    # Outside of strings JSON has none of these characters, so that every one of them may be written as an escape.
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else 0).decode().translate(_ESCAPES)


def fenced(value: Any) -> str:
    """A value as reference data that cannot close its own fence."""
    return f"<data>\n{harmless(value, indented=True)}\n</data>"
