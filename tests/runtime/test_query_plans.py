"""No statement walks a table that grows: SQLite's own plan of every statement that is built once, and of every list."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement, Executable

from interlock import domains, runtime
from interlock.runtime.repository import Repository

# Small tables, a partial index that holds only what is under way, and what runs once a day in a thread.
FINE = {
    "SCAN ledger_keys",
    "SCAN workspaces",
    "SCAN jobs",
    "SCAN template_installs",
    "SCAN tool_calls USING INDEX ix_tool_calls_executing",
    "SCAN durable_flows USING INDEX ix_durable_flows_running",
    # Either of two indexes holds every workspace; which one is the planner's choice.
    "SCAN system_log USING COVERING INDEX ix_system_log_workspace_id_id",
    "SCAN system_log USING COVERING INDEX ix_system_log_workspace_id_at",
    "SCAN notifications USING COVERING INDEX ix_notifications_workspace_id_id",
    "SCAN webhook_deliveries USING COVERING INDEX ix_webhook_deliveries_workspace_id_id",
    "SCAN hooks USING COVERING INDEX ix_hooks_workspace_id_id",
    "SCAN first_unread",  # a thousand rows at most
    "SCAN inbox_items USING COVERING INDEX ix_inbox_items_workspace_id_id",
    "SCAN schedules USING COVERING INDEX ix_schedules_workspace_id_id",
}
SORTED = {"Connections", "Providers"}  # a handful of rows to a workspace
NEVER_LISTED = {
    "Chats",
    "Conversations",
    "Firings",
    "HookCalls",
    "Messages",
    "Sessions",
    "Steps",
    "Submissions",
    "Turns",
    "Workspaces",
}
POSTGRES = ("pg_", "make_interval", "enqueue_workflow", "clock_timestamp")


def modules() -> Iterator[str]:
    for package in (domains, runtime):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if found.name.rpartition(".")[2] in {"repository", "jobs", "daily", "events", "journal", "chain", "keys"}:
                yield found.name
    governance = "interlock.domains.governance"
    yield from (f"{governance}.budgets.counters", f"{governance}.budgets.days", f"{governance}.ledger.walk")


_LISTED = re.compile(r"\(__\[POSTCOMPILE_\w+\]\)")
"""Where a list of values goes, which is as long as the call makes it."""


def statements() -> Iterator[tuple[str, str]]:
    """Every statement that a module builds once, as SQLite gets it."""
    for name in modules():
        for variable, value in vars(importlib.import_module(name)).items():
            if isinstance(value, Executable) and isinstance(value, ClauseElement):
                sql = _LISTED.sub("(?)", str(value.compile(dialect=sqlite.dialect())))
                if sql.split(" ", 1)[0] in {"SELECT", "UPDATE", "DELETE"} and not any(word in sql for word in POSTGRES):
                    yield f"{name}.{variable}", sql


def lists() -> Iterator[tuple[str, str]]:
    """The first page of every list, without a filter: with one it may pass over rows, and runs in a thread."""
    for kind in Repository.__subclasses__():
        if not kind.__module__.startswith("interlock.") or kind.__name__ in NEVER_LISTED:
            continue
        columns, listing = kind.table.c, kind.listing
        order = columns[listing.order]
        directed = (order.desc(), columns.id.desc()) if listing.descending else (order, columns.id)
        page = select(kind.table).where(columns.workspace_id == bindparam("w")).order_by(*directed).limit(50)
        yield kind.__name__, str(page.compile(dialect=sqlite.dialect()))


def plan(database: Path, sql: str) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("EXPLAIN QUERY PLAN " + sql, [None] * sql.count("?"))
        return [str(row[3]) for row in rows]


def test_every_statement_finds_its_rows_by_an_index(sqlite_template: Path) -> None:
    found = list(statements())
    assert len(found) > 60
    walking = {
        f"{name}: {step}"
        for name, sql in found
        for step in plan(sqlite_template, sql)
        if step.startswith("SCAN") and step not in FINE
    }
    assert walking == set()


def test_every_list_comes_in_the_order_of_an_index(sqlite_template: Path) -> None:
    found = list(lists())
    assert len(found) > 10
    sorting = {
        f"{name}: {step}"
        for name, sql in found
        for step in plan(sqlite_template, sql)
        if step.startswith("SCAN") or ("TEMP B-TREE" in step and name not in SORTED)
    }
    assert sorting == set()


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("governance.ledger.repository._OF_CHECK", "ix_ledger_entries_workspace_id_check_id"),
        ("governance.approvals.repository._ONE_TIME", "ix_approvals_workspace_id_args_hash"),
        ("governance.approvals.repository._OVERDUE", "ix_approvals_expires_at"),
        ("governance.budgets.repository._EXPIRE", "ix_budget_reservations_workspace_id_expires_at"),
        ("conversations.repository._PLAIN_PAGE", "ix_conversations_order"),
        ("conversations.repository._BY_SESSION", "uq_conversations_session"),
        ("conversations.repository._NEWEST", "uq_messages_conversation_id_sequence"),
        ("tools.repository._AWAITING", "ix_tool_calls_awaits_repeat"),
    ],
)
def test_the_index_made_for_a_statement_serves_it(sqlite_template: Path, statement: str, index: str) -> None:
    sql = dict(statements())[f"interlock.domains.{statement}"]
    assert any(f"USING INDEX {index}" in step for step in plan(sqlite_template, sql)), plan(sqlite_template, sql)
