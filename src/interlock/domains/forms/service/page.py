"""Operations behind a form's public page: show it, and take what a person sends from it."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from interlock.domains.forms import marks, repository
from interlock.domains.forms.errors import page_expired
from interlock.domains.forms.repository import Forms
from interlock.domains.forms.service.definition import Slug
from interlock.domains.forms.service.submissions import receive
from interlock.domains.forms.states import FormStatus
from interlock.domains.forms.views import Form, FormPage, Submission
from interlock.kit.errors import not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx, WorkspaceId

FASTEST = timedelta(seconds=2)


class OpenPage(Command):
    """Which page."""

    slug: Slug


class SendPage(Command):
    """What came from a page.

    The trap is a field that people do not see; whoever fills it in is no person.
    """

    slug: Slug
    answers: dict[str, str]
    token: Annotated[str, Field(max_length=200)] = ""
    trap: Annotated[str, Field(max_length=20_000)] = ""


async def owner_of_slug(slug: str, ctx: Ctx) -> WorkspaceId:
    """Whose published form is at this address; raises not_found for any other."""
    found = await repository.owner_of_slug(ctx, slug)
    if found is None:
        raise not_found("form", slug)
    return found


async def _published(ctx: Ctx, slug: str) -> Form:
    form = await Forms(ctx).by_slug(slug)
    if form is None or form.status is not FormStatus.PUBLISHED:
        raise not_found("form", slug)
    return form


@operation("forms.open_page", public=True)
async def open_page(ctx: Ctx, command: OpenPage) -> FormPage:
    """Show what a form asks, with a mark for one sending."""
    form = await _published(ctx, command.slug)
    token = marks.mint(ctx.runtime.secrets, form.id, ctx.now)
    return FormPage.model_validate({**form.model_dump(), "token": token})


@operation("forms.send_page", effect=Effect.EXTERNAL, public=True)
async def send_page(ctx: Ctx, command: SendPage) -> Submission:
    """Take what a person filled in on a form's page; the same page sent twice is one submission."""
    async with ctx.begin(write=False) as unit:
        form = await _published(unit, command.slug)
    mark = marks.read(ctx.runtime.secrets, form.id, command.token, ctx.now)
    if mark is None:
        raise page_expired()
    doubt = None
    if command.trap.strip():
        doubt = "The hidden field was filled in, which people do not see."
    elif ctx.now - mark.shown_at < FASTEST:
        doubt = f"It was sent within {FASTEST.total_seconds():g} seconds of the page being shown."
    return await receive(ctx, form.id, dict(command.answers), once=mark.nonce, doubt=doubt)
