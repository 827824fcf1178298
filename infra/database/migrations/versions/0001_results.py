"""Computed documents, and who did what."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create `results` and `audit`."""
    op.create_table(
        "results",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("desk_date", sa.Date, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("lineage", sa.JSON, nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("kind", "scope", "desk_date", name=op.f("pk_results")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_subject_at"), "audit", ["subject", "at"])


def downgrade() -> None:
    """Drop `results` and `audit`."""
    op.drop_index(op.f("ix_audit_subject_at"), table_name="audit")
    op.drop_table("audit")
    op.drop_table("results")
