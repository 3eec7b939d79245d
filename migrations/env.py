"""Alembic environment: one connection, one transaction, the tables of every domain."""

from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from interlock import main
from interlock.runtime import tables
from interlock.runtime.durable import servers
from interlock.runtime.search import schema

# Importing main registers every table but that of the distributed engine, which main loads only where it runs.
if not main.DOMAINS or servers.server_rows.metadata is not tables.metadata:
    raise RuntimeError("some tables are not registered")


PLAIN = {
    tables.IdType: "sa.Uuid()",
    tables.Moment: "sa.DateTime(timezone=True)",
    tables.MoneyType: "sa.BigInteger()",
    tables.StateType: "sa.String(length=40)",
    schema.VectorType: "sa.LargeBinary()",
}
JSON = 'sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")'


def plain_type(kind: str, item: object, autogen_context: AutogenContext) -> str | Literal[False]:
    """Migrations hold plain column types, so that they mean the same when the code has moved on."""
    if kind != "type":
        return False
    if isinstance(item, sa.JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return JSON
    return next((plain for custom, plain in PLAIN.items() if isinstance(item, custom)), False)


def run() -> None:
    """Run migrations against the URL that was handed in."""
    url: str = context.config.attributes["url"]
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=tables.metadata,
            render_as_batch=context.config.attributes.get("batch", connection.dialect.name == "sqlite"),
            render_item=plain_type,
            include_name=schema.is_ours,
            transaction_per_migration=False,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
