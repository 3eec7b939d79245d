"""The base of every repository: one table, one frozen view, always filtered by workspace."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Row, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ClauseElement, ColumnElement, Executable

from interlock.kit.errors import InterlockError, conflict, not_found
from interlock.kit.ids import TypedId
from interlock.kit.paging import ListSpec, Page, PageQuery
from interlock.runtime.context import Ctx

ViewT = TypeVar("ViewT", bound=BaseModel)


class Repository(Generic[ViewT]):
    """Rows in, views out. Statements are built once per class: building one costs more than running it.

    Subclasses set `table`, `view`, `thing` (its name in messages) and `listing`. Columns named like view fields fill
    them; override `to_view` where they differ.
    """

    table: ClassVar[Table]
    view: type[ViewT]
    thing: ClassVar[str]
    listing: ClassVar[ListSpec] = ListSpec()

    _get: ClassVar[Executable]
    _insert: ClassVar[Executable]
    _delete: ClassVar[Executable]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        columns = cls.table.c
        mine = (columns.guid == bindparam("key"), columns.workspace_id == bindparam("workspace"))
        cls._get = select(cls.table).where(*mine)
        cls._insert = insert(cls.table).returning(cls.table.c.id)
        cls._delete = delete(cls.table).where(*mine)

    def __init__(self, ctx: Ctx) -> None:
        self.ctx = ctx

    def to_view(self, row: Row[Any]) -> ViewT:
        """The frozen view of a row; the public identity becomes `id`, the integer key `number`."""
        values = dict(row._mapping)
        values["number"] = values.pop("id")
        values["id"] = values.pop("guid")
        return self.view.model_validate(values)

    async def find(self, key: TypedId) -> ViewT | None:
        """The view, or None when absent or another workspace's."""
        session = await self.ctx.session()
        row = (await session.execute(self._get, {"key": key, "workspace": self.ctx.workspace_id})).first()
        return None if row is None else self.to_view(row)

    async def get(self, key: TypedId) -> ViewT:
        """The view; raises not_found when absent or another workspace's."""
        found = await self.find(key)
        if found is None:
            raise not_found(self.thing, key)
        return found

    async def add(self, key: TypedId, **values: Any) -> ViewT:
        """Insert a row of this workspace; raises conflict where a unique value is taken."""
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
        session = await self.ctx.session()
        try:
            result = await session.execute(self._insert, row)
        except IntegrityError as error:
            raise self.clash(error) from error
        return self.view.model_validate({**row, "id": key, "number": result.scalar_one()})

    def clash(self, error: IntegrityError) -> InterlockError | IntegrityError:
        """What a broken constraint means to the caller; only unique ones are the caller's doing."""
        if "unique" not in str(error.orig).lower():
            return error
        return conflict(f"A {self.thing} with the same unique value exists already.", thing=self.thing)

    async def change(
        self, key: TypedId, values: Mapping[str, Any], *, where: Iterable[ColumnElement[bool]] = ()
    ) -> ViewT:
        """Update a row and return it as it then stands; `where` makes it a compare-and-set.

        Raises:
            InterlockError: not_found when there is no such row, conflict when `where` no longer holds.
        """
        columns = self.table.c
        statement = (
            update(self.table)
            .where(columns.guid == key, columns.workspace_id == self.ctx.workspace_id, *where)
            .values(**values)
            .returning(self.table)
        )
        session = await self.ctx.session()
        try:
            row = (await session.execute(statement)).first()
        except IntegrityError as error:
            raise self.clash(error) from error
        if row is not None:
            return self.to_view(row)
        await self.get(key)
        raise conflict(f"This {self.thing} has been changed by someone else or is in another state.")

    async def remove(self, key: TypedId) -> None:
        """Delete a row; raises not_found when there is none."""
        session = await self.ctx.session()
        result = await session.execute(self._delete, {"key": key, "workspace": self.ctx.workspace_id})
        if result.rowcount == 0:
            raise not_found(self.thing, key)

    async def page(self, query: PageQuery, filters: Mapping[str, Any] | None = None) -> Page[ViewT]:
        """A page in the listing's order; filters with value None are left out, undeclared ones raise."""
        columns = self.table.c
        wanted = {name: value for name, value in (filters or {}).items() if value is not None}
        undeclared = set(wanted) - self.listing.filters
        if undeclared:
            raise ValueError(f"{self.thing} list has no filter {sorted(undeclared)}")
        conditions = [
            columns.workspace_id == self.ctx.workspace_id,
            *(columns[name] == value for name, value in wanted.items()),
        ]
        return await self.page_where(query, conditions)

    async def page_where(self, query: PageQuery, conditions: list[ColumnElement[bool]]) -> Page[ViewT]:
        """A page of the rows that meet the conditions (which must include the workspace)."""
        columns = self.table.c
        order = columns[self.listing.order]
        directed = (order.desc(), columns.id.desc()) if self.listing.descending else (order, columns.id)
        session = await self.ctx.session()
        statement = select(self.table).where(*conditions).order_by(*directed).limit(query.limit).offset(query.offset)
        # With a filter or an offset, many rows may have to be passed over before the page is full.
        is_long = len(conditions) > 1 or query.offset > 0
        rows = (await (session.execute_long if is_long else session.execute)(statement)).all()
        total = None
        if self.listing.counted:
            counting = select(func.count()).select_from(self.table).where(*conditions)
            total = (await session.execute_long(counting)).scalar_one()
        return Page(tuple(self.to_view(row) for row in rows), query.limit, query.offset, total)


async def insert_if_absent(ctx: Ctx, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique value is taken already; tells which. Safe against simultaneous first uses."""
    session = await ctx.session()
    statement = _insert_unless_there(table, is_postgres=session.is_postgres)
    computed = {name: value for name, value in values.items() if isinstance(value, ClauseElement)}
    if computed:
        statement = statement.values(**computed)
    plain = {name: value for name, value in values.items() if name not in computed}
    return (await session.execute(statement, plain)).first() is not None


@cache
def _insert_unless_there(table: Table, *, is_postgres: bool) -> Any:
    """The statement of a table, built once: building it costs more than running it."""
    dialect_insert = postgres_insert if is_postgres else sqlite_insert
    return dialect_insert(table).on_conflict_do_nothing().returning(table.c.id)
