"""The morning report: what a risk manager reads in two minutes, as a page."""

from collections.abc import Sequence
from pathlib import Path

from infra.report import cells, formats, risk_charts
from infra.report.day import risk_figures
from infra.report.instrument_tables import multi_asset_risk_section
from infra.report.night_tables import books_evidence_table, name_of_test
from infra.report.page import Block, Cell, KeyFigure, Notice, Page, Section, Table
from infra.report.risk_breakdown import groups_table, movement_table
from infra.report.risk_tables import (
    LIMIT_TONES,
    backtests_table,
    limits_table,
    stress_table,
    study_table,
    weekly_table,
)
from infra.report.writer import write_page
from risk.nightly import HEADLINE_METHOD, NightFailure, NightRow
from risk.profile import RiskProfile
from risk.score import Calibration, Level
from risk.tested import ALL_TESTS, NIGHT_TESTS
from services.morning import Morning
from services.morning_verdict import morning_verdict
from services.night_view import NightLine, line_of
from services.nightly_risk import NightReport
from services.portfolios import label_of
from services.report import Tone
from services.report_findings import LEVEL_TONES, attribution_test_findings

HEADLINE_CONFIDENCE = 0.99
MOST_BOOKS = 25


def write_morning_report(morning: Morning, path: Path) -> Path:
    """Write the morning report to `path` and return it."""
    return write_page(morning_page(morning), path)


def morning_page(morning: Morning) -> Page:
    """Return the verdict, the portfolio, its evidence, and the night over all books, as a page."""
    profile, night = morning.profile, morning.night
    verdict = morning_verdict(profile, night, before=morning.before)
    health = attribution_test_findings(morning.health)
    return Page(
        title="Morning risk report",
        kicker=f"Desk date {formats.day(profile.as_of)}",
        subtitle=f"Portfolio {profile.scope} and the {len(night.rows)} books of the night. Losses "
        "are positive.",
        figures=[
            *_behind_the_limits(profile),
            *(item for item in risk_figures(profile) if not item.label.startswith("1-day")),
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
        findings=[Notice(label=said.label, text=said.text, tone=said.tone) for said in verdict],
        caveats_title="Read with this in mind",
        caveats=[
            *(Notice(text=item.text, tone=item.tone) for item in health),
            *(Notice(text=text) for text in profile.notes),
        ],
        sections=[
            _portfolio_section(profile),
            _evidence_section(morning),
            _books_section(night),
            *([] if morning.beside is None else [multi_asset_risk_section(morning.beside)]),
        ],
        footer=f"quantdesk · desk date {formats.day(profile.as_of)}. Figures come from the stored "
        "documents of the night.",
    )


def _behind_the_limits(profile: RiskProfile) -> Sequence[KeyFigure]:
    """Return the VaR that the limits, the movement and the table of books are about."""
    at = [t for t in profile.tails if (t.confidence, t.horizon_days) == (HEADLINE_CONFIDENCE, 1)]
    own = next((t for t in at if t.method == HEADLINE_METHOD), None)
    if own is None:
        return []
    best = next((t for t in at if t.best and t.method != own.method), None)
    other = "" if best is None else f"; best scored: {formats.title(best.method)} "
    other += "" if best is None else formats.money(best.value_at_risk)
    return [
        KeyFigure(
            label=f"1-day VaR {formats.confidence(own.confidence)}, {profile.currency}",
            value=formats.money(own.value_at_risk),
            note=f"{formats.percent(own.var_fraction)} of equity, "
            f"{formats.title(own.method)}{other}",
        )
    ]


def _failures_figure(night: NightReport) -> KeyFigure:
    return KeyFigure(
        label="Books measured",
        value=formats.count(len(night.rows)),
        note=f"{len(night.failures)} could not be measured",
        tone=Tone.BAD if night.failures else Tone.PLAIN,
    )


def _portfolio_section(profile: RiskProfile) -> Section:
    tone = LIMIT_TONES[profile.limit_state]
    # The verdict above has the first of them.
    blocks: list[Block] = [
        *(Notice(label="Recommendation.", text=t, tone=tone) for t in profile.recommendations[1:]),
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


def _evidence_section(morning: Morning) -> Section:
    profile, weekly, study = morning.profile, morning.weekly, morning.study
    blocks: list[Block] = []
    if profile.forecast is not None:
        blocks.append(
            risk_charts.forecast_against_outcome(profile.forecast, currency=profile.currency)
        )
    at_headline = [row for row in profile.backtests if row.confidence == HEADLINE_CONFIDENCE]
    blocks.append(backtests_table(at_headline, profile.backtest_basis))
    if profile.calibration.reliability:
        blocks.append(risk_charts.reliability(profile.calibration))
    else:
        blocks.append(Notice(label="The score of this book.", text=_unfitted(profile.calibration)))
    if study is not None:
        blocks += [risk_charts.study_reliability(study), study_table(study)]
    if weekly is not None:
        blocks.append(weekly_table(weekly, profile.currency))
    return Section(name="evidence", title="Can the numbers be trusted?", blocks=blocks)


def _unfitted(calibration: Calibration) -> str:
    return (
        f"Today's weights were followed by the drawdown limit on {calibration.n_events} of "
        f"{calibration.n_days:,} past days: too seldom to judge forecasts of this book, so its "
        "chance is that of the curve that all books share. What its forecasts are worth on books "
        "that breach is below."
    )


def _books_section(night: NightReport) -> Section:
    lines = [line_of(row, night.weekly.get(row.name)) for row in night.rows]
    blocks: list[Block] = [_books_table(night.rows, lines)]
    if night.failures:
        blocks.append(_failures_table(night.failures))
    if any(row.evidence is not None for row in night.rows):
        blocks.append(books_evidence_table(night.rows[:MOST_BOOKS], confidence=HEADLINE_CONFIDENCE))
    return Section(name="books", title="All books of the night", blocks=blocks)


def _books_table(rows: Sequence[NightRow], lines: Sequence[NightLine]) -> Table:
    """Return the riskiest books, in the order in which the night ranks them."""
    confidence = formats.confidence(HEADLINE_CONFIDENCE)
    titles = ("book", "level", "limits", "past", "worst stress", "tests", "weekly run")
    numbers = ("score", f"VaR {confidence}", "worst loss")
    left = len(rows) - MOST_BOOKS
    return Table(
        title="Riskiest first",
        columns=cells.columns(*titles, *numbers, words=len(titles)),
        rows=[
            [
                cells.text(label_of(row.name)),
                Cell(row.level, LEVEL_TONES[Level(row.level)]),
                Cell(row.limit_state, LIMIT_TONES[row.limit_state]),
                cells.text(", ".join(map(formats.title, row.breached)) or formats.NOT_MEASURED),
                cells.text(formats.title(_worst(row)[0])),
                cells.text(f"{len(row.tests)} of {len(ALL_TESTS)}"),
                cells.text(formats.day(None if line.weekly is None else line.weekly.as_of)),
                cells.number(row.score, digits=0),
                cells.money(line.value_at_risk),
                cells.money(_worst(row)[1]),
            ]
            for row, line in zip(rows[:MOST_BOOKS], lines, strict=False)
        ],
        note=_tests_note(rows) + (f" {left} calmer books are stored beside these." * (left > 0)),
    )


def _tests_note(rows: Sequence[NightRow]) -> str:
    """Say what the counted tests are."""
    every = ", ".join(name_of_test(name) for name in ALL_TESTS)
    said = f"Tests of each estimator: {every}."
    if any(len(row.tests) < len(ALL_TESTS) for row in rows):
        few = ", ".join(name_of_test(name) for name in NIGHT_TESTS)
        said += f" A book whose life is not known carries {few}; the rest is the weekly run's."
    return said


def _failures_table(failures: Sequence[NightFailure]) -> Table:
    return Table(
        title="Could not be measured",
        columns=cells.columns("book", "why", words=2),
        rows=[[cells.text(label_of(item.name)), cells.text(item.reason)] for item in failures],
    )


def _worst(row: NightRow) -> tuple[str, float | None]:
    return max(
        row.stresses.items(),
        key=lambda pair: pair[1],
        default=(formats.NOT_MEASURED, None),
    )
