"""Typed public identities: a UUIDv7 per row, rendered as TypeID text, and read back from any of its spellings.

Sources: RFC 9562 section 5.7 (UUIDv7), the TypeID specification 0.3 (Crockford base32, 26 characters).
"""

import os
import re
import time
from collections.abc import Callable
from typing import Any, ClassVar, Self
from uuid import UUID, SafeUUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_PAIR_SHIFTS = range(120, -10, -10)
_VALUES = {char: index for index, char in enumerate(_ALPHABET)}
_TEXT_LENGTH = 26
_UUID_BITS = 128
_ANY_PREFIX = re.compile(r"[a-z]{0,20}")
# Stricter than UUID(), which also takes braces, stray dashes, signs and digits of other scripts: one id, few spellings.
_UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(?:\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")


class _Monotonic:
    """Last millisecond and counter, so that ids of one process sort in the order they were made."""

    millisecond = 0
    counter = 0


def uuid7_int() -> int:
    """A time-ordered 128-bit value: 48 bits of milliseconds, a 12-bit counter, 62 random bits."""
    now = time.time_ns() // 1_000_000
    if now > _Monotonic.millisecond:
        _Monotonic.millisecond = now
        _Monotonic.counter = int.from_bytes(os.urandom(1), "big")
    else:
        _Monotonic.counter += 1
        if _Monotonic.counter > 0xFFF:
            _Monotonic.millisecond += 1
            _Monotonic.counter = 0
    tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return (_Monotonic.millisecond << 80) | (0x7 << 76) | (_Monotonic.counter << 64) | (0b10 << 62) | tail


# UUID() first finds out which of six spellings it was given, which costs more than the rest of reading a row.
_set_number: Callable[[UUID, int], None] = UUID.__dict__["int"].__set__
_set_safety: Callable[[UUID, SafeUUID], None] = UUID.__dict__["is_safe"].__set__


class TypedId(UUID):
    """A UUIDv7 with a kind. Subclasses name the prefix; `str()` gives `agent_01h455vb4pex5vsknk084sn02q`."""

    prefix: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def new(cls) -> Self:
        """A fresh identity, later than all this process made before."""
        return cls.numbered(uuid7_int())

    @classmethod
    def numbered(cls, number: int) -> Self:
        """The identity with this 128-bit value, which the caller knows to be one."""
        made = object.__new__(cls)
        _set_number(made, number)
        _set_safety(made, SafeUUID.unknown)
        return made

    @classmethod
    def of(cls, value: UUID) -> Self:
        """The same identity as a value of this kind."""
        return cls.numbered(value.int)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the native text, or a plain UUID.

        Raises:
            ValueError: the text is neither.
        """
        prefix, mark, digits = text.rpartition("_")
        if mark and len(digits) == _TEXT_LENGTH and cls._is_named(prefix):
            return cls(int=_from_base32(digits))
        if _UUID_TEXT.fullmatch(text) is None:
            raise ValueError("this is neither a native id nor a UUID")
        return cls(text)

    @classmethod
    def _is_named(cls, prefix: str) -> bool:
        if not cls.prefix:  # an id of whatever kind, where a lower domain refers to a higher one's things
            return _ANY_PREFIX.fullmatch(prefix) is not None
        return prefix == cls.prefix or prefix in cls.aliases

    def render(self, prefix: str | None = None) -> str:
        """The native text; another prefix may be asked for where one thing has two names."""
        return f"{prefix or self.prefix}_{_to_base32(self.int)}"

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return self.render()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "examples": [f"{cls.prefix or 'run'}_01h455vb4pex5vsknk084sn02q"]}

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, UUID):
            return cls.of(value)
        if isinstance(value, str):
            try:
                return cls.parse(value)
            except ValueError:
                pass
        example = f"{cls.prefix or 'run'}_01h455vb4pex…"
        raise PydanticCustomError("id", "must be an id such as {example}", {"example": example})


class AgentId(TypedId):
    """An agent's identity; here because evidence, money and approvals of lower domains name agents."""

    prefix: ClassVar[str] = "agent"


class WorkflowId(TypedId):
    """A workflow's identity; here because runs and money of lower domains name workflows."""

    prefix: ClassVar[str] = "wf"


class RunId(TypedId):
    """An execution's identity; here because evidence, money and approvals of lower domains name runs."""

    prefix: ClassVar[str] = "run"


def _to_base32(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _PAIR_SHIFTS])


def _from_base32(text: str) -> int:
    value = 0
    for char in text:
        if char not in _VALUES:
            raise ValueError(f"'{char}' is not a base32 digit")
        value = (value << 5) | _VALUES[char]
    if value >> _UUID_BITS:
        raise ValueError("the id is larger than 128 bits")
    return value


def short_text(value: UUID) -> str:
    """The 22-character base64url spelling."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    padded = value.int << 4
    return "".join(alphabet[(padded >> shift) & 63] for shift in range(126, -6, -6))
