"""Tables of the limit register: versions of the limits, overrides, and the breach log."""

import sqlalchemy as sa

from infra.database.tables.base import UtcDateTime, metadata

limit_versions = sa.Table(
    "limit_versions",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False, unique=True),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
)

limits = sa.Table(
    "limits",
    metadata,
    sa.Column("version", sa.Integer, sa.ForeignKey("limit_versions.version"), primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("warn", sa.Float, nullable=False),
    sa.Column("soft", sa.Float, nullable=False),
    sa.Column("hard", sa.Float, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
)

limit_overrides = sa.Table(
    "limit_overrides",
    metadata,
    sa.Column("override_id", sa.Text, primary_key=True),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hard", sa.Float, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("granted_by", sa.Text, nullable=False),
    sa.Column("granted_at", UtcDateTime, nullable=False),
    sa.Column("expires", sa.Date, nullable=False),
)

breaches = sa.Table(
    "breaches",
    metadata,
    sa.Column("breach_id", sa.Text, primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("hard", sa.Float, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("acknowledged_by", sa.Text),
    sa.Column("note", sa.Text),
    sa.Index(None, "portfolio", "as_of"),
)
