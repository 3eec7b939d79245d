"""Proof for outsiders: attestations for stock libraries, rotation, exports for the documented script."""

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from interlock.domains.governance.ledger import keys, signing
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import Attestation, EntryEvent, ExportFormat, Jwks, LedgerEntry, NewEntry
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing
from interlock.runtime.context import ANONYMOUS, NO_WORKSPACE, ActorKind, Ctx
from interlock.runtime.secrets import Secrets
from tests.domains.governance.backstage import another_server, rows, tamper
from tests.domains.governance.world import World

DOCUMENT = Path(__file__).parents[3] / "docs" / "ledger.md"


async def record(ctx: Ctx, **values: Any) -> LedgerEntry:
    fields = {"event": EntryEvent.OUTCOME, "caller_kind": ActorKind.KEY, "tool": "stripe_refund", **values}
    async with ctx.begin() as unit_ctx:
        return await ledger.record(unit_ctx, NewEntry(**fields))


async def attest(ctx: Ctx, entry: LedgerEntry, **values: str) -> Attestation:
    async with ctx.begin() as unit_ctx:
        return await ledger.attest(unit_ctx, entry, **values)


async def jwks(ctx: Ctx) -> Jwks:
    async with ctx.begin(write=False) as unit_ctx:
        return await ledger.jwks(unit_ctx, Nothing())


def verified(attestation: Attestation, published: Jwks) -> dict[str, Any]:
    """What a stock JWT library reads, given nothing but the published document."""
    document = json.loads(published.model_dump_json())
    key = jwt.PyJWKSet.from_dict(document)[attestation.kid]
    claims: dict[str, Any] = jwt.decode(
        attestation.jwt,
        key,
        algorithms=["EdDSA"],
        audience="mcp-governance",
        options={"verify_nbf": False, "verify_iat": False, "verify_exp": False},
    )
    return claims


async def test_an_attestation_verifies_with_a_stock_library_and_the_published_keys(either_world: World) -> None:
    world = either_world
    entry = await record(world.ctx, check_id="chk_x", outcome="success", args_hash="ab" * 32)
    attestation = await attest(world.ctx, entry, decision="authorized")
    anonymous = replace(world.ctx, actor=ANONYMOUS, workspace_id=NO_WORKSPACE)
    claims = verified(attestation, await jwks(anonymous))
    now = int(entry.at.timestamp())
    assert claims == {
        "iss": "interlock",
        "aud": "mcp-governance",
        "sub": str(world.ctx.actor.user_id),
        "jti": attestation.jti,
        "iat": now,
        "nbf": now,
        "exp": int(datetime(2036, 8, 31, 12, tzinfo=UTC).timestamp()),
        "audit_id": str(entry.id),
        "tool": "stripe_refund",
        "decision": "authorized",
        "check_id": "chk_x",
        "outcome": "success",
        "args_hash": "ab" * 32,
    }
    assert jwt.get_unverified_header(attestation.jwt) == {"alg": "EdDSA", "typ": "JWT", "kid": attestation.kid}
    assert [key.model_dump(exclude={"x", "kid"}) for key in (await jwks(world.ctx)).keys] == [
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
    ]


async def test_a_changed_attestation_does_not_verify(world: World) -> None:
    attestation = await attest(world.ctx, await record(world.ctx, outcome="success"))
    header, payload, signature = attestation.jwt.split(".")
    swapped = keys.unpadded(b'{"aud":"mcp-governance","outcome":"error"}')
    forged = Attestation(jwt=f"{header}.{swapped}.{signature}", kid=attestation.kid, jti=attestation.jti)
    assert payload != swapped
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged, await jwks(world.ctx))


async def test_asked_again_even_after_a_rotation_the_attestation_is_the_same(either_world: World) -> None:
    world = either_world
    entry = await record(world.ctx, outcome="success")
    first = await attest(world.ctx, entry)
    world.clock.advance(timedelta(hours=1))
    new_key = await world.call(ledger.rotate_key, Nothing())
    assert await attest(world.ctx, entry) == first
    later = await attest(world.ctx, await record(world.ctx, outcome="success"))
    assert (later.kid, first.kid != new_key.kid) == (new_key.kid, True)
    published = await jwks(world.ctx)
    assert {key.kid for key in published.keys} == {first.kid, new_key.kid}
    assert verified(first, published)["outcome"] == verified(later, published)["outcome"] == "success"


async def test_a_rotation_is_evidence_itself(world: World) -> None:
    await attest(world.ctx, await record(world.ctx))
    key = await world.call(ledger.rotate_key, Nothing())
    page = await world.call(ledger.list_, ledger.ListEntries(event=EntryEvent.KEY_ROTATED))
    assert [entry.extra for entry in page.items] == [{"kid": key.kid}]


async def test_another_server_follows_a_rotation(either_world: World) -> None:
    world = either_world
    second = another_server(world)
    try:
        old = await attest(second, await record(second))
        world.clock.advance(timedelta(seconds=1))
        new_key = await world.call(ledger.rotate_key, Nothing())
        assert {key.kid for key in (await jwks(second)).keys} == {old.kid, new_key.kid}
        async with second.begin(write=False) as reading:
            found = await ledger.jwk(reading, new_key.kid)
            assert found is not None
            assert found.kid == new_key.kid
            assert await ledger.jwk(reading, "nobody's") is None
            assert await ledger.jwk(reading, "ledger-seal") is None
        world.clock.advance(timedelta(minutes=2))
        assert (await attest(second, await record(second))).kid == new_key.kid
    finally:
        await second.runtime.database.close()


async def test_signing_reads_no_row_once_the_keys_are_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = await record(world.ctx)
    await attest(world.ctx, entry)

    async def refuse(_self: Ctx) -> None:
        raise AssertionError("signing asked for the database")

    async with world.ctx.begin() as unit_ctx:
        monkeypatch.setattr(Ctx, "session", refuse)
        await ledger.attest(unit_ctx, entry)
        monkeypatch.undo()


async def test_private_keys_are_sealed_and_another_master_key_fails_loudly(world: World) -> None:
    await attest(world.ctx, await record(world.ctx))
    stored = await rows(world.ctx, "SELECT sealed FROM ledger_keys")
    async with world.ctx.begin(write=False) as reading:
        [signer] = await keys.published(reading)
    assert all(signer.private.private_bytes_raw() not in row.sealed for row in stored)
    second = another_server(world)
    second.runtime.secrets = Secrets(b"x" * 32)
    try:
        with pytest.raises(InterlockError, match="master key"):
            await record(second)
    finally:
        await second.runtime.database.close()


async def test_keys_can_be_made_at_the_start(either_world: World) -> None:
    world = either_world
    async with world.ctx.begin() as starting:
        await ledger.ensure_keys(starting)
    [key] = (await jwks(world.ctx)).keys
    assert (await attest(world.ctx, await record(world.ctx))).kid == key.kid


@pytest.mark.parametrize(("years", "expected"), [(0, None), (1, datetime(2029, 2, 28, tzinfo=UTC))])
def test_a_leap_day_expires_on_the_last_of_february(years: int, expected: datetime | None) -> None:
    expires = signing._years_later(datetime(2028, 2, 29, tzinfo=UTC), years)
    assert expires == (None if expected is None else int(expected.timestamp()))


async def exported(world: World, **values: Any) -> str:
    stream = await world.call(ledger.export, ledger.ExportLedger.model_validate(values))
    return b"".join([chunk async for chunk in stream.chunks]).decode()


def script() -> str:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def check_with_script(lines: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script(), *arguments], input=lines, capture_output=True, text=True, check=False
    )


async def test_the_documented_script_verifies_an_export(world: World) -> None:
    for number in range(600):
        await record(world.ctx, tool=f"tool ☃ \x00\x7f {number}", extra={"é": ["a", {"b": number}]}, cost=None)
    lines = await exported(world)
    head = (await world.call(ledger.verify, ledger.VerifyLedger())).head_hash
    assert check_with_script(lines, "--all").stdout == f"sound, head {head}\n"
    assert ledger.GENESIS in DOCUMENT.read_text()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda lines: [lines[0], lines[1].replace("tool_1", "tool_x"), *lines[2:]], "entry 2: the content"),
        (lambda lines: lines[:1] + lines[2:], "entry 2: missing"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "entry 1: missing"),
    ],
)
async def test_the_documented_script_finds_what_was_changed(world: World, change: Any, complaint: str) -> None:
    for number in range(3):
        await record(world.ctx, tool=f"tool_{number}")
    lines = change((await exported(world)).splitlines(keepends=True))
    result = check_with_script("".join(lines), "--all")
    assert result.returncode == 1
    assert complaint in result.stderr


async def test_an_export_is_chosen_by_framework_and_date(either_world: World) -> None:
    world = either_world
    await record(world.ctx, tool="one", controls=("SOC2:CC6.1",))
    await record(world.ctx, tool="two", controls=("GDPR Art. 32", "soc2"))
    await record(world.ctx, tool="three", controls=("SOC2000",))
    world.clock.advance(timedelta(days=1))
    await record(world.ctx, tool="four", controls=("soc2-a",))
    lines = [json.loads(line) for line in (await exported(world, framework="soc2")).splitlines()]
    assert [line["tool"] for line in lines] == ["one", "two", "four"]
    lines = [json.loads(line) for line in (await exported(world, framework="soc2", to="2026-08-31")).splitlines()]
    assert [line["tool"] for line in lines] == ["one", "two"]


async def test_a_csv_export_is_safe_to_open(either_world: World) -> None:
    world = either_world
    await record(world.ctx, tool="=cmd()", controls=("a", "b"), scope={"tools": ["x"]}, reason='say "hi",\nplease')
    [line] = csv.DictReader(io.StringIO(await exported(world, format=ExportFormat.CSV)))
    assert line["tool"] == "'=cmd()"
    assert line["controls"] == "a; b"
    assert json.loads(line["scope"]) == {"tools": ["x"]}
    assert line["reason"] == 'say "hi",\nplease'
    assert line["sequence"] == "1"


async def test_an_export_with_a_wrong_bound_is_refused_before_it_begins(world: World) -> None:
    with pytest.raises(InterlockError, match="'to'"):
        await exported(world, to="soon")


async def test_entries_are_listed_by_tool_decision_caller_and_date(either_world: World) -> None:
    world = either_world
    await record(world.ctx, tool="a", decision="authorized", caller_id="key_1")
    await record(world.ctx, tool="b", decision="denied", caller_label="bob")
    world.clock.advance(timedelta(days=1))
    await record(world.ctx, tool="a", decision="denied", caller_label="bob")

    async def listed(**values: Any) -> list[int]:
        page = await world.call(ledger.list_, ledger.ListEntries.model_validate(values))
        return [entry.sequence for entry in page.items]

    assert await listed() == [3, 2, 1]
    assert await listed(tool="a") == [3, 1]
    assert await listed(decision="denied", caller="bob") == [3, 2]
    assert await listed(caller="key_1") == [1]
    assert await listed(**{"from": "2026-09-01"}) == [3]
    assert await listed(to="2") == [2, 1]
    assert await listed(limit=1, offset=1) == [2]
    assert await listed(event="risk") == []


async def test_a_tampered_ledger_still_exports_what_is_there(world: World) -> None:
    await record(world.ctx, tool="kept")
    await record(world.ctx, tool="lost")
    await tamper(world, "DELETE FROM ledger_entries WHERE sequence = 1")
    assert [json.loads(line)["tool"] for line in (await exported(world)).splitlines()] == ["lost"]
