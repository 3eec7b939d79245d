"""Column vocabulary of every table: typed ids, aware moments, money as nano-dollars, enums with CHECK constraints."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, DateTime, Integer, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from interlock.kit.ids import TypedId
from interlock.kit.money import from_nano, to_nano

IdT = TypeVar("IdT", bound=TypedId)
EnumT = TypeVar("EnumT", bound=StrEnum)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigInt = BigInteger().with_variant(Integer, "sqlite")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class IdType(TypeDecorator[IdT], Generic[IdT]):
    """A typed id: native uuid on PostgreSQL, 32 hex digits on SQLite."""

    impl = Uuid(as_uuid=True)
    cache_ok = True

    def __init__(self, kind: type[IdT]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> UUID | None:
        """A plain UUID for the driver."""
        return None if value is None else UUID(int=value.int)

    def process_result_value(self, value: UUID | None, dialect: Dialect) -> IdT | None:
        """The typed id again."""
        return None if value is None else self.kind.of(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite straight to the digits, without a UUID in between."""
        return _digits if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """On SQLite straight from the digits."""
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        numbered = self.kind.numbered
        return lambda text: None if text is None else numbered(int(text, 16))


def _digits(value: UUID | None) -> str | None:
    return None if value is None else f"{value.int:032x}"


class Moment(TypeDecorator[datetime]):
    """An aware UTC instant; refuses a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, naive for SQLite's text format."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        utc = _utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware again."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite straight to SQLAlchemy's text format."""
        return _moment_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """On SQLite straight from the text."""
        return _moment_of if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _utc(value: datetime) -> datetime:
    """In UTC; a moment that is outside of the calendar there is the calendar's first or last."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return _FIRST if value.year == 1 else _LAST


def _moment_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return _utc(value).isoformat(" ", "microseconds").removesuffix("+00:00")


def _moment_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


class MoneyType(TypeDecorator[Decimal]):
    """US dollars as whole nano-dollars, so that SUM is exact on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Nano-dollars."""
        return _nano(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Dollars; PostgreSQL sums BIGINT into NUMERIC, hence the int()."""
        return _dollars(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Without SQLAlchemy's detour over the method above."""
        return _nano

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Likewise."""
        return _dollars


def _nano(value: Decimal | None) -> int | None:
    return None if value is None else to_nano(value)


def _dollars(value: int | None) -> Decimal | None:
    return None if value is None else from_nano(int(value))


class StateType(TypeDecorator[EnumT], Generic[EnumT]):
    """A StrEnum stored by value; pair it with `state_check` for the CHECK constraint."""

    impl = String(40)
    cache_ok = True

    def __init__(self, kind: type[EnumT]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: EnumT | None, dialect: Dialect) -> str | None:
        """The value's text; text that is no member is refused."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> EnumT | None:
        """The member."""
        return None if value is None else self.kind(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Without SQLAlchemy's detour over the method above."""
        kind = self.kind
        return lambda value: None if value is None else kind(value).value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Likewise."""
        kind = self.kind
        return lambda text: None if text is None else kind(text)


def key() -> Column[int]:
    """The integer primary key every row has."""
    return Column("id", BigInt, primary_key=True, autoincrement=True)


def guid(kind: type[TypedId]) -> Column[Any]:
    """The public identity every row has."""
    return Column("guid", IdType(kind), nullable=False, unique=True)


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """An instant."""
    return Column(name, Moment(), nullable=nullable)


def money(name: str, *, nullable: bool = False) -> Column[Decimal]:
    """An amount of US dollars."""
    return Column(name, MoneyType(), nullable=nullable)


def reference(name: str, kind: type[TypedId], *, nullable: bool = False, index: bool = False) -> Column[Any]:
    """Another row's public identity. Across domains there is no foreign key: history must outlive what it points at."""
    return Column(name, IdType(kind), nullable=nullable, index=index)


def state(name: str, kind: type[StrEnum], *, nullable: bool = False) -> tuple[Column[Any], CheckConstraint]:
    """An enum column and the constraint that holds it to the enum's members."""
    allowed = ", ".join(f"'{member.value}'" for member in kind)
    return Column(name, StateType(kind), nullable=nullable), CheckConstraint(f"{name} IN ({allowed})", name=name)
