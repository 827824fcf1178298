"""The ledger: entries in order of booking, and their postings."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import ExactDecimal

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create `ledger_entries` and `ledger_postings`."""
    op.create_table(
        "ledger_entries",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("fund", sa.Text, nullable=False),
        sa.Column("portfolio", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text),
        sa.Column("quantity", ExactDecimal, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "sequence", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("run_id", "event_id", name=op.f("uq_ledger_entries_run_id_event_id")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_postings",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", ExactDecimal, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "sequence", "line", name=op.f("pk_ledger_postings")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop `ledger_postings` and `ledger_entries`."""
    op.drop_table("ledger_postings")
    op.drop_table("ledger_entries")
