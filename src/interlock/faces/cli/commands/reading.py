"""From what was typed to a command of the domain, or an error that names the flag."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from interlock.kit.errors import invalid

CommandT = TypeVar("CommandT", bound=BaseModel)


def command_from(kind: type[CommandT], given: Mapping[str, Any]) -> CommandT:
    """Build a command.

    Raises:
        InterlockError: INVALID, naming the first field that is wrong.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise invalid(f"'{field}': {first['msg']}.", field=field) from error
