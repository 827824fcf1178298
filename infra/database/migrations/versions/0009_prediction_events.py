"""Events of the prediction stream."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "prediction_events",
        sa.Column("sequence", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("model", "key", "dataset")),
        sa.Column("session", sa.Date, nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_prediction_events")),
        sa.UniqueConstraint("model", "key", name=op.f("uq_prediction_events_model_key")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("prediction_events")
