"""Tables of the day's profit: a row a session, a row a position, a row a currency of it.

Amounts are whole minor units of `currency`, so that a database sums them exactly; they are
computed from the ledger and may be computed again.
"""

import sqlalchemy as sa

from infra.database.tables.base import metadata
from pnl.explain import PARTS

NO_SYMBOL = ""  # Cash alone: no part of a primary key may be null.

pnl_sessions = sa.Table(
    "pnl_sessions",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("digits", sa.Integer, nullable=False),
    sa.Column("opening_equity", sa.BigInteger, nullable=False),
    sa.Column("flows", sa.BigInteger, nullable=False),
    sa.Column("equity", sa.BigInteger, nullable=False),
    sa.Column("benchmark_return", sa.Float(53)),
    sa.Column("traded", sa.BigInteger),
    sqlite_with_rowid=False,
)

pnl_positions = sa.Table(
    "pnl_positions",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("fund", sa.Text, primary_key=True),
    sa.Column("strategy", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("symbol", sa.Text, primary_key=True),
    sa.Column("pnl", sa.BigInteger, nullable=False),
    sa.Column("fees_paid", sa.BigInteger, nullable=False),
    sa.Column("market_value", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in PARTS),
    sqlite_with_rowid=False,
)

pnl_currencies = sa.Table(
    "pnl_currencies",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in PARTS),
    sqlite_with_rowid=False,
)
