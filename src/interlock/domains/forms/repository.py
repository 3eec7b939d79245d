"""Rows of the forms domain."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from interlock.domains.forms.errors import slug_taken
from interlock.domains.forms.models import form_counts, form_submissions, forms
from interlock.domains.forms.states import FormStatus, SubmissionStatus
from interlock.domains.forms.views import Form, FormId, Submission, SubmissionId
from interlock.kit.errors import InterlockError
from interlock.kit.paging import ListSpec, Page, PageQuery
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository, insert_if_absent

_PARTS = 8
_BATCH = 1_000

_OWNER = select(forms.c.workspace_id).where(
    forms.c.guid == bindparam("key", type_=forms.c.guid.type), forms.c.status == FormStatus.PUBLISHED
)
_OWNER_OF_SLUG = select(forms.c.workspace_id).where(
    forms.c.slug == bindparam("slug"), forms.c.status == FormStatus.PUBLISHED
)
_BY_SLUG = select(forms).where(forms.c.workspace_id == bindparam("workspace"), forms.c.slug == bindparam("slug"))
# Senders do not hold one another up; whoever deletes the form waits for them, so that no answer is left behind.
_SHARED = (
    select(forms)
    .where(forms.c.guid == bindparam("key"), forms.c.workspace_id == bindparam("workspace"))
    .with_for_update(read=True, key_share=True)
)
_sent = form_submissions.c
_HOLD = (
    select(form_submissions)
    .where(_sent.guid == bindparam("key"), _sent.workspace_id == bindparam("workspace"))
    .with_for_update()
)
_OF_KEY = select(form_submissions).where(
    _sent.workspace_id == bindparam("workspace"),
    _sent.form_id == bindparam("form"),
    _sent.once_key == bindparam("once"),
)
_OF_FORM = (
    select(_sent.id)
    .where(_sent.workspace_id == bindparam("workspace"), _sent.form_id == bindparam("form"))
    .limit(_BATCH)
)
_AFTER = (
    select(form_submissions)
    .where(
        _sent.workspace_id == bindparam("workspace"),
        _sent.form_id == bindparam("form"),
        _sent.id > bindparam("after"),
    )
    .order_by(_sent.id)
    .limit(_BATCH)
)
_ERASE = delete(form_submissions).where(_sent.id.in_(_OF_FORM)).returning(_sent.id)
_OLD_SPAM = select(_sent.id).where(text("status = 'spam'"), _sent.created_at < bindparam("before")).limit(_BATCH)
_DROP_SPAM = delete(form_submissions).where(_sent.id.in_(_OLD_SPAM)).returning(_sent.id)
_DROP_COUNTS = delete(form_counts).where(form_counts.c.form_id == bindparam("form"))


def _count_one(dialect_insert: Any) -> Any:
    fresh = dialect_insert(form_counts).values(
        workspace_id=bindparam("workspace"), form_id=bindparam("form"), part=bindparam("part"), received=1
    )
    return fresh.on_conflict_do_update(
        index_elements=["form_id", "part"], set_={"received": form_counts.c.received + 1}
    )


_COUNT_SQLITE = _count_one(sqlite_insert)
_COUNT_POSTGRES = _count_one(postgres_insert)


class Forms(Repository[Form]):
    """Forms of a workspace, newest first."""

    table = forms
    view = Form
    thing = "form"
    listing = ListSpec(filters=frozenset({"status"}))

    def clash(self, error: IntegrityError) -> InterlockError | IntegrityError:
        """The slug is all that can be taken."""
        found = super().clash(error)
        return slug_taken() if isinstance(found, InterlockError) else found

    async def shared(self, key: FormId) -> Form | None:
        """The form, which stays until this unit of work ends."""
        session = await self.ctx.session()
        row = (await session.execute(_SHARED, {"key": key, "workspace": self.ctx.workspace_id})).first()
        return None if row is None else self.to_view(row)

    async def by_slug(self, slug: str) -> Form | None:
        """The form at an address."""
        session = await self.ctx.session()
        row = (await session.execute(_BY_SLUG, {"slug": slug, "workspace": self.ctx.workspace_id})).first()
        return None if row is None else self.to_view(row)


class Submissions(Repository[Submission]):
    """Submissions of a form, newest first; listed by form only."""

    table = form_submissions
    view = Submission
    thing = "submission"

    async def hold(self, key: SubmissionId) -> Submission | None:
        """The submission, which nobody else changes until this unit of work ends."""
        session = await self.ctx.session()
        row = (await session.execute(_HOLD, {"key": key, "workspace": self.ctx.workspace_id})).first()
        return None if row is None else self.to_view(row)

    async def add_once(self, values: Mapping[str, Any]) -> bool:
        """Insert a submission unless its key was used for this form before; tells which."""
        return await insert_if_absent(self.ctx, self.table, {"workspace_id": self.ctx.workspace_id, **values})

    async def of_key(self, form_id: FormId, once_key: str) -> Submission | None:
        """The submission that a key was used for."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "form": form_id, "once": once_key}
        row = (await session.execute(_OF_KEY, parameters)).first()
        return None if row is None else self.to_view(row)

    async def of_form(self, form_id: FormId, query: PageQuery, status: SubmissionStatus | None) -> Page[Submission]:
        """A page of a form's submissions."""
        conditions = [_sent.workspace_id == self.ctx.workspace_id, _sent.form_id == form_id]
        if status is not None:
            conditions.append(_sent.status == status)
        return await self.page_where(query, conditions)

    async def after(self, form_id: FormId, number: int) -> list[Submission]:
        """The next of a form's submissions, oldest first."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "form": form_id, "after": number}
        return [self.to_view(row) for row in await session.execute_long(_AFTER, parameters)]

    async def erase(self, form_id: FormId) -> bool:
        """Delete a batch of a form's submissions; tells whether there may be more."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "form": form_id}
        return len((await session.execute_long(_ERASE, parameters)).all()) == _BATCH


async def owner(ctx: Ctx, form_id: FormId) -> WorkspaceId | None:
    """Whose published form this is."""
    found: WorkspaceId | None = (await (await ctx.session()).execute(_OWNER, {"key": form_id})).scalar()
    return found


async def owner_of_slug(ctx: Ctx, slug: str) -> WorkspaceId | None:
    """Whose published form is at an address."""
    found: WorkspaceId | None = (await (await ctx.session()).execute(_OWNER_OF_SLUG, {"slug": slug})).scalar()
    return found


async def count_one(ctx: Ctx, submission: SubmissionId, form_id: FormId) -> None:
    """Count a submission; which part of the count it goes to follows from the random end of its id."""
    session = await ctx.session()
    part = submission.int % _PARTS if session.is_postgres else 0
    parameters = {"workspace": ctx.workspace_id, "form": form_id, "part": part}
    await session.execute(_COUNT_POSTGRES if session.is_postgres else _COUNT_SQLITE, parameters)


async def counts(ctx: Ctx, form_ids: Sequence[FormId]) -> dict[FormId, int]:
    """How often each of these forms was sent in."""
    if not form_ids:
        return {}
    column = form_counts.c
    statement = (
        select(column.form_id, func.sum(column.received).label("received"))
        .where(column.workspace_id == ctx.workspace_id, column.form_id.in_(form_ids))
        .group_by(column.form_id)
    )
    rows: Sequence[Row[Any]] = (await (await ctx.session()).execute(statement)).all()
    return {row.form_id: int(row.received) for row in rows}


async def forget_counts(ctx: Ctx, form_id: FormId) -> None:
    """Drop a deleted form's count."""
    await (await ctx.session()).execute(_DROP_COUNTS, {"form": form_id})


async def drop_spam(ctx: Ctx, before: Any) -> bool:
    """Delete a batch of old spam of every workspace; tells whether there may be more."""
    rows = (await (await ctx.session()).execute_long(_DROP_SPAM, {"before": before})).all()
    return len(rows) == _BATCH
