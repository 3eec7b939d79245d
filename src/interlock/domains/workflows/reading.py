"""Data out of what a model wrote."""

import json
from typing import Any

import jsonschema_rs
import orjson

_DECODER = json.JSONDecoder()
_MOST_TRIES = 50


class Unreadable(Exception):  # noqa: N818 - what the text is, not an error of ours
    """The text holds no data of the wanted shape."""


def schema_instructions(schema: dict[str, Any]) -> str:
    """What a model is told about the wanted shape."""
    words = "Answer with one JSON value and nothing else. It must satisfy this JSON schema:"
    return f"{words}\n{orjson.dumps(schema).decode()}"


def as_json(text: str, schema: dict[str, Any]) -> Any:
    """The first JSON object or list in a text that satisfies a schema; models like to put words around it.

    Raises:
        Unreadable: there is none; says what is wrong with the last one found.
    """
    validator = jsonschema_rs.validator_for(schema)
    problem = "there is no JSON in it"
    tries = 0
    for start, character in enumerate(text):
        if character not in "{[" or tries >= _MOST_TRIES:
            continue
        tries += 1
        try:
            value, _ = _DECODER.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            continue
        problems = [error.message for error in validator.iter_errors(value)]
        if not problems:
            return value
        problem = problems[0]
    raise Unreadable(f"The model's answer is not of the wanted shape: {problem}.")
