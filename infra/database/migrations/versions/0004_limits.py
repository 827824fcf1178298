"""The limit register: versions, overrides, breach log."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the register's tables."""
    op.create_table(
        "limit_versions",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_limit_versions")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_limit_versions_content_hash")),
    )
    op.create_table(
        "limits",
        sa.Column("version", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("metric", "scope", "name")),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("warn", "soft", "hard")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("unit", "owner")),
        sa.ForeignKeyConstraint(
            ["version"],
            ["limit_versions.version"],
            name=op.f("fk_limits_version_limit_versions"),
        ),
        sa.PrimaryKeyConstraint("version", "metric", "scope", "name", name=op.f("pk_limits")),
    )
    op.create_table(
        "limit_overrides",
        sa.Column("override_id", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("metric", "scope", "name")),
        sa.Column("hard", sa.Float, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("reason", "granted_by")),
        sa.Column("granted_at", UtcDateTime, nullable=False),
        sa.Column("expires", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("override_id", name=op.f("pk_limit_overrides")),
    )
    op.create_table(
        "breaches",
        sa.Column("breach_id", sa.Text, nullable=False),
        sa.Column("portfolio", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("metric", "scope", "name")),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("value", "hard")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.Column("acknowledged_at", UtcDateTime),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("breach_id", name=op.f("pk_breaches")),
    )
    op.create_index(op.f("ix_breaches_portfolio_as_of"), "breaches", ["portfolio", "as_of"])


def downgrade() -> None:
    """Drop the register's tables."""
    op.drop_index(op.f("ix_breaches_portfolio_as_of"), table_name="breaches")
    for table in ("breaches", "limit_overrides", "limits", "limit_versions"):
        op.drop_table(table)
