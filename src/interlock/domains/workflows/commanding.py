"""Commands for other domains, made from what a node's templates came to."""

from typing import Any, TypeVar

from pydantic import ValidationError

from interlock.domains.workflows.manifest import NodeFailed
from interlock.kit.operations import Command

CommandT = TypeVar("CommandT", bound=Command)


def command(kind: type[CommandT], **values: Any) -> CommandT:
    """The command with these values.

    Raises:
        NodeFailed: the data does not fit; trying again would not help.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "data"
        raise NodeFailed(f"'{field}': {first['msg']}.", may_retry=False) from error
