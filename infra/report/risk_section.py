"""The risk of the final book, with its evidence, as a section of a page."""

from collections.abc import Sequence

from infra.report import cells, formats, model_charts, risk_charts
from infra.report.page import Block, Cell, Notice, Section, Table
from services.report import (
    BacktestRow,
    Contribution,
    LimitRow,
    PositionRow,
    RiskSection,
    Statistic,
    StressRow,
    TailRow,
    Tone,
)

LEVEL_TONES = {"LOW": Tone.GOOD, "MEDIUM": Tone.PLAIN, "HIGH": Tone.WARN, "CRITICAL": Tone.BAD}
STATE_TONES = {"ok": Tone.PLAIN, "warn": Tone.WARN, "soft": Tone.WARN, "hard": Tone.BAD}
ZONE_TONES = {"green": Tone.GOOD, "yellow": Tone.WARN, "red": Tone.BAD}


def risk_section(risk: RiskSection) -> Section:
    """Return the risk profile: limits and recommendations first, then the numbers."""
    blocks: list[Block] = [
        Notice(label="Recommendation.", text=text, tone=Tone.WARN) for text in risk.recommendations
    ]
    blocks.append(limits_table(risk.limits))
    if risk.forecast is not None:
        blocks.append(risk_charts.forecast_against_outcome(risk.forecast, currency=risk.currency))
    blocks += [
        _tails_table(risk.tails, risk.currency),
        _backtests_table(risk.backtests),
        risk_charts.stress_bars(risk.stresses, currency=risk.currency),
        risk_charts.sector_exposure(risk.exposures, currency=risk.currency),
        _stress_table(risk.stresses, risk.currency),
        _measures_table(risk.measures),
    ]
    components = [
        Contribution(name=row.symbol, value=row.component_var)
        for row in risk.positions
        if row.component_var is not None
    ]
    if components:
        blocks.append(
            model_charts.ranked_bars(
                name="component-var",
                title="Component value at risk by position",
                rows=components,
                unit=risk.currency,
            )
        )
    blocks.append(_positions_table(risk.positions, risk.currency))
    blocks += [Notice(label="Left out.", text=text, tone=Tone.WARN) for text in risk.left_out]
    blocks += [Notice(text=text) for text in risk.notes]
    return Section(
        name="risk",
        title="Risk",
        lead=(
            f"The book after the close of {formats.day(risk.as_of)}, worth "
            f"{formats.money(risk.equity)} {risk.currency}. Losses are positive; one session "
            "ahead unless a horizon is named."
        ),
        blocks=blocks,
    )


def limits_table(limits: Sequence[LimitRow]) -> Table:
    """Return the limits, the most used first."""
    rows = sorted(limits, key=lambda row: -(row.utilisation or 0.0))
    titles = ("metric", "scope", "state", "used", "value", "warn", "hard limit")
    return Table(
        title="Limits",
        columns=cells.columns(*titles, words=3),
        rows=[
            [
                cells.text(row.metric),
                cells.text(row.scope),
                Cell(row.state, STATE_TONES.get(row.state, Tone.PLAIN)),
                Cell(
                    formats.percent(row.utilisation, digits=0),
                    STATE_TONES.get(row.state, Tone.PLAIN),
                    share=row.utilisation,
                ),
                *(
                    Cell(formats.measured(value, row.unit))
                    for value in (row.value, row.warn, row.hard)
                ),
            ]
            for row in rows
        ],
        note="From policy/limits.toml; the pre-trade controls ask the same evaluator.",
    )


def _tails_table(tails: Sequence[TailRow], currency: str) -> Table:
    titles = ("method", "quantile rule", "horizon", "confidence", "VaR", "expected shortfall")
    return Table(
        title=f"Value at risk and expected shortfall ({currency})",
        columns=cells.columns(*titles, words=2),
        rows=[
            [
                Cell(row.method + (" ★" if row.best else ""), mark=row.best),
                cells.text(row.quantile_rule),
                cells.whole(row.horizon),
                cells.rate(row.confidence, digits=1),
                cells.money(row.value_at_risk),
                cells.money(row.expected_shortfall),
            ]
            for row in tails
        ],
        note="Horizon in sessions."
        + (" ★ scored best on the book's own history." if any(r.best for r in tails) else ""),
    )


def _backtests_table(rows: Sequence[BacktestRow]) -> Table:
    titles = ("method", "zone", "confidence", "sessions", "expected", "exceeded")
    return Table(
        title="Did the forecasts hold?",
        columns=cells.columns(*titles, "Kupiec p", "Christoffersen p", words=2),
        rows=[
            [
                cells.text(row.method),
                Cell(row.zone, ZONE_TONES.get(row.zone, Tone.PLAIN)),
                cells.rate(row.confidence, digits=1),
                cells.whole(row.observations),
                cells.number(row.expected, digits=1),
                cells.whole(row.exceedances),
                cells.p_value(row.kupiec_p_value),
                cells.p_value(row.christoffersen_p_value),
            ]
            for row in rows
        ],
        note="A p-value under 0.05 (amber) says that the forecast and what happened disagree.",
    )


def _stress_table(rows: Sequence[StressRow], currency: str) -> Table:
    titles = ("scenario", "what happens", "hit hardest", f"P&L, {currency}", "of equity")
    return Table(
        title="Stress scenarios in words",
        columns=cells.columns(*titles, words=3),
        rows=[
            [
                cells.text(row.name),
                cells.text(row.description),
                cells.text(row.worst_part),
                cells.gain(-row.loss),
                cells.rate(None if row.share_of_equity is None else -row.share_of_equity),
            ]
            for row in sorted(rows, key=lambda row: -row.loss)
        ],
    )


def _measures_table(rows: Sequence[Statistic]) -> Table:
    return Table(
        title="Other measures of the book",
        columns=cells.columns("measure", "value"),
        rows=[[cells.text(row.name), Cell(formats.measured(row.value, row.unit))] for row in rows],
        wide=False,
    )


def _positions_table(rows: Sequence[PositionRow], currency: str) -> Table:
    titles = ("symbol", "sector", "quantity", "market value", "weight", "component VaR")
    return Table(
        title=f"Positions ({currency})",
        columns=cells.columns(*titles, words=2),
        rows=[
            [
                cells.text(row.symbol),
                cells.text(row.sector),
                cells.whole(row.quantity),
                cells.money(row.market_value),
                cells.rate(row.weight),
                cells.money(row.component_var),
            ]
            for row in sorted(rows, key=lambda row: -abs(row.market_value))
        ],
        note="Components (Euler) sum to the book's value at risk.",
    )
