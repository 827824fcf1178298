"""The morning report: what a risk manager reads in two minutes, as a page."""

from collections.abc import Sequence
from pathlib import Path

from infra.report import cells, formats, risk_charts
from infra.report.day import risk_figures
from infra.report.instrument_tables import multi_asset_risk_section
from infra.report.page import Block, Cell, KeyFigure, Notice, Page, Section, Table
from infra.report.risk_breakdown import groups_table, movement_table
from infra.report.risk_tables import (
    LIMIT_TONES,
    backtests_table,
    limits_table,
    stress_table,
    weekly_table,
)
from infra.report.writer import write_page
from risk.nightly import HEADLINE_METHOD, NightFailure, NightRow
from risk.profile import RiskProfile
from risk.score import Level
from risk.weekly import WeeklyRow
from services.nightly_risk import NightReport
from services.pnl_health import PnlHealth
from services.report import Tone
from services.report_findings import LEVEL_TONES, attribution_test_findings, risk_findings

HEADLINE_CONFIDENCE = 0.99
MOST_BOOKS = 25


def write_morning_report(
    profile: RiskProfile,
    night: NightReport,
    path: Path,
    *,
    weekly: WeeklyRow | None = None,
    beside: RiskProfile | None = None,
    health: PnlHealth | None = None,
) -> Path:
    """Write the morning report to `path` and return it."""
    page = morning_page(profile, night, weekly=weekly, beside=beside, health=health)
    return write_page(page, path)


def morning_page(
    profile: RiskProfile,
    night: NightReport,
    *,
    weekly: WeeklyRow | None = None,
    beside: RiskProfile | None = None,
    health: PnlHealth | None = None,
) -> Page:
    """Return the night over all books, and the profile of the portfolio, as a page.

    Parameters
    ----------
    weekly : WeeklyRow or None
        What the last long run found of the portfolio.
    beside : RiskProfile or None
        Of the multi-asset portfolio, shown after the books of the night.
    health : PnlHealth or None
        The P&L attribution test of the date: whether the risk models see the profit.
    """
    said = [*risk_findings(profile), *attribution_test_findings(health)]
    return Page(
        title="Morning risk report",
        kicker=f"Desk date {formats.day(profile.as_of)}",
        subtitle=f"Portfolio {profile.scope} and the {len(night.rows)} books of the night. Losses "
        "are positive.",
        figures=[
            *risk_figures(profile),
            KeyFigure(
                label="Gross leverage",
                value=formats.ratio(profile.exposure.leverage),
                note=f"net {formats.ratio(profile.exposure.net_leverage)}",
            ),
            KeyFigure(
                label="Drawdown now",
                value=formats.percent(profile.measures.drawdown),
                note=f"largest {formats.percent(profile.measures.max_drawdown)}",
            ),
            _failures_figure(night),
        ],
        findings=[Notice(text=item.text, tone=item.tone) for item in said],
        caveats_title="Read with this in mind",
        caveats=[Notice(text=text, tone=Tone.WARN) for text in profile.notes],
        sections=[
            _portfolio_section(profile),
            _evidence_section(profile, weekly),
            _books_section(night),
            *([] if beside is None else [multi_asset_risk_section(beside)]),
        ],
        footer=f"quantdesk · desk date {formats.day(profile.as_of)}. Figures come from the stored "
        "documents of the night.",
    )


def _failures_figure(night: NightReport) -> KeyFigure:
    return KeyFigure(
        label="Books measured",
        value=formats.count(len(night.rows)),
        note=f"{len(night.failures)} could not be measured",
        tone=Tone.BAD if night.failures else Tone.PLAIN,
    )


def _portfolio_section(profile: RiskProfile) -> Section:
    tone = LIMIT_TONES[profile.limit_state]
    blocks: list[Block] = [
        *(Notice(label="Recommendation.", text=t, tone=tone) for t in profile.recommendations),
        limits_table(profile.limits),
    ]
    blocks += risk_charts.stress_charts(profile.stresses, currency=profile.currency)
    blocks.append(
        risk_charts.signed_bars(
            name="exposure",
            title="Net exposure by sector",
            values=profile.exposure.sector_weights,
            unit="share of equity",
            tickformat=".0%",
        )
    )
    if profile.movement is not None:
        blocks.append(movement_table(profile.movement, profile.currency))
    if profile.stresses:
        blocks.append(stress_table(profile.stresses, profile.currency))
    if profile.decomposition:
        blocks.append(groups_table(profile.decomposition, profile.currency))
    return Section(name="portfolio", title=f"Portfolio {profile.scope}", blocks=blocks)


def _evidence_section(profile: RiskProfile, weekly: WeeklyRow | None) -> Section:
    blocks: list[Block] = []
    if profile.forecast is not None:
        blocks.append(
            risk_charts.forecast_against_outcome(profile.forecast, currency=profile.currency)
        )
    at_headline = [row for row in profile.backtests if row.confidence == HEADLINE_CONFIDENCE]
    blocks.append(backtests_table(at_headline, profile.backtest_basis))
    if profile.calibration.reliability:
        blocks.append(risk_charts.reliability(profile.calibration))
    if weekly is not None:
        blocks.append(weekly_table(weekly, profile.currency))
    return Section(name="evidence", title="Can the numbers be trusted?", blocks=blocks)


def _books_section(night: NightReport) -> Section:
    blocks: list[Block] = [_books_table(night.rows)]
    if night.failures:
        blocks.append(_failures_table(night.failures))
    return Section(name="books", title="All books of the night", blocks=blocks)


def _books_table(rows: Sequence[NightRow]) -> Table:
    """Return the riskiest books, in the order in which the night ranks them."""
    confidence = formats.confidence(HEADLINE_CONFIDENCE)
    titles = ("book", "level", "limits", "past", "worst stress")
    numbers = ("score", f"VaR {confidence}", "worst loss")
    left = len(rows) - MOST_BOOKS
    return Table(
        title="Riskiest first",
        columns=cells.columns(*titles, *numbers, words=5),
        rows=[
            [
                cells.text(row.name),
                Cell(row.level, LEVEL_TONES[Level(row.level)]),
                Cell(row.limit_state, LIMIT_TONES[row.limit_state]),
                cells.text(", ".join(row.breached) or formats.NOT_MEASURED),
                cells.text(_worst(row)[0].replace("_", " ")),
                cells.number(row.score, digits=0),
                cells.money(_headline_var(row)),
                cells.money(_worst(row)[1]),
            ]
            for row in rows[:MOST_BOOKS]
        ],
        note=f"{left} calmer books are stored beside these." if left > 0 else "",
    )


def _failures_table(failures: Sequence[NightFailure]) -> Table:
    return Table(
        title="Could not be measured",
        columns=cells.columns("book", "why", words=2),
        rows=[[cells.text(item.name), cells.text(item.reason)] for item in failures],
    )


def _headline_var(row: NightRow) -> float | None:
    return next(
        (
            method.value_at_risk
            for method in row.methods
            if method.method == HEADLINE_METHOD and method.confidence == HEADLINE_CONFIDENCE
        ),
        None,
    )


def _worst(row: NightRow) -> tuple[str, float | None]:
    return max(
        row.stresses.items(),
        key=lambda pair: pair[1],
        default=(formats.NOT_MEASURED, None),
    )
