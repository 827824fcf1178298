"""Where the risk comes from and what it rests on: splits, movement, covariance, tail shape."""

from collections.abc import Sequence

from infra.report import cells, formats
from infra.report.page import Block, Cell, Table
from risk.book_shape import CovarianceView, TailShape
from risk.groups import GroupRisk
from risk.movement import TailMovement
from risk.profile import BookMeasures, RiskProfile

MOST_TRADES = 5


def breakdown_blocks(risk: RiskProfile) -> Sequence[Block]:
    """Return the tables that the profile has something for."""
    blocks: list[Block] = []
    if risk.movement is not None:
        blocks.append(movement_table(risk.movement, risk.currency))
    if risk.decomposition:
        blocks.append(groups_table(risk.decomposition, risk.currency))
    if risk.covariances:
        blocks.append(_covariance_table(risk.covariances, risk.currency))
    if risk.tail_shape is not None:
        blocks.append(_shape_table(risk.tail_shape))
    return blocks


def movement_table(moved: TailMovement, currency: str) -> Table:
    """Return why the VaR behind the limits moved since the session before."""
    trades = list(moved.by_symbol.items())
    rows = [
        (f"99% VaR on {formats.day(moved.since)}" if moved.since else "99% VaR before", False,
         moved.before),
        ("Positions: what was traded", True, moved.positions),
        *((f"of it {symbol} alone", True, change) for symbol, change in trades[:MOST_TRADES]),
        ("Market data: prices, and the sessions that left and joined", True, moved.market_data),
        ("Model: method and lookback", True, moved.model),
        ("99% VaR now", False, moved.after),
    ]  # fmt: skip
    restated = (
        f" Yesterday's number is {formats.money(moved.restated, signed=True)} from what was "
        "published then: data were corrected, or code changed."
        if moved.restated is not None and abs(moved.restated) >= 1.0
        else ""
    )
    return Table(
        title=f"Why value at risk moved ({currency})",
        columns=cells.columns("what changed", "VaR"),
        rows=[
            [cells.text(name), Cell(formats.money(value, signed=signed))]
            for name, signed, value in rows
        ],
        wide=False,
        note="Historical, the estimate behind the limits. Changed one after the other in this "
        "order; the parts sum." + restated,
    )


def groups_table(rows: Sequence[GroupRisk], currency: str) -> Table:
    """Return the risk by strategy, sector and factor."""
    titles = ("by", "part", "exposure", "component VaR", "component ES", "marginal VaR")
    return Table(
        title=f"Risk by strategy, sector and factor ({currency})",
        columns=cells.columns(*titles, "without it, VaR falls by", words=2),
        rows=[
            [
                cells.text(row.by),
                cells.text(row.name),
                cells.money(row.exposure),
                cells.money(row.component_var),
                cells.money(row.component_es),
                cells.number(row.marginal_var, digits=4),
                cells.money(row.incremental_var),
            ]
            for row in rows
        ],
        note="At 99%. Components (Euler) of each split sum to the book's: normal VaR, historical "
        "ES. Factor exposure is P&L per unit return; specific is what no factor explains.",
    )


def measures_table(measures: BookMeasures) -> Table:
    """Return the single numbers of the book."""
    rows = [
        ("Beta to the benchmark", formats.ratio(measures.beta)),
        ("Beta, shrunk", formats.ratio(measures.shrunk_beta)),
        ("Beta on falling days", formats.ratio(measures.downside_beta)),
        ("Drawdown now", formats.percent(measures.drawdown)),
        ("Largest drawdown", formats.percent(measures.max_drawdown)),
        ("Drawdown at risk 95%", formats.percent(measures.drawdown_at_risk)),
        ("Conditional drawdown at risk 95%",
         formats.percent(measures.conditional_drawdown_at_risk)),
        ("Volatility, yearly", formats.percent(measures.volatility)),
        ("Sharpe ratio of its own life", formats.ratio(measures.sharpe)),
        ("Sortino ratio", formats.ratio(measures.sortino)),
        ("Calmar ratio", formats.ratio(measures.calmar)),
        ("Average correlation", formats.ratio(measures.average_correlation)),
        ("Absorption ratio", formats.percent(measures.absorption_ratio)),
        ("Correlation break, p", formats.p_value(measures.correlation_break_p)),
        ("Effective number of bets", formats.ratio(measures.effective_bets, digits=1)),
        ("Liquidity-adjusted VaR 99%", formats.money(measures.liquidity_adjusted_var)),
        ("Cost of liquidation", formats.money(measures.liquidation_cost)),
        ("of it half the spread", formats.money(measures.spread_cost)),
        ("Longest days to liquidate", formats.ratio(measures.longest_days_to_liquidate)),
        ("Probability of a drawdown breach", formats.percent(measures.breach_probability)),
    ]  # fmt: skip
    return Table(
        title="Other measures of the book",
        columns=cells.columns("measure", "value"),
        rows=[[cells.text(name), Cell(value)] for name, value in rows],
        wide=False,
    )


def _covariance_table(rows: Sequence[CovarianceView], currency: str) -> Table:
    titles = ("covariance", "volatility", "VaR 99%", "average correlation", "condition")
    return Table(
        title=f"The same book under each covariance ({currency})",
        columns=cells.columns(*titles),
        rows=[
            [
                cells.text(formats.title(row.estimate)),
                cells.rate(row.volatility),
                cells.money(row.value_at_risk),
                cells.number(row.average_correlation),
                cells.number(row.condition, digits=0),
            ]
            for row in rows
        ],
        wide=False,
        note="Normal, zero mean. Components and stresses use Ledoit and Wolf's.",
    )


def _shape_table(shape: TailShape) -> Table:
    xi = formats.ratio(shape.pareto_shape)
    error = formats.ratio(shape.pareto_shape_error)
    rows = [
        ("Hill tail index, worst 5%", formats.ratio(shape.hill)),
        ("Generalised Pareto shape (error)", f"{xi} ({error})"),
        ("Tail ratio, 95% over 5%", formats.ratio(shape.tail_ratio)),
        ("Tail dependence on the market, 5%", formats.ratio(shape.market_tail_dependence)),
        ("Tail dependence between holdings", formats.ratio(shape.average_tail_dependence)),
        *(
            (f"Pareto shape above the {formats.confidence(row.quantile)} threshold",
             f"{formats.ratio(row.shape)} ({formats.ratio(row.shape_error)})")
            for row in shape.thresholds
        ),
    ]  # fmt: skip
    return Table(
        title="How heavy is the tail?",
        columns=cells.columns("measure", "value"),
        rows=[[cells.text(name), Cell(value)] for name, value in rows],
        wide=False,
        note="Of today's book over the lookback. A good threshold is one above which the shape "
        "holds still within its error.",
    )
