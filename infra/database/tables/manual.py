"""Table of what people propose to change in the books by hand."""

import sqlalchemy as sa

from infra.database.tables.base import ExactDecimal, UtcDateTime, metadata

manual_entries = sa.Table(
    "manual_entries",
    metadata,
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("symbol", sa.Text),
    sa.Column("amount", ExactDecimal, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("proposed_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("note", sa.Text),
)
