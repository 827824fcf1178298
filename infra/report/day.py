"""The day's report as a page: the headline row, then one section for each step of the batch."""

from collections.abc import Sequence

from infra.report import formats
from infra.report.cells import sign_tone
from infra.report.day_sections import lineage_section, market_section, model_section
from infra.report.multi_asset_section import multi_asset_section
from infra.report.page import KeyFigure, Notice, Page
from infra.report.pnl_section import pnl_section
from infra.report.risk_section import risk_section
from infra.report.service_section import service_section
from infra.report.trading_section import trading_section
from risk.profile import RiskProfile
from services.pnl_performance import Performance
from services.report import DayReport, ModelSection, Tone
from services.report_findings import LEVEL_TONES

HEADLINE_CONFIDENCE = 0.99
HEADLINE_FIGURES = ("sharpe_ratio", "max_drawdown")


def day_page(report: DayReport) -> Page:
    """Return the day's report as a page."""
    trading = report.trading
    strategies = ", ".join(row.strategy for row in trading.strategies)
    return Page(
        title="Day report",
        kicker=f"Desk date {formats.day(report.desk_date)}",
        subtitle=(
            f"Fund {report.fund}, portfolio {report.portfolio}, strategies {strategies}: "
            f"{trading.sessions} sessions traded out of sample, "
            f"{formats.span(trading.first_session, trading.last_session)}, net of costs."
        ),
        figures=headline(report),
        findings=[Notice(text=item.text, tone=item.tone) for item in report.findings],
        caveats=[
            Notice(
                text=item.text,
                label=f"{'Simulated' if item.simulated else 'Real'} · {item.subject}:",
                tone=Tone.WARN if item.simulated else Tone.GOOD,
            )
            for item in report.reality
        ],
        sections=[
            pnl_section(report),
            risk_section(report.risk),
            *([multi_asset_section(report.multi_asset)] if report.multi_asset else []),
            model_section(report.model),
            service_section(report.service),
            trading_section(trading, report.performance.currency),
            market_section(report.datasets),
            lineage_section(report.lineage),
        ],
        footer=(
            f"quantdesk · desk date {formats.day(report.desk_date)} · seed "
            f"{report.lineage.seed} · code {report.lineage.code_commit}. Figures are computed "
            "from the data and code named under Lineage; they are no investment advice."
        ),
    )


def headline(report: DayReport) -> Sequence[KeyFigure]:
    """Return the figures of the first row, which the terminal shows too."""
    return [
        *performance_figures(report.performance),
        *risk_figures(report.risk),
        _verdict_figure(report.model),
    ]


def performance_figures(performance: Performance) -> Sequence[KeyFigure]:
    """Return profit, return, and risk taken for it, beside the benchmark's."""
    by_name = {row.name: row for row in performance.figures}
    earned = by_name["total_return"]
    return [
        KeyFigure(
            label=f"Net P&L, {performance.currency}",
            value=formats.money(performance.total_pnl, signed=True),
            note=f"on {formats.money(performance.initial_capital)}",
            tone=sign_tone(performance.total_pnl),
        ),
        KeyFigure(
            label="Total return",
            value=formats.percent(earned.value, signed=True),
            note=f"benchmark {formats.percent(earned.benchmark, signed=True)}",
            tone=sign_tone(earned.value),
        ),
        *(
            KeyFigure(
                label=formats.title(row.name),
                value=formats.measured(row.value, row.unit),
                note=f"benchmark {formats.measured(row.benchmark, row.unit)}",
            )
            for row in (by_name[name] for name in HEADLINE_FIGURES)
        ),
    ]


def risk_figures(risk: RiskProfile) -> Sequence[KeyFigure]:
    """Return the value at risk that scored best on the book's history, and the level."""
    tails = [t for t in risk.tails if t.confidence == HEADLINE_CONFIDENCE and t.horizon_days == 1]
    figures = []
    if tails:
        tail = next((t for t in tails if t.best), tails[0])
        level = formats.confidence(tail.confidence)
        figures.append(
            KeyFigure(
                label=f"1-day VaR {level}, {risk.currency}",
                value=formats.money(tail.value_at_risk),
                note=f"{formats.percent(tail.var_fraction)} of equity, "
                f"{formats.title(tail.method)}",
            )
        )
    figures.append(
        KeyFigure(
            label="Risk level",
            value=risk.level.value,
            note=f"score {formats.ratio(risk.score, digits=0)} of 100",
            tone=LEVEL_TONES[risk.level],
        )
    )
    return figures


def _verdict_figure(model: ModelSection) -> KeyFigure:
    verdict = model.verdict
    return KeyFigure(
        label="Model verdict",
        value="Baseline wins" if verdict.baseline_wins else "Beats baseline",
        note=f"champion: {model.champion}",
        tone=Tone.GOOD if verdict.promoted else Tone.WARN,
    )
