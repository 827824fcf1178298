"""The risk of the final book, with its evidence, as a section of a page."""

from collections.abc import Sequence

from infra.report import formats, risk_charts
from infra.report.page import Block, Notice, Section
from infra.report.risk_breakdown import breakdown_blocks, measures_table
from infra.report.risk_tables import (
    LIMIT_TONES,
    backtests_table,
    limits_table,
    positions_table,
    stress_table,
    tails_table,
)
from risk.profile import RiskProfile
from services.report import Tone

MOST_COMPONENTS = 10


def risk_section(risk: RiskProfile) -> Section:
    """Return the risk profile: limits and recommendations first, then the numbers."""
    tone = LIMIT_TONES[risk.limit_state]
    blocks: list[Block] = [
        *(Notice(label="Recommendation.", text=t, tone=tone) for t in risk.recommendations),
        limits_table(risk.limits),
    ]
    if risk.forecast is not None:
        blocks.append(risk_charts.forecast_against_outcome(risk.forecast, currency=risk.currency))
    blocks += [
        tails_table(risk.tails, risk.currency),
        backtests_table(risk.backtests, risk.backtest_basis),
        *_charts(risk),
        stress_table(risk.stresses, risk.currency),
        *breakdown_blocks(risk),
        measures_table(risk.measures),
        positions_table(risk.positions, risk.currency),
        *(
            Notice(label=f"{left.symbol} is left out of some numbers.", text=left.reason,
                   tone=Tone.WARN)
            for left in risk.left_out
        ),
        *(Notice(text=text) for text in risk.notes),
    ]  # fmt: skip
    return Section(
        name="risk",
        title="Risk",
        lead=(
            f"The book after the close of {formats.day(risk.as_of)}, worth "
            f"{formats.money(risk.equity)} {risk.currency}. Losses are positive."
        ),
        blocks=blocks,
    )


def _charts(risk: RiskProfile) -> Sequence[Block]:
    charts: list[Block] = [*risk_charts.stress_charts(risk.stresses, currency=risk.currency)]
    charts.append(
        risk_charts.signed_bars(
            name="exposure",
            title="Net exposure by sector",
            values=risk.exposure.sector_weights,
            unit="share of equity",
            tickformat=".0%",
        )
    )
    measured = [(p.symbol, p.component_var) for p in risk.positions if p.component_var is not None]
    largest = sorted(measured, key=lambda pair: -abs(pair[1]))[:MOST_COMPONENTS]
    if largest:
        charts.append(
            risk_charts.signed_bars(
                name="component-var",
                title="Component value at risk by position",
                values=dict(largest),
                unit=risk.currency,
                tickformat=",.3~s",
                note=f"Normal, 99%, the {len(largest)} largest; all components (Euler) sum to the "
                "book's. Below zero hedges.",
            )
        )
    if risk.calibration.reliability:
        charts.append(risk_charts.reliability(risk.calibration))
    return charts
