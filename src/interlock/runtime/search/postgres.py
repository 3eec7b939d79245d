"""Both halves of a search on PostgreSQL: tsvector for words, pgvector for meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Row, TextClause, bindparam, text

from interlock.runtime.context import Ctx
from interlock.runtime.search.entries import Found, Query
from interlock.runtime.search.schema import search_entries
from interlock.runtime.search.words import Term, postgres_scope, postgres_words, terms_of

if TYPE_CHECKING:
    from interlock.runtime.search.entries import Vector

Labels: TypeAlias = list[list[str]]

COMMON = 2_000
EXACT = 5_000
"""Up to so many entries every vector is compared; beyond, the HNSW index is asked."""

_c = search_entries.c


def _typed(statement: str) -> TextClause:
    made = text(statement)
    types: dict[str, Any] = {
        "workspace": _c.workspace_id.type, "until": _c.until.type, "now": _c.until.type, "vector": _c.vector.type,
        "made": _c.vector.type,
    }  # fmt: skip
    return made.bindparams(*(bindparam(name, type_=kind) for name, kind in types.items() if f":{name}" in statement))


_MINE = "collection = :within AND workspace_id = :workspace"
_LIVE = f"{_MINE} AND (until IS NULL OR until > :now)"
_MATCHES = "words @@ (to_tsquery('english', :wanted) && to_tsquery('simple', :scope))"
_NEAR = "1 - (vector <=> :vector)"

PUT = _typed(
    "INSERT INTO search_entries (collection, workspace_id, number, text, scope, until, change, words)"
    " VALUES (:within, :workspace, :number, :text, :scope, :until, 0, setweight(to_tsvector('english', :plain), 'A')"
    " || to_tsvector('simple', :scope)) ON CONFLICT (collection, workspace_id, number) DO UPDATE SET"
    " text = excluded.text, scope = excluded.scope, until = excluded.until, words = excluded.words,"
    " vector = CASE WHEN search_entries.text = excluded.text THEN search_entries.vector END"
)
REMOVE = _typed(f"DELETE FROM search_entries WHERE {_MINE} AND number = :key")  # noqa: S608 - constants of this file
SET_VECTOR = _typed(
    f"UPDATE search_entries SET vector = :made WHERE {_MINE} AND id = :key AND text = :read"  # noqa: S608 - likewise
)
_BY_WORDS = (
    "SELECT number, text, {near} AS cosine FROM (SELECT number, text, vector, words FROM search_entries"  # noqa: S608 - likewise
    f" WHERE {_LIVE} AND {_MATCHES} {{newest}}) AS found"
    " ORDER BY ts_rank('{{0,0,0,1}}', words, to_tsquery('english', :wanted)) DESC, number DESC LIMIT :most"
)
_NEWEST = f"ORDER BY number DESC LIMIT {COMMON}"
_WORDS = {
    (has_vector, is_common): _typed(
        _BY_WORDS.format(near=_NEAR if has_vector else "NULL", newest=_NEWEST if is_common else "")
    )
    for has_vector in (False, True)
    for is_common in (False, True)
}
_ANY_BEYOND = _typed(f"SELECT 1 FROM search_entries WHERE {_MINE} AND {_MATCHES} OFFSET :beyond LIMIT 1")  # noqa: S608
_IS_LARGE = _typed(f"SELECT 1 FROM search_entries WHERE {_MINE} OFFSET :beyond LIMIT 1")  # noqa: S608
# Adding zero keeps the planner from the index, which only knows near neighbours of the whole table.
_BY_MEANING = {
    is_exact: _typed(
        f"SELECT number, {_NEAR} AS cosine FROM search_entries WHERE {_LIVE} AND vector IS NOT NULL"  # noqa: S608
        " AND words @@ to_tsquery('simple', :scope)"
        f" ORDER BY (vector <=> :vector){' + 0, number DESC' if is_exact else ''} LIMIT :most"
    )
    for is_exact in (False, True)
}
_THOROUGH = (text("SET LOCAL hnsw.iterative_scan = strict_order"), text("SET LOCAL hnsw.ef_search = 200"))


async def find(ctx: Ctx, collection: str, query: Query, scope: str, labels: Labels) -> Found:
    """Both halves, one after the other: a connection answers one question at a time."""
    values = {
        "within": collection, "workspace": ctx.workspace_id, "now": ctx.now, "scope": postgres_scope(scope, labels),
        "most": query.candidates,
    }  # fmt: skip
    near = [] if query.vector is None else await _nearest(ctx, values, query.vector)
    words = await _by_words(ctx, values, query)
    cosines = _known([*((row.number, row.cosine) for row in words), *near])
    return Found({row.number: row.text for row in words}, [number for number, _ in near], cosines)


def _known(pairs: Sequence[tuple[int, float | None]]) -> dict[int, float]:
    return {number: cosine for number, cosine in pairs if cosine is not None}


async def _nearest(ctx: Ctx, values: dict[str, Any], vector: Vector) -> list[tuple[int, float | None]]:
    session = await ctx.session()
    mine = {name: values[name] for name in ("within", "workspace")}
    is_exact = (await session.execute(_IS_LARGE, {**mine, "beyond": EXACT})).first() is None
    if not is_exact:
        for setting in _THOROUGH:
            await session.execute(setting)
    rows = await session.execute_long(_BY_MEANING[is_exact], {**values, "vector": vector})
    return [(row.number, row.cosine) for row in rows]


async def _by_words(ctx: Ctx, values: dict[str, Any], query: Query) -> Sequence[Row[Any]]:
    terms = terms_of(query.text)
    if not terms:
        return []
    session = await ctx.session()
    wanted, is_common = await _bounded(ctx, values, terms)
    given = {**values, "wanted": wanted}
    if query.vector is not None:
        given["vector"] = query.vector
    return (await session.execute_long(_WORDS[query.vector is not None, is_common], given)).all()


async def _bounded(ctx: Ctx, values: dict[str, Any], terms: Sequence[Term]) -> tuple[str, bool]:
    """A tsquery that few entries match; or, where every word is common, one to be asked of the newest alone."""
    session = await ctx.session()
    mine = {name: values[name] for name in ("within", "workspace", "scope")}

    async def has_beyond(wanted: str, beyond: int) -> bool:
        return (await session.execute(_ANY_BEYOND, {**mine, "wanted": wanted, "beyond": beyond})).first() is not None

    every = postgres_words(terms)
    if not await has_beyond(every, COMMON):
        return every, False
    rare = [term for term in terms if not await has_beyond(postgres_words([term]), COMMON)]
    if rare:
        return postgres_words(rare), False
    together = postgres_words(terms, joint="&")
    return (together if await has_beyond(together, 0) else every), True
