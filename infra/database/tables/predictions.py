"""Tables of what was foretold in service, and of trials of two versions."""

import sqlalchemy as sa

from infra.database.tables.base import UtcDateTime, metadata

served_predictions = sa.Table(
    "served_predictions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("arm", sa.Text, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("answered_at", UtcDateTime, nullable=False),
    sa.Column("plan_id", sa.Text, nullable=False),
    sa.Column("outcome", sa.Float),
)

arm_plans = sa.Table(
    "arm_plans",
    metadata,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("control", sa.Integer, nullable=False),
    sa.Column("treatment", sa.Integer, nullable=False),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_by", sa.Text, nullable=False),
    sa.Index(None, "model", "started_at"),
)

prediction_events = sa.Table(
    "prediction_events",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("session", sa.Date, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("answers", sa.JSON, nullable=False),
    sa.UniqueConstraint("model", "key"),
)
