"""The evidence ledger: record and attest for other domains; verify, list, export and rotate for people."""

from typing import Annotated

from pydantic import ConfigDict, Field

from interlock.domains.governance.ledger import chain, keys, repository, signing, walk
from interlock.domains.governance.ledger import export as exporting
from interlock.domains.governance.ledger.bounds import within
from interlock.domains.governance.ledger.layout import GENESIS
from interlock.domains.governance.ledger.models import LEDGER_DDL
from interlock.domains.governance.ledger.views import (
    Attestation,
    EntryEvent,
    EntryId,
    ExportFormat,
    Jwk,
    Jwks,
    LedgerEntry,
    LedgerExport,
    NewEntry,
    SigningKey,
    Verification,
)
from interlock.domains.governance.locks import hold_workspace
from interlock.kit.ids import TypedId
from interlock.kit.operations import Audit, Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx

__all__ = ["GENESIS", "LEDGER_DDL", "NewEntry"]

Bound = Annotated[
    str, Field(min_length=1, max_length=40, description="A sequence number, a date (2026-08-31) or an ISO 8601 moment.")
]


class LedgerRange(Command):
    """A stretch of the chain; without bounds, all of it."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    start: Annotated[Bound | None, Field(alias="from")] = None
    end: Annotated[Bound | None, Field(alias="to")] = None


class VerifyLedger(LedgerRange):
    """What to verify."""

    known_head: Annotated[
        str | None,
        Field(pattern=r"^[0-9a-f]{64}$", description="A head_hash noted earlier, which must still be in the chain."),
    ] = None


class ListEntries(PageQuery):
    """Which entries, and which page of them."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    event: EntryEvent | None = None
    tool: Annotated[str, Field(max_length=200)] | None = None
    decision: Annotated[str, Field(max_length=40)] | None = None
    caller: Annotated[str, Field(max_length=200, description="A caller's id or name.")] | None = None
    check_id: Annotated[str, Field(max_length=64)] | None = None
    start: Annotated[Bound | None, Field(alias="from")] = None
    end: Annotated[Bound | None, Field(alias="to")] = None


class ExportLedger(LedgerRange):
    """What to export, and how."""

    format: ExportFormat = ExportFormat.JSONL
    framework: (
        Annotated[
            str, Field(min_length=1, max_length=80, description="Only entries tagged with controls of this framework.")
        ]
        | None
    ) = None


class EntryRef(Command):
    """Which entry."""

    entry_id: EntryId


async def record(ctx: Ctx, new: NewEntry) -> LedgerEntry:
    """Put something on record, in the caller's unit of work: it commits with what it is evidence of, or not at all."""
    return await chain.append(ctx, new)


async def note(ctx: Ctx, new: NewEntry) -> None:
    """As `record`, for callers that do not look at the entry."""
    await chain.write(ctx, new)


async def hold(ctx: Ctx) -> None:
    """Take the chain's turn before reading, where what is read decides what is recorded."""
    await hold_workspace(ctx)


async def attest(ctx: Ctx, entry: LedgerEntry, *, decision: str | None = None, tool: str | None = None) -> Attestation:
    """Sign an entry; asked again, the same attestation (`decision`, `tool`: of its check, where the entry has none)."""
    return await signing.attest(ctx, entry, decision=decision, tool=tool)


async def find_check(ctx: Ctx, check_id: TypedId | str) -> LedgerEntry | None:
    """The entry that recorded a check's verdict."""
    return await repository.of_check(ctx, str(check_id), EntryEvent.CHECK)


async def find_outcome(ctx: Ctx, check_id: TypedId | str) -> LedgerEntry | None:
    """The entry that recorded what became of a check."""
    return await repository.of_check(ctx, str(check_id), EntryEvent.OUTCOME)


async def find_by_key(ctx: Ctx, idempotency_key: str) -> LedgerEntry | None:
    """The entry that was written under an idempotency key; call `hold` first where a missing one will be written."""
    return await repository.by_key(ctx, idempotency_key)


async def after(ctx: Ctx, sequence: int, most: int) -> list[LedgerEntry]:
    """The next entries of the chain behind a sequence number, for domains that keep totals of them."""
    return await repository.after(ctx, sequence, most)


async def recent_decisions(ctx: Ctx, most: int) -> list[LedgerEntry]:
    """What was decided about checks and tool calls lately, newest first; some entries more than asked for."""
    return await repository.recent_decisions(ctx, most)


async def ensure_keys(ctx: Ctx) -> None:
    """Make the server's first keys where there are none; part of a start."""
    await keys.ensure_keys(ctx)


@operation("ledger.get")
async def get(ctx: Ctx, command: EntryRef) -> LedgerEntry:
    """Show one entry of the evidence ledger."""
    return await repository.Entries(ctx).get(command.entry_id)


@operation("ledger.list")
async def list_(ctx: Ctx, command: ListEntries) -> Page[LedgerEntry]:
    """List evidence, newest first, filtered by event, tool, decision, caller or time."""
    exact = {"event": command.event, "tool": command.tool, "decision": command.decision, "check_id": command.check_id}
    wanted = repository.conditions(ctx, exact, command.caller) + within(command.start, command.end)
    return await repository.Entries(ctx).page_where(command, wanted)


@operation("ledger.verify")
async def verify(ctx: Ctx, command: VerifyLedger) -> Verification:
    """Walk the chain, name the first broken entry, and list authorised checks without an outcome."""
    return await walk.verify(ctx, command.start, command.end, known_head=command.known_head)


@operation("ledger.export", effect=Effect.EXTERNAL)
async def export(ctx: Ctx, command: ExportLedger) -> LedgerExport:
    """Export evidence as JSON lines or CSV, by framework and time."""
    return await exporting.export(ctx, command.start, command.end, command.format, command.framework)


@operation("ledger.jwks", public=True)
async def jwks(ctx: Ctx, command: Nothing) -> Jwks:
    """Publish the keys that attestations verify with."""
    return Jwks(keys=tuple(signer.jwk for signer in await keys.published(ctx)))


async def jwk(ctx: Ctx, kid: str) -> Jwk | None:
    """One published key, also when another process has just made it."""
    signer = await keys.find_signer(ctx, kid)
    return None if signer is None else signer.jwk


@operation("ledger.rotate_key", scope="admin", effect=Effect.WRITE, audit=Audit.LEDGER)
async def rotate_key(ctx: Ctx, command: Nothing) -> SigningKey:
    """Sign attestations with a fresh key from now on; old ones keep verifying."""
    signer = await keys.rotate(ctx)
    await record(
        ctx,
        NewEntry(
            event=EntryEvent.KEY_ROTATED,
            caller_kind=ctx.actor.kind,
            caller_id=ctx.actor.id,
            caller_label=ctx.actor.label,
            extra={"kid": signer.kid},
        ),
    )
    return signer.view
