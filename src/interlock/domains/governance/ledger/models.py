"""Tables of the evidence ledger, and the triggers that make its entries insert-only on both databases."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import DDL, BigInteger, Column, Index, LargeBinary, String, Table, Text, event, text
from sqlalchemy.schema import ExecutableDDLElement

from interlock.domains.governance.ledger.views import EntryEvent, EntryId, KeyId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_event, _event_check = tables.state("event", EntryEvent)

ledger_entries = Table(
    "ledger_entries",
    tables.metadata,
    tables.key(),
    tables.guid(EntryId),
    tables.reference("workspace_id", WorkspaceId),
    Column("sequence", BigInteger, nullable=False),
    tables.moment("at"),
    _event,
    _event_check,
    # Copies of what the content says, for filters and look-ups; verification compares them with it.
    Column("tool", String(200)),
    Column("decision", String(40)),
    Column("caller_id", String(200)),
    Column("caller_label", String(200), nullable=False),
    Column("check_id", String(64)),
    Column("idempotency_key", String(400)),
    # The canonical bytes that were hashed: kept as written, so that no reading and writing again can change them.
    Column("content", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
    Index("uq_ledger_entries_workspace_id_sequence", "workspace_id", "sequence", unique=True),
    Index("ix_ledger_entries_workspace_id_at", "workspace_id", "at"),
    Index(
        "ix_ledger_entries_workspace_id_check_id",
        "workspace_id",
        "check_id",
        sqlite_where=text("check_id IS NOT NULL"),
        postgresql_where=text("check_id IS NOT NULL"),
    ),
    Index(
        "uq_ledger_entries_workspace_id_idempotency_key",
        "workspace_id",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL"),
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)

_REFUSAL = "ledger entries are insert-only"

LEDGER_DDL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sqlite": (
            f"""
            CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
            """,
            f"""
            CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
            """,
            # INSERT OR REPLACE deletes without firing a delete trigger.
            f"""
            CREATE TRIGGER ledger_entries_no_replace BEFORE INSERT ON ledger_entries
            WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM ledger_entries WHERE guid = NEW.guid)
            OR EXISTS (SELECT 1 FROM ledger_entries WHERE workspace_id = NEW.workspace_id AND sequence = NEW.sequence)
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}: this one exists'); END
            """,  # noqa: S608 - a constant of this file
        ),
        "postgresql": (
            f"""
            CREATE FUNCTION ledger_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$
            """,
            """
            CREATE TRIGGER ledger_entries_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_refuse()
            """,
        ),
    }
)
"""Statements a migration runs after creating the table, by dialect; `create_all` runs them by itself."""


def _trigger(statement: str, dialect: str) -> ExecutableDDLElement:
    ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]  # its own annotation is incomplete
    return ddl.execute_if(dialect=dialect)


for _dialect, _statements in LEDGER_DDL.items():
    for _statement in _statements:
        event.listen(ledger_entries, "after_create", _trigger(_statement, _dialect))


class KeyPurpose(StrEnum):
    """Attestation keys sign and rotate; the one seal key marks entries as written by this server."""

    ATTESTATION = "attestation"
    SEAL = "seal"


_purpose, _purpose_check = tables.state("purpose", KeyPurpose)

ledger_keys = Table(
    "ledger_keys",
    tables.metadata,
    tables.key(),
    tables.guid(KeyId),
    tables.reference("workspace_id", WorkspaceId),
    _purpose,
    _purpose_check,
    Column("kid", String(64), nullable=False, unique=True),
    Column("public", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    tables.moment("created_at"),
    tables.moment("retired_at", nullable=True),
    # At most one key of a purpose is in force, whoever creates it first.
    Index(
        "uq_ledger_keys_purpose",
        "purpose",
        unique=True,
        sqlite_where=text("retired_at IS NULL"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)
