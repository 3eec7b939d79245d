"""Rows of the documents domain."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, insert, select, update

from interlock.domains.documents.models import document_blobs, document_chunks, document_versions, documents
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import BlobId, ChunkId, Document, DocumentId, VersionId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

_versions, _blobs, _chunks = document_versions.c, document_blobs.c, document_chunks.c
_OF_VERSION = (
    _versions.workspace_id == bindparam("workspace"),
    _versions.document_id == bindparam("document"),
    _versions.number == bindparam("version"),
)
_OF_CHUNKS = (_chunks.workspace_id == bindparam("workspace"), _chunks.document_id == bindparam("document"))
_BLOB = select(_blobs.guid).where(_blobs.workspace_id == bindparam("workspace"), _blobs.sha256 == bindparam("sha256"))
_CONTENT = (
    select(_blobs.content)
    .join(document_versions, _versions.blob_id == _blobs.guid)
    .where(*_OF_VERSION, _blobs.workspace_id == bindparam("workspace"))
)
_ADD_VERSION = insert(document_versions)
_SET_TEXT = update(document_versions).where(*_OF_VERSION).values(text=bindparam("words"))
_TEXT = select(
    func.substr(_versions.text, bindparam("after") + 1, bindparam("most")).label("stretch"),
    func.length(_versions.text).label("total"),
).where(*_OF_VERSION)
_BLOBS_OF = (
    select(_blobs.guid, _blobs.sha256)
    .join(document_versions, _versions.blob_id == _blobs.guid)
    .where(*_OF_VERSION[:2], _blobs.workspace_id == bindparam("workspace"))
)
_DROP_VERSIONS = delete(document_versions).where(*_OF_VERSION[:2])
_DROP_BLOB = delete(document_blobs).where(
    _blobs.workspace_id == bindparam("workspace"),
    _blobs.guid == bindparam("blob"),
    ~exists().where(_versions.blob_id == _blobs.guid),
)
_ADD_CHUNKS = insert(document_chunks)
_NUMBERS = select(_chunks.id).where(*_OF_CHUNKS).order_by(_chunks.position).limit(bindparam("most"))
_NUMBERS_FROM = select(_chunks.id).where(*_OF_CHUNKS, _chunks.position >= bindparam("first")).order_by(_chunks.position)
_DROP_CHUNKS = delete(document_chunks).where(_chunks.id.in_(_NUMBERS))


class Documents(Repository[Document]):
    """Documents of a workspace, newest first."""

    table = documents
    view = Document
    thing = "document"
    listing = ListSpec(filters=frozenset({"status"}))

    async def hold(self, key: DocumentId) -> None:
        """Keep others from changing this document's parts until the unit of work ends."""
        await (await self.ctx.session()).lock(f"document:{key}")

    async def present(self, keys: Sequence[DocumentId]) -> set[DocumentId]:
        """Which of these are documents of the workspace."""
        columns = documents.c
        statement = select(columns.guid).where(columns.guid.in_(keys), columns.workspace_id == self.ctx.workspace_id)
        return set((await (await self.ctx.session()).execute(statement)).scalars())

    async def move(self, key: DocumentId, sources: Iterable[DocumentStatus], **values: Any) -> bool:
        """Change a document that is in one of these states; tells whether it was."""
        columns = documents.c
        statement = (
            update(documents)
            .where(
                columns.guid == key,
                columns.workspace_id == self.ctx.workspace_id,
                columns.status.in_(sorted(sources)),
            )
            .values(**values, updated_at=self.ctx.now)
        )
        return (await (await self.ctx.session()).execute(statement)).rowcount == 1


class Parts:
    """What a document consists of: versions, their bytes and text, and the chunks of the newest text."""

    def __init__(self, ctx: Ctx, document: DocumentId) -> None:
        self._ctx = ctx
        self._mine = {"workspace": ctx.workspace_id, "document": document}
        self._document = document

    async def add_version(self, number: int, sha256: str, content: bytes) -> None:
        """Keep bytes as a version; those the workspace holds already are not stored again."""
        session = await self._ctx.session()
        await self._hold_bytes(sha256)
        owned = {"workspace": self._ctx.workspace_id, "sha256": sha256}
        blob: BlobId | None = (await session.execute(_BLOB, owned)).scalar()
        if blob is None:
            blob = BlobId.new()
            row = {"guid": blob, "workspace_id": self._ctx.workspace_id, "sha256": sha256, "content": content}
            await session.execute_long(insert(document_blobs), row)
        version = {
            "guid": VersionId.new(),
            "workspace_id": self._ctx.workspace_id,
            "document_id": self._document,
            "number": number,
            "blob_id": blob,
            "created_at": self._ctx.now,
        }
        await session.execute(_ADD_VERSION, version)

    async def content(self, version: int) -> bytes:
        """The bytes of a version."""
        session = await self._ctx.session()
        found = await session.execute_long(_CONTENT, {**self._mine, "version": version})
        return bytes(found.scalar_one())

    async def set_text(self, version: int, text: str) -> None:
        """Keep what was read of a version."""
        session = await self._ctx.session()
        await session.execute_long(_SET_TEXT, {**self._mine, "version": version, "words": text})

    async def text(self, version: int, first: int, most: int) -> tuple[str, int]:
        """A stretch of what was read of a version, and how long the whole is; empty before it was read."""
        session = await self._ctx.session()
        values = {**self._mine, "version": version, "after": first, "most": most}
        row = (await session.execute_long(_TEXT, values)).one()
        return row.stretch or "", row.total or 0

    async def add_chunks(self, first: int, spans: Sequence[tuple[int, int, str]]) -> list[int]:
        """Add chunks from a position on; returns their numbers."""
        rows = [
            {
                "guid": ChunkId.new(),
                "workspace_id": self._ctx.workspace_id,
                "document_id": self._document,
                "position": position,
                "first_character": start,
                "after_character": end,
                "locator": locator,
            }
            for position, (start, end, locator) in enumerate(spans, start=first)
        ]
        session = await self._ctx.session()
        await session.execute_long(_ADD_CHUNKS, rows)
        return list((await session.execute(_NUMBERS_FROM, {**self._mine, "first": first})).scalars())

    async def drop_chunks(self, most: int) -> list[int]:
        """Delete some chunks; returns the numbers they had, none when none are left."""
        session = await self._ctx.session()
        numbers = list((await session.execute(_NUMBERS, {**self._mine, "most": most})).scalars())
        if numbers:
            await session.execute(_DROP_CHUNKS, {**self._mine, "most": most})
        return numbers

    async def drop_versions(self) -> None:
        """Delete every version, and the bytes that nobody else holds."""
        session = await self._ctx.session()
        blobs = {row.guid: row.sha256 for row in await session.execute(_BLOBS_OF, self._mine)}
        await session.execute_long(_DROP_VERSIONS, self._mine)
        for blob, sha256 in sorted(blobs.items()):  # in order, so that two who do this cannot wait for each other
            await self._hold_bytes(sha256)
            await session.execute_long(_DROP_BLOB, {"workspace": self._ctx.workspace_id, "blob": blob})

    async def _hold_bytes(self, sha256: str) -> None:
        """Bytes must not be dropped by one while another finds that it need not store them again."""
        await (await self._ctx.session()).lock(f"blob:{self._ctx.workspace_id}:{sha256}")


async def places(ctx: Ctx, numbers: Sequence[int]) -> Sequence[Row[Any]]:
    """Of these chunks: number, document, its title, locator, and first character."""
    statement = (
        select(_chunks.id, _chunks.document_id, documents.c.title, _chunks.locator, _chunks.first_character)
        .join(documents, documents.c.guid == _chunks.document_id)
        .where(_chunks.id.in_(numbers), _chunks.workspace_id == ctx.workspace_id)
    )
    return (await (await ctx.session()).execute(statement)).all()
