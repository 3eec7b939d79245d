"""A domain's searchable rows: put, remove, search, and have their vectors made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from interlock.kit.operations import Nothing
from interlock.runtime.search import embedding, postgres, sqlite
from interlock.runtime.search.entries import Entry, Found, Hit, Query
from interlock.runtime.search.fusion import fuse
from interlock.runtime.search.schema import search_entries
from interlock.runtime.search.words import (
    coverage,
    is_named,
    label_token,
    plain,
    scope_of,
    scope_token,
    storable,
    terms_of,
)

if TYPE_CHECKING:
    from interlock.runtime.context import Ctx
    from interlock.runtime.jobs import Jobs
    from interlock.runtime.search.embedding import Embed
    from interlock.runtime.search.words import Term

_TELLING = 0.5

_c = search_entries.c
_TEXTS = select(_c.number, _c.text).where(
    _c.collection == bindparam("within"),
    _c.workspace_id == bindparam("workspace"),
    _c.number.in_(bindparam("numbers", expanding=True)),
    _c.removed_at.is_(None),
)
_ANY = (
    select(_c.id)
    .where(_c.collection == bindparam("within"), _c.workspace_id == bindparam("workspace"), _c.removed_at.is_(None))
    .limit(1)
)


class Collection:
    """The searchable rows of one table.

    Args:
        name: unique, lower-case letters only.
        by_meaning: whether vectors are made; without them words are all that is compared, and nothing is registered.
    """

    def __init__(self, name: str, *, by_meaning: bool = True) -> None:
        if not (name.isascii() and name.isalpha() and name.islower()):
            raise ValueError(f"a collection's name is of lower-case letters, not {name!r}")
        self.name = name
        self.by_meaning = by_meaning

    @property
    def job(self) -> str:
        """The name of the job that makes vectors."""
        return f"search.embed_{self.name}"

    def register(self, jobs: Jobs, embed: Embed) -> None:
        """Say who makes the vectors; called once by the composition root."""
        jobs.register(self.job, Nothing, partial(_embed, self.name, embed))

    async def put(self, ctx: Ctx, entries: Sequence[Entry]) -> None:
        """Have entries found from now on, instead of what was known under their numbers."""
        if not entries:
            return
        session = await ctx.session()
        values = [self._values(ctx, entry, is_postgres=session.is_postgres) for entry in entries]
        await session.execute(
            postgres.PUT if session.is_postgres else sqlite.PUT, values[0] if len(values) == 1 else values
        )
        if self.by_meaning:
            await embedding.ask(ctx, self.name, self.job)

    def _values(self, ctx: Ctx, entry: Entry, *, is_postgres: bool) -> dict[str, Any]:
        text = storable(entry.text)
        values = {
            "within": self.name, "number": entry.number, "text": text, "until": entry.until,
            "scope": scope_of(self.name, ctx.workspace_id, entry.labels), "workspace": ctx.workspace_id,
        }  # fmt: skip
        if is_postgres:
            return {**values, "plain": plain(text)}
        return {**values, "collection": self.name, "workspace_id": ctx.workspace_id}

    async def remove(self, ctx: Ctx, numbers: Iterable[int]) -> None:
        """Have these not found any more; their text and vectors are gone."""
        session = await ctx.session()
        statement = postgres.REMOVE if session.is_postgres else sqlite.REMOVE
        mine = {"within": self.name, "workspace": ctx.workspace_id}
        for number in numbers:
            values: dict[str, Any] = {**mine, "key": number}
            await session.execute(statement, values if session.is_postgres else {**values, "now": ctx.now})

    async def is_empty(self, ctx: Ctx) -> bool:
        """Whether nothing can be found, so that a question's vector need not be made."""
        values = {"within": self.name, "workspace": ctx.workspace_id}
        return (await (await ctx.session()).execute(_ANY, values)).first() is None

    async def search(self, ctx: Ctx, query: Query) -> tuple[Hit, ...]:
        """The best matches of words and of meaning, fused by rank; newer first where equal."""
        session = await ctx.session()
        labels = [[label_token(label) for label in alternatives] for alternatives in query.labels]
        if not all(labels):
            return ()  # nothing meets an empty set
        scope = scope_token(self.name, ctx.workspace_id)
        find = postgres.find if session.is_postgres else sqlite.find
        found = await find(ctx, self.name, query, scope, labels)
        terms = terms_of(query.text)
        by_words = _telling(found, terms) if query.vector is not None else list(found.by_words)
        best = fuse((by_words, found.by_meaning), tie=int.__neg__)[: query.top_k]
        if not best:
            return ()
        word_ranks, meaning_ranks = _ranks(by_words), _ranks(found.by_meaning)
        values = {"within": self.name, "workspace": ctx.workspace_id, "numbers": best}
        texts: dict[int, str] = {row.number: row.text for row in await session.execute(_TEXTS, values)}
        return tuple(
            Hit(
                number,
                texts[number],
                found.cosines.get(number),
                coverage(terms, texts[number]),
                is_named(terms, texts[number]),
                word_ranks.get(number),
                meaning_ranks.get(number),
            )
            for number in best
            if number in texts
        )


def _ranks(ranking: Sequence[int]) -> dict[int, int]:
    return {number: rank for rank, number in enumerate(ranking, start=1)}


def _telling(found: Found, terms: Sequence[Term]) -> list[int]:
    """The matches of words that say something beside those of meaning.

    An identifier settles it. Otherwise half of the telling words must occur: single shared words would push what they
    happen to occur in above what was meant. What has no vector yet can be found by its words alone, so it stays.
    """
    named = [number for number, text in found.by_words.items() if is_named(terms, text)]
    return named or [
        number
        for number, text in found.by_words.items()
        if number not in found.cosines or coverage(terms, text) >= _TELLING
    ]


async def _embed(collection: str, embed: Embed, ctx: Ctx, _: Nothing) -> None:
    await embedding.fill(ctx, collection, embed)
