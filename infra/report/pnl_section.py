"""Profit and loss, and the trading that led to it, as sections of a page."""

from collections.abc import Sequence

from infra.report import cells, formats, pnl_charts
from infra.report.page import Block, Cell, KeyFigure, Section, Table
from services.report import Attribution, ControlRow, PnlSection, Statistic, Tone, TradingSection


def pnl_section(pnl: PnlSection) -> Section:
    """Return what was earned against the benchmark, and where it came from."""
    blocks: list[Block] = [
        pnl_charts.equity_with_drawdown(
            equity=pnl.equity,
            benchmark=pnl.benchmark,
            drawdown=pnl.drawdown,
            benchmark_drawdown=pnl.benchmark_drawdown,
            currency=pnl.currency,
        ),
        pnl_charts.monthly_heat_map(pnl.months),
    ]
    # A split into one part says nothing that the total does not.
    splits = [split for split in pnl.attributions if len(split.parts) > 1]
    blocks += [pnl_charts.attribution_waterfall(split, currency=pnl.currency) for split in splits]
    blocks += [_reconciliation(pnl.attributions, pnl.currency), statistics_table(pnl.statistics)]
    return Section(
        name="pnl",
        title="Profit and loss",
        lead=(
            f"From {formats.money(pnl.initial_equity, digits=2)} to "
            f"{formats.money(pnl.final_equity, digits=2)} {pnl.currency}, net of costs. "
            "Booked splits add up to the cent; an estimated split shows its residual."
        ),
        blocks=blocks,
    )


def statistics_table(statistics: Sequence[Statistic], *, title: str = "Performance") -> Table:
    """Return the measures beside the benchmark's."""
    return Table(
        title=title,
        columns=cells.columns("measure", "portfolio", "benchmark"),
        rows=[
            [
                cells.text(row.name),
                Cell(formats.measured(row.value, row.unit)),
                Cell(formats.measured(row.benchmark, row.unit)),
            ]
            for row in statistics
        ],
        note="Formulas, annualisation and degrees of freedom: docs/conventions.md.",
        wide=False,
    )


def _reconciliation(attributions: Sequence[Attribution], currency: str) -> Table:
    return Table(
        title=f"Do the parts add up? ({currency})",
        columns=cells.columns("split by", "kind", "parts", "residual", "total", words=2),
        rows=[
            [
                cells.text(row.by),
                cells.text("booked, to the cent" if row.exact else "estimated"),
                cells.gain(row.total - row.residual, digits=2),
                cells.gain(row.residual, digits=2),
                cells.gain(row.total, digits=2),
            ]
            for row in attributions
        ],
        wide=False,
    )


def trading_section(trading: TradingSection, currency: str) -> Section:
    """Return orders, controls, fills and costs."""
    paid = sum(cost.value for cost in trading.costs)
    return Section(
        name="trading",
        title="Trading",
        lead="Each order passed all nine layers of the pre-trade controls or was refused; "
        "fills come from the simulated venue, with spread, impact and fees.",
        figures=[
            KeyFigure(label="Orders", value=formats.count(trading.orders)),
            KeyFigure(label="Filled", value=formats.count(trading.filled)),
            KeyFigure(
                label="Refused",
                value=formats.count(trading.refused),
                tone=Tone.WARN if trading.refused else Tone.PLAIN,
            ),
            KeyFigure(
                label=f"Traded, {currency}",
                value=formats.money(trading.traded_notional),
                note=f"turnover {formats.ratio(trading.turnover, digits=1)} a year",
            ),
            KeyFigure(label=f"Costs, {currency}", value=formats.money(paid)),
        ],
        blocks=[
            _controls_table(trading.controls),
            Table(
                title=f"What trading cost ({currency})",
                columns=cells.columns("cost", "paid", "share"),
                rows=[
                    [
                        cells.text(cost.name),
                        cells.money(cost.value, digits=2),
                        cells.rate(cost.value / paid if paid else None, digits=1),
                    ]
                    for cost in trading.costs
                ],
                wide=False,
            ),
            Table(
                title="Refusals by reason",
                columns=cells.columns("reason", "orders"),
                rows=[[cells.text(row.name), cells.whole(row.value)] for row in trading.refusals],
                wide=False,
            ),
            _orders_table(trading, currency),
        ],
    )


def _controls_table(controls: Sequence[ControlRow]) -> Table:
    return Table(
        title="Pre-trade controls",
        columns=cells.columns("layer", "what it checks", "orders seen", "refused", words=2),
        rows=[
            [
                cells.text(str(row.layer)),
                cells.text(row.name),
                cells.whole(row.checked),
                Cell(formats.count(row.refused), Tone.WARN if row.refused else Tone.PLAIN),
            ]
            for row in controls
        ],
        note="Every layer answers for every order, so one order may be refused by several.",
        wide=False,
    )


def _orders_table(trading: TradingSection, currency: str) -> Table:
    headings = ("session", "symbol", "side", "status", "order", "quantity", "price", "fee")
    return Table(
        title=f"Last orders ({currency})",
        columns=cells.columns(*headings, words=5),
        rows=[
            [
                cells.text(formats.day(order.session)),
                cells.text(order.symbol),
                cells.text(order.side),
                cells.text(order.status),
                cells.text(order.cl_ord_id),
                cells.whole(order.quantity),
                cells.money(order.price, digits=4),
                cells.money(order.fee, digits=2),
            ]
            for order in trading.last_orders
        ],
    )
