"""`audit`: whether the evidence still holds together."""

from typing import Annotated

import typer
from rich.text import Text

from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import VerifyLedger
from interlock.domains.governance.ledger.views import Verification
from interlock.faces.cli.commands.reading import command_from
from interlock.faces.cli.output import ExitCode
from interlock.faces.cli.session import AsJson, Context, DataDir, load_settings, session_of
from interlock.kit.clock import iso_seconds
from interlock.kit.operations import Nothing
from interlock.runtime.invoke import invoke

app = typer.Typer(help="The evidence ledger: verify it, renew its signing key.", no_args_is_help=True)

_GAPS_SHOWN = 10
_BOUND = "A sequence number, a date (2026-08-31) or an ISO 8601 moment."


@app.command()
def verify(
    context: Context,
    start: Annotated[str | None, typer.Option("--from", help=f"Where to begin. {_BOUND}")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Where to stop; written like --from.")] = None,
    known_head: Annotated[
        str | None, typer.Option(help="A head hash noted earlier, which must still be in the chain.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Walk the ledger: exit code 0 when it is whole, 1 when it was tampered with."""
    session = session_of(context, as_json=as_json)
    command = command_from(VerifyLedger, {"start": start, "end": end, "known_head": known_head})
    found = session.maintain(load_settings(data_dir=data_dir), lambda ctx: invoke(ctx, ledger.verify, command))
    session.terminal.show(found.model_dump(mode="json"), _told(found))
    if not found.valid:
        raise typer.Exit(ExitCode.FAILED)


def _told(found: Verification) -> Text:
    if found.first_invalid is not None:
        broken = found.first_invalid
        named = f" ({broken.id})" if broken.id else ""
        return Text.assemble(
            ("Broken", "bold red"),
            f" at entry {broken.sequence}{named}: {broken.reason}. {found.entries} entries before it hold.",
        )
    lines = [f" {found.entries} entries hold together.\nHead {found.head_sequence}: {found.head_hash}"]
    if found.gaps_total:
        lines.append(f"\n{found.gaps_total} authorised checks never had an outcome reported (this breaks nothing):")
        lines += [f"\n  {gap.check_id}  {gap.tool}  {iso_seconds(gap.checked_at)}" for gap in found.gaps[:_GAPS_SHOWN]]
    return Text.assemble(("Whole:", "bold green"), *lines)


@app.command()
def rotate_key(context: Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Sign attestations with a fresh key from now on; old ones keep verifying."""
    session = session_of(context, as_json=as_json)
    key = session.maintain(load_settings(data_dir=data_dir), lambda ctx: invoke(ctx, ledger.rotate_key, Nothing()))
    session.terminal.show(key.model_dump(mode="json"), f"New attestations are signed with key {key.kid}.")
