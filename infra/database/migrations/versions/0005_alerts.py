"""Alerts, and who dealt with them."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create `alerts`."""
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Text, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("kind", "severity", "scope", "dedupe_key", "message")
        ),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("raised_at", UtcDateTime, nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.Column("acknowledged_at", UtcDateTime),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_stored_at"), "alerts", ["stored_at"])


def downgrade() -> None:
    """Drop `alerts`."""
    op.drop_index(op.f("ix_alerts_stored_at"), table_name="alerts")
    op.drop_table("alerts")
