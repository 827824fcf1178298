"""The day's report as a page: the headline row, then one section for each step of the batch."""

from collections.abc import Sequence

from infra.report import formats
from infra.report.cells import sign_tone
from infra.report.day_sections import lineage_section, market_section, model_section
from infra.report.page import KeyFigure, Notice, Page
from infra.report.pnl_section import pnl_section, trading_section
from infra.report.risk_section import LEVEL_TONES, risk_section
from services.report import DayReport, PnlSection, RiskSection, Tone


def day_page(report: DayReport) -> Page:
    """Return the day's report as a page."""
    return Page(
        title="Day report",
        kicker=f"Desk date {formats.day(report.desk_date)}",
        subtitle=(
            f"Fund {report.fund}, portfolio {report.portfolio}, strategy {report.strategy}: "
            f"{report.trading.sessions} sessions traded out of sample, "
            f"{formats.day(report.trading.first_session)} to "
            f"{formats.day(report.trading.last_session)}, net of costs."
        ),
        figures=_headline(report),
        findings=[Notice(text=item.text, tone=item.tone) for item in report.findings],
        reality=[
            Notice(
                text=item.text,
                label=f"{item.subject}: {'simulated' if item.simulated else 'real'}.",
                tone=Tone.WARN if item.simulated else Tone.GOOD,
            )
            for item in report.reality
        ],
        sections=[
            pnl_section(report.pnl),
            risk_section(report.risk),
            model_section(report.model),
            trading_section(report.trading, report.pnl.currency),
            market_section(report.market),
            lineage_section(report.lineage),
        ],
        footer=(
            f"quantdesk · desk date {formats.day(report.desk_date)} · seed "
            f"{report.lineage.seed} · code {report.lineage.code_commit}. Figures are computed "
            "from the data and settings named under Lineage; they are no investment advice."
        ),
    )


def _headline(report: DayReport) -> Sequence[KeyFigure]:
    return [
        *_pnl_figures(report.pnl),
        *_risk_figures(report.risk),
        KeyFigure(
            label="Model verdict",
            value="Baseline wins" if report.model.baseline_wins else "Model wins",
            note=f"{'promoted' if report.model.promoted else 'champion unchanged'}: "
            f"{report.model.champion}",
            tone=Tone.WARN if report.model.baseline_wins else Tone.GOOD,
        ),
    ]


def _pnl_figures(pnl: PnlSection) -> Sequence[KeyFigure]:
    earned = float(pnl.final_equity / pnl.initial_equity) - 1.0
    rival = _span_return(pnl)
    by_name = {row.name: row for row in pnl.statistics}
    figures = [
        KeyFigure(
            label=f"Net P&L, {pnl.currency}",
            value=formats.money(pnl.total_pnl, signed=True),
            note=f"on {formats.money(pnl.initial_equity)}",
            tone=sign_tone(pnl.total_pnl),
        ),
        KeyFigure(
            label="Total return",
            value=formats.percent(earned, signed=True),
            note=f"benchmark {formats.percent(rival, signed=True)}",
            tone=sign_tone(earned),
        ),
    ]
    figures.extend(
        KeyFigure(
            label=row.name,
            value=formats.measured(row.value, row.unit),
            note=f"benchmark {formats.measured(row.benchmark, row.unit)}",
        )
        for name in ("Sharpe ratio", "Maximum drawdown")
        if (row := by_name.get(name)) is not None
    )
    return figures


def _risk_figures(risk: RiskSection) -> Sequence[KeyFigure]:
    figures = []
    tail = min(
        (row for row in risk.tails if row.horizon == 1),
        key=lambda row: (not row.best, abs(row.confidence - 0.99)),
        default=None,
    )
    if tail is not None:
        share = tail.value_at_risk / risk.equity if risk.equity else None
        figures.append(
            KeyFigure(
                label=f"1-day VaR {formats.percent(tail.confidence, digits=1)}, {risk.currency}",
                value=formats.money(tail.value_at_risk),
                note=f"{formats.percent(share)} of equity, {tail.method}",
            )
        )
    figures.append(
        KeyFigure(
            label="Risk level",
            value=risk.level,
            note=f"score {formats.ratio(risk.score, digits=0)} of 100",
            tone=LEVEL_TONES.get(risk.level, Tone.PLAIN),
        )
    )
    return figures


def _span_return(pnl: PnlSection) -> float | None:
    values = [value for value in pnl.benchmark.values if value is not None]
    return values[-1] / values[0] - 1.0 if len(values) > 1 else None
