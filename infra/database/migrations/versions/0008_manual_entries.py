"""What people propose to change in the books by hand."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import ExactDecimal, UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create `manual_entries`."""
    op.create_table(
        "manual_entries",
        sa.Column("entry_id", sa.Text, nullable=False),
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
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_manual_entries")),
    )


def downgrade() -> None:
    """Drop `manual_entries`."""
    op.drop_table("manual_entries")
