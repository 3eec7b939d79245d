"""Absent is not null: the marker for a field that an update did not mention."""

from typing import Any

from pydantic import BaseModel


def changes(command: BaseModel, *exclude: str) -> dict[str, Any]:
    """The fields the caller really sent, by name, for a partial update.

    An absent field is left alone; a field sent as null is cleared. Pydantic remembers which is which in
    `model_fields_set`, so no sentinel travels through the types.
    """
    return {name: getattr(command, name) for name in command.model_fields_set if name not in exclude}
