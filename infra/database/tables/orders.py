"""Tables of orders, what was said about them, their fills, and the switches of the controls."""

import sqlalchemy as sa

from infra.database.tables.base import ExactDecimal, UtcDateTime, metadata

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # In order of arrival.
    sa.Column("cl_ord_id", sa.Text, nullable=False, unique=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("order_type", sa.Text, nullable=False),
    sa.Column("limit_price", ExactDecimal),
    sa.Column("stop_price", ExactDecimal),
    sa.Column("time_in_force", sa.Text, nullable=False),
    sa.Column("expires_on", sa.Date),
    sa.Column("decision_price", ExactDecimal),
    sa.Column("arrival_price", ExactDecimal),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("parent_id", sa.Text),
    sa.Column("prediction_id", sa.Text),
    sa.Column("model_version", sa.Text),
    sa.Column("arm", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Index(None, "run_id", "closed"),
)

# The journal: an order is its row above and these, replayed.
order_reports = sa.Table(
    "order_reports",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("venue", sa.Text, nullable=False),
    sa.Column("report_id", sa.Text, nullable=False),
    sa.Column("cl_ord_id", sa.Text, sa.ForeignKey("orders.cl_ord_id"), nullable=False, index=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("exec_ref_id", sa.Text),
    sa.Column("quantity", ExactDecimal),
    sa.Column("limit_price", ExactDecimal),
    sa.Column("exec_id", sa.Text),
    sa.Column("last_quantity", ExactDecimal),
    sa.Column("last_price", ExactDecimal),
    sa.Column("fee", ExactDecimal),
    sa.Column("liquidity", sa.Text),
    sa.Column("mid_price", ExactDecimal),
    sa.UniqueConstraint("venue", "report_id"),
)

fills = sa.Table(
    "fills",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # In booking order.
    sa.Column("venue", sa.Text, nullable=False),
    sa.Column("exec_id", sa.Text, nullable=False),
    sa.Column("cl_ord_id", sa.Text, sa.ForeignKey("orders.cl_ord_id"), nullable=False, index=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("price", ExactDecimal, nullable=False),
    sa.Column("executed_at", UtcDateTime, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("fee", ExactDecimal, nullable=False),
    sa.Column("liquidity", sa.Text, nullable=False),
    sa.Column("decision_price", ExactDecimal),
    sa.Column("arrival_price", ExactDecimal),
    sa.Column("mid_price", ExactDecimal),
    sa.Column("prediction_id", sa.Text),
    sa.Column("model_version", sa.Text),
    sa.Column("arm", sa.Text),
    # False once a later report corrected or cancelled the trade; the row itself stays.
    sa.Column("stands", sa.Boolean, nullable=False),
    sa.UniqueConstraint("venue", "exec_id"),
)

trading_sessions = sa.Table(
    "trading_sessions",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("orders", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("fills", sa.Integer, nullable=False),
)

trading_states = sa.Table(
    "trading_states",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),  # A strategy, a portfolio, or `desk`.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("kill_reason", sa.Text, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

control_overrides = sa.Table(
    "control_overrides",
    metadata,
    sa.Column("override_id", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("granted_by", sa.Text, nullable=False),
    sa.Column("granted_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)
