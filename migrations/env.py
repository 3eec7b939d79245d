"""Alembic environment: one connection, one transaction, the tables of every domain."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from interlock import main
from interlock.runtime import tables

if not main.DOMAINS:
    raise RuntimeError("importing main registers every table")


def run() -> None:
    """Run migrations against the URL that was handed in."""
    url: str = context.config.attributes["url"]
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=tables.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            transaction_per_migration=False,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
