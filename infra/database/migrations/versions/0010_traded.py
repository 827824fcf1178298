"""What each session traded: turnover rests on it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add `pnl_sessions.traded`, unknown for the days that are kept."""
    op.add_column("pnl_sessions", sa.Column("traded", sa.BigInteger))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("pnl_sessions", "traded")
