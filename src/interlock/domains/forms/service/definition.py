"""Operations on forms: define, read, change, delete."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from interlock.domains.forms import links, repository
from interlock.domains.forms.jobs import ERASE, EraseSubmissions
from interlock.domains.forms.repository import Forms
from interlock.domains.forms.states import LIFECYCLE, FormStatus
from interlock.domains.forms.views import Form, FormField, FormId
from interlock.domains.tables.views import TableId
from interlock.kit.errors import forbidden, invalid
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx

SLUG = r"^[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?$"
_ORIGIN = r"^https?://[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?(:[0-9]{1,5})?$"
_NEEDED = ("name", "slug", "fields", "status", "embed_origins")

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="The heading of its page.")]
Slug = Annotated[str, Field(pattern=SLUG, description="The page is at /f/{slug}; unique on the server.")]
Words = Annotated[str, Field(max_length=5_000)]
Fields = Annotated[tuple[FormField, ...], Field(min_length=1, max_length=100)]
Origins = Annotated[
    tuple[Annotated[str, Field(pattern=_ORIGIN)], ...],
    Field(max_length=20, description="Sites that may show the page in a frame, such as https://example.com."),
]


def _check_names(fields: tuple[FormField, ...] | None) -> None:
    names = [field.name for field in fields or ()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"field '{twice[0]}' is there twice; every field needs a name of its own")


class CreateForm(Command):
    """What a form asks, and what its answers lead to."""

    name: Name
    slug: Slug
    fields: Fields
    description: Words | None = None
    thanks: Annotated[Words, Field(description="What the page says after sending.")] | None = None
    linked_table: TableId | None = None
    trigger_workflow: WorkflowId | None = None
    embed_origins: Origins = ()
    status: FormStatus = FormStatus.PUBLISHED

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        _check_names(self.fields)
        return self


class UpdateForm(Command):
    """The fields to change; absent ones stay."""

    form_id: FormId
    name: Name | None = None
    slug: Slug | None = None
    fields: Fields | None = None
    description: Words | None = None
    thanks: Words | None = None
    linked_table: TableId | None = None
    trigger_workflow: WorkflowId | None = None
    embed_origins: Origins | None = None
    status: FormStatus | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        _check_names(self.fields)
        return self


class FormRef(Command):
    """Which form."""

    form_id: FormId


class ListForms(PageQuery):
    """Which forms, and which page of them."""

    status: FormStatus | None = None


@operation("forms.create", scope="forms", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateForm) -> Form:
    """Define a form with a public page, and bind it to a table and a workflow if wanted."""
    await _check_links(ctx, command.linked_table, command.trigger_workflow)
    return await Forms(ctx).add(
        FormId.new(),
        name=command.name,
        slug=command.slug,
        description=command.description,
        thanks=command.thanks,
        fields=_plain(command.fields),
        linked_table=command.linked_table,
        trigger_workflow=command.trigger_workflow,
        embed_origins=list(command.embed_origins),
        status=command.status,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


def _plain(fields: tuple[FormField, ...]) -> list[dict[str, object]]:
    return [field.model_dump(mode="json", exclude_defaults=True) for field in fields]


async def _check_links(ctx: Ctx, table_id: TableId | None, workflow_id: WorkflowId | None) -> None:
    """Whoever binds a form to something must be allowed to use it: the public does so through the form."""
    if table_id is not None:
        _need_scope(ctx, "tables", "linked_table")
        await links.require_table(ctx, table_id)
    if workflow_id is not None:
        _need_scope(ctx, "workflows", "trigger_workflow")
        await links.require_workflow(ctx, workflow_id)


def _need_scope(ctx: Ctx, scope: str, field: str) -> None:
    if scope not in ctx.scopes and "*" not in ctx.scopes:
        raise forbidden(
            f"'{field}' needs the scope '{scope}' beside 'forms', because every submission uses it.",
            scope=scope,
            field=field,
            hint=f"Use a key that carries '{scope}' too, or leave '{field}' out.",
        )


@operation("forms.get", scope="forms")
async def get(ctx: Ctx, command: FormRef) -> Form:
    """Show one form with its fields and what it leads to."""
    return await _counted(ctx, await Forms(ctx).get(command.form_id))


async def _counted(ctx: Ctx, form: Form) -> Form:
    counts = await repository.counts(ctx, [form.id])
    return form.model_copy(update={"submission_count": counts.get(form.id, 0)})


@operation("forms.list", scope="forms")
async def list_(ctx: Ctx, command: ListForms) -> Page[Form]:
    """List the workspace's forms and how often each was sent in, newest first."""
    page = await Forms(ctx).page(command, {"status": command.status})
    counts = await repository.counts(ctx, [form.id for form in page.items])
    forms = tuple(form.model_copy(update={"submission_count": counts.get(form.id, 0)}) for form in page.items)
    return Page(forms, page.limit, page.offset, page.total)


@operation("forms.update", scope="forms", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateForm) -> Form:
    """Change a form, or pause and publish it; what was sent in stays as it is."""
    values = changes(command, "form_id")
    for required in _NEEDED:
        if required in values and values[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    forms = Forms(ctx)
    current = await forms.get(command.form_id)
    if command.status is not None and command.status is not current.status:
        LIFECYCLE.check(current.status, command.status)
    await _check_links(ctx, command.linked_table, command.trigger_workflow)
    if command.fields is not None:
        values["fields"] = _plain(command.fields)
    if command.embed_origins is not None:
        values["embed_origins"] = list(command.embed_origins)
    return await _counted(ctx, await forms.change(command.form_id, {**values, "updated_at": ctx.now}))


@operation("forms.delete", scope="forms", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: FormRef) -> FormId:
    """Remove a form and everything that was sent to it; rows and runs that came of it stay."""
    await Forms(ctx).remove(command.form_id)
    await ctx.runtime.jobs.enqueue(ctx, ERASE, EraseSubmissions(form_id=command.form_id))
    return command.form_id
