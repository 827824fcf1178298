"""Predictions in service, and trials of two versions."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "served_predictions",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("session", sa.Date, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("answered_at", UtcDateTime, nullable=False),
        sa.Column("plan_id", sa.Text, nullable=False),
        sa.Column("outcome", sa.Float),
        sa.PrimaryKeyConstraint(
            "model", "session", "entity", "version", "arm", name=op.f("pk_served_predictions")
        ),
    )
    op.create_table(
        "arm_plans",
        sa.Column("plan_id", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("model", "mode")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("control", "treatment")),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("ended_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_arm_plans")),
    )
    op.create_index(op.f("ix_arm_plans_model_started_at"), "arm_plans", ["model", "started_at"])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_index(op.f("ix_arm_plans_model_started_at"), table_name="arm_plans")
    for table in ("arm_plans", "served_predictions"):
        op.drop_table(table)
