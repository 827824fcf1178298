"""Orders, what was said about them, their fills, and the switches of the controls."""

import sqlalchemy as sa
from alembic import op

from infra.database.tables.base import ExactDecimal, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of orders."""
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("cl_ord_id", sa.Text, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("cl_ord_id", name=op.f("uq_orders_cl_ord_id")),
    )
    op.create_index(op.f("ix_orders_run_id_closed"), "orders", ["run_id", "closed"])
    op.create_table(
        "order_reports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("report_id", sa.Text, nullable=False),
        sa.Column("cl_ord_id", sa.Text, nullable=False),
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
        sa.ForeignKeyConstraint(
            ["cl_ord_id"], ["orders.cl_ord_id"], name=op.f("fk_order_reports_cl_ord_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_reports")),
        sa.UniqueConstraint("venue", "report_id", name=op.f("uq_order_reports_venue_report_id")),
    )
    op.create_index(op.f("ix_order_reports_cl_ord_id"), "order_reports", ["cl_ord_id"])
    op.create_table(
        "fills",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("exec_id", sa.Text, nullable=False),
        sa.Column("cl_ord_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
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
        sa.Column("stands", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["cl_ord_id"], ["orders.cl_ord_id"], name=op.f("fk_fills_cl_ord_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fills")),
        sa.UniqueConstraint("venue", "exec_id", name=op.f("uq_fills_venue_exec_id")),
    )
    op.create_index(op.f("ix_fills_cl_ord_id"), "fills", ["cl_ord_id"])
    op.create_index(op.f("ix_fills_run_id"), "fills", ["run_id"])
    op.create_table(
        "trading_sessions",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("session", sa.Date, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("fills", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "session", name=op.f("pk_trading_sessions")),
    )
    op.create_table(
        "trading_states",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("kill_reason", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_trading_states")),
    )
    op.create_table(
        "control_overrides",
        sa.Column("override_id", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("override_id", name=op.f("pk_control_overrides")),
    )


def downgrade() -> None:
    """Drop the tables of orders."""
    op.drop_table("control_overrides")
    op.drop_table("trading_states")
    op.drop_table("trading_sessions")
    op.drop_table("fills")
    op.drop_table("order_reports")
    op.drop_table("orders")
