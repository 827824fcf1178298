"""The day's profit: a row a session, a row a position, and a row a currency of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_PARTS = (
    "price", "carry", "fx", "new_trades", "delay", "impact", "spread", "fees", "borrow",
    "corporate_actions", "corrections", "adjustments", "rounding",
)  # fmt: skip
_KEY = ("portfolio", "session", "fund", "strategy", "account", "symbol")


def upgrade() -> None:
    """Create `pnl_sessions`, `pnl_positions` and `pnl_currencies`."""
    op.create_table(
        "pnl_sessions",
        sa.Column("portfolio", sa.Text, nullable=False),
        sa.Column("session", sa.Date, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("digits", sa.Integer, nullable=False),
        sa.Column("opening_equity", sa.BigInteger, nullable=False),
        sa.Column("flows", sa.BigInteger, nullable=False),
        sa.Column("equity", sa.BigInteger, nullable=False),
        sa.Column("benchmark_return", sa.Float(53)),
        sa.PrimaryKeyConstraint("portfolio", "session", name=op.f("pk_pnl_sessions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pnl_positions",
        *(
            sa.Column(name, sa.Date if name == "session" else sa.Text, nullable=False)
            for name in _KEY
        ),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("pnl", "fees_paid", "market_value", *_PARTS)
        ),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_pnl_positions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pnl_currencies",
        sa.Column("portfolio", sa.Text, nullable=False),
        sa.Column("session", sa.Date, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _PARTS),
        sa.PrimaryKeyConstraint("portfolio", "session", "currency", name=op.f("pk_pnl_currencies")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop `pnl_currencies`, `pnl_positions` and `pnl_sessions`."""
    op.drop_table("pnl_currencies")
    op.drop_table("pnl_positions")
    op.drop_table("pnl_sessions")
