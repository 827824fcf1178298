"""Tables of the ledger: what was booked, in order, and the postings that it made.

Rows are only ever inserted. `payload` is the event as it was delivered, so that the books can be
folded again from `ledger_entries` alone.
"""

import sqlalchemy as sa

from infra.database.tables.base import ExactDecimal, metadata

ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "event_id"),
    sqlite_with_rowid=False,
)

ledger_postings = sa.Table(
    "ledger_postings",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    # No foreign key: rows come in the transaction of their entry, and looking the entry up again
    # for each of millions costs a quarter of an import. Rows in key order need no second tree.
    sqlite_with_rowid=False,
)
