"""Wire vocabulary of the native API: whole-second UTC timestamps, money as numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from interlock.kit.clock import iso_seconds
from interlock.kit.money import rounded

Timestamp = Annotated[
    datetime,
    PlainSerializer(iso_seconds, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-15T12:00:00Z"]}),
]
Dollars = Annotated[
    Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number", "examples": [0.5]})
]
Cost = Annotated[
    Decimal,
    PlainSerializer(lambda amount: float(rounded(amount)), return_type=float),
    WithJsonSchema({"type": "number", "description": "US dollars, four decimals.", "examples": [0.0847]}),
]


class Wire(BaseModel):
    """Base of reply types; built from a view's attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True, populate_by_name=True)


class Deleted(Wire):
    """The reply to a delete."""

    deleted: Literal[True] = True
