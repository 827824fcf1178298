"""Alembic's entry: runs the migrations on the connection, and in the transaction, handed in."""

from alembic import context

from infra.database.tables.base import complete_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=complete_metadata(),
    render_as_batch=True,  # SQLite alters a table by rebuilding it.
    compare_type=True,
)
context.run_migrations()
