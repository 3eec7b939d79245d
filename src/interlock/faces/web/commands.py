"""From what a request carries to an operation's command."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from interlock.faces.web.body import check_text
from interlock.faces.web.errors import from_validation

CommandT = TypeVar("CommandT", bound=BaseModel)


def command_of(kind: type[CommandT], values: dict[str, Any], path_fields: frozenset[str] = frozenset()) -> CommandT:
    """The command with these values; a wrong value names its field, a wrong id in the path is not found."""
    for name in path_fields:
        check_text(values[name], name)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise from_validation(error, path_fields) from error


def query_values(request: Request, repeated: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The query parameters; those that may repeat as lists."""
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        check_text(value, name)
        if name in repeated:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values
