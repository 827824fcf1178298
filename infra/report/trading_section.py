"""Orders, controls, fills and costs as a section of a page."""

from infra.report import cells, formats
from infra.report.page import KeyFigure, Section, Table
from services.report import Tone
from services.report_trading import TradingSection


def trading_section(trading: TradingSection, currency: str) -> Section:
    """Return what was ordered, refused and filled, and what that cost."""
    return Section(
        name="trading",
        title="Trading",
        lead=(
            f"{formats.span(trading.first_session, trading.last_session)}. Each order passes the "
            f"nine layers of the pre-trade controls ({', '.join(trading.layers)}) or is refused; "
            "the rest is filled by the simulated venue with spread, impact and fees."
        ),
        figures=_figures(trading, currency),
        blocks=[
            _strategies_table(trading, currency),
            _costs_table(trading, currency),
            _refusals_table(trading),
            _fills_table(trading, currency),
        ],
    )


def _figures(trading: TradingSection, currency: str) -> list[KeyFigure]:
    notional = sum(row.traded_notional for row in trading.strategies)
    return [
        KeyFigure(label="Sessions", value=formats.count(trading.sessions)),
        KeyFigure(label="Orders", value=formats.count(trading.orders)),
        KeyFigure(
            label="Refused",
            value=formats.count(trading.refused),
            tone=Tone.WARN if trading.refused else Tone.PLAIN,
        ),
        KeyFigure(label="Fills", value=formats.count(trading.fills)),
        KeyFigure(label=f"Traded, {currency}", value=formats.money(notional)),
    ]


def _strategies_table(trading: TradingSection, currency: str) -> Table:
    titles = ("strategy", "fills", "traded", "turnover", "fees", "final equity")
    return Table(
        title=f"By strategy ({currency})",
        columns=cells.columns(*titles),
        rows=[
            [
                cells.text(row.strategy),
                cells.whole(row.fills),
                cells.money(row.traded_notional),
                cells.number(row.turnover, digits=1),
                cells.money(row.fees, digits=2),
                cells.money(row.final_equity),
            ]
            for row in trading.strategies
        ],
        note="Turnover: traded notional, both ways, over mean equity, whole span.",
        wide=False,
    )


def _costs_table(trading: TradingSection, currency: str) -> Table:
    traded = float(sum(row.traded_notional for row in trading.strategies))
    return Table(
        title=f"What trading cost ({currency})",
        columns=cells.columns("cost", "amount", "basis points"),
        rows=[
            [
                cells.text(cost.name),
                cells.money(cost.amount, digits=2),
                cells.number(1e4 * float(cost.amount) / traded if traded else None),
            ]
            for cost in trading.costs
        ],
        note="Positive is a cost; basis points of what was traded. Delay is what the price did "
        "between the decision and the order's arrival in the market, impact what the order did "
        "to the mid (by the impact model, on simulated volume), spread what it paid beyond.",
        wide=False,
    )


def _refusals_table(trading: TradingSection) -> Table:
    return Table(
        title="Refused, by layer",
        columns=cells.columns("layer", "why", "orders", words=2),
        rows=[
            [
                cells.text(row.layer),
                cells.text("; ".join(f"{why.orders:,} {why.reason}" for why in row.reasons)),
                cells.whole(row.orders),
            ]
            for row in trading.refusals
        ],
        note="The commonest reasons. An order that breaks rules of two layers counts in both.",
        wide=False,
    )


def _fills_table(trading: TradingSection, currency: str) -> Table:
    titles = ("session", "strategy", "symbol", "model", "order", "quantity", "decided", "filled")
    return Table(
        title=f"Last fills ({currency})",
        columns=cells.columns(*titles, "fee", words=5),
        rows=[
            [
                cells.text(formats.day(fill.session)),
                cells.text(fill.strategy),
                cells.text(fill.symbol),
                cells.text(fill.model_version or formats.NOT_MEASURED),
                cells.code(fill.cl_ord_id),
                cells.whole(fill.quantity),
                cells.money(fill.decision_price, digits=4),
                cells.money(fill.price, digits=4),
                cells.money(fill.fee, digits=2),
            ]
            for fill in trading.last_fills
        ],
        note="Bought is positive, sold negative.",
    )
