"""Search by words and by meaning for any domain's rows: full text, vectors, and their fusion, on both databases.

A domain names a collection, hands in what may be found when it writes, and asks:

    PASSAGES = Collection("passages")                                          # once per domain

    await PASSAGES.put(ctx, [Entry(row.number, row.text, {"document:kb_1"})])  # in the unit that writes the row
    await PASSAGES.remove(ctx, [row.number])                                   # in the unit that deletes it

    vector = await llm.vector_of(ctx, text)                                    # before a unit is open; None without AI
    async with ctx.begin(write=False) as unit:
        hits = await PASSAGES.search(unit, Query(text, vector, top_k=5, labels=[{"document:kb_1", "document:kb_2"}]))

    PASSAGES.register(runtime.jobs, llm.vectors_of)                            # main.py: who makes the vectors

Numbers are the integer keys of the domain's rows; a larger one counts as newer. An entry is found by its words as soon
as its unit of work is durable, and by its meaning once a job has made its vector: entries that wait are embedded many
to a model call, and a flood of writes makes few jobs. Labels filter before anything is ranked: each set in `labels`
must be met by at least one of its members. `until` is the moment after which an entry is no longer found.

Where the truth lies: table `search_entries`, vectors included. On SQLite an FTS5 index is kept in step by triggers, and
the vectors of a workspace are searched exactly in memory: loaded at the first question, then caught up from a counter
of changes at every further one, so that a rollback or another process cannot leave them wrong. On PostgreSQL the words
are a tsvector under a GIN index and the vectors a pgvector column, exact up to a few thousand entries, HNSW beyond.
"""

from interlock.runtime.search.collection import Collection
from interlock.runtime.search.entries import Entry, Hit, Query
from interlock.runtime.search.fusion import fuse, fused_score
from interlock.runtime.search.schema import DIMENSIONS
from interlock.runtime.search.sqlite import purge

PURGE = "search.purge"
"""The name under which main.py has `purge` run every day."""

__all__ = ["DIMENSIONS", "PURGE", "Collection", "Entry", "Hit", "Query", "fuse", "fused_score", "purge"]
