"""Tests of the tear sheet and the morning report."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.report import formats, write_morning_report, write_tear_sheet
from infra.report.formats import MINUS, NOT_MEASURED
from infra.report.morning import morning_page
from infra.report.page import Chart, Page, Table
from infra.report.tear_sheet import tear_sheet_page
from risk.night_methods import MethodRow
from risk.nightly import NightFailure, NightRow
from services.morning import Morning
from services.nightly_risk import NightReport
from services.pnl_figures import sureness_of
from services.report import DayReport, Tone
from services.tear_sheet import TearSheet, tear_sheet


@pytest.fixture(scope="module")
def sheet(day_report: DayReport) -> TearSheet:
    return tear_sheet("EQUITY", day_report.performance, day_report.attributions)


@pytest.fixture(scope="module")
def night(day_report: DayReport) -> NightReport:
    def row(name: str, score: float, level: str, state: str) -> NightRow:
        return NightRow(
            name=name,
            methods=(
                MethodRow(
                    method="historical",
                    confidence=0.99,
                    value_at_risk=123_456.0,
                    expected_shortfall=150_000.0,
                    n_days=500,
                    exceedances=5,
                    kupiec_p=0.9,
                    christoffersen_p=0.8,
                ),
            ),
            component_var={"JPM": 1.0},
            component_es={"JPM": 1.0},
            stresses={"market_crash": 9e5, "rates": -1e4},
            score=score,
            level=level,
            limit_state=state,
            breached=("value_at_risk_99",) if state == "hard" else (),
        )

    return NightReport(
        as_of=day_report.desk_date,
        rows=(row("EQUITY", 91.0, "CRITICAL", "hard"), row("momentum", 12.0, "LOW", "ok")),
        failures=(NightFailure("EMPTY", "the exposures hold NaN"),),
    )


def tables(page: Page) -> dict[str, Table]:
    return {b.title: b for s in page.sections for b in s.blocks if isinstance(b, Table)}


def charts(page: Page) -> list[str]:
    return [b.name for s in page.sections for b in s.blocks if isinstance(b, Chart)]


def test_the_tear_sheet_shows_the_record_over_time(sheet: TearSheet) -> None:
    page = tear_sheet_page(sheet)

    assert set(charts(page)) >= {
        "equity", "months", "rolling-sharpe", "rolling-volatility", "rolling-drawdown",
        "rolling-beta", "histogram",
    }  # fmt: skip
    shown = tables(page)["How sure is that?"]
    assert [[cell.text for cell in row] for row in shown.rows][:2] == [
        ["Sharpe ratio", "0.21", f"{MINUS}1.10 to 1.52"],
        ["Sortino ratio", NOT_MEASURED, NOT_MEASURED],
    ]
    assert shown.columns[2].title == "95% interval"
    assert "1,000 resamples of blocks of 8 sessions" in shown.note


def test_a_record_stored_before_intervals_says_so(sheet: TearSheet) -> None:
    old = replace(sheet, performance=replace(sheet.performance, sureness=None))

    shown = tables(tear_sheet_page(old))["How sure is that?"]
    assert (shown.columns[2].title, shown.note[:23]) == ("interval", "Stored before intervals")


def test_a_record_too_short_for_intervals_says_so(sheet: TearSheet) -> None:
    short = replace(sheet, performance=replace(sheet.performance, sureness=sureness_of(12)))

    note = tables(tear_sheet_page(short))["Performance"].note
    assert "No intervals: 12 periods are fewer than the 20 that intervals need." in note


def test_the_tear_sheet_is_the_same_file_twice(sheet: TearSheet, tmp_path: Path) -> None:
    first = write_tear_sheet(sheet, tmp_path / "a.html").read_bytes()

    assert write_tear_sheet(sheet, tmp_path / "b.html").read_bytes() == first


def test_the_morning_report_ranks_the_books_and_names_what_failed(
    day_report: DayReport, night: NightReport
) -> None:
    shown = tables(morning_page(Morning(profile=day_report.risk, night=night)))

    riskiest, calm = shown["Riskiest first"].rows
    assert [cell.text for cell in riskiest] == [
        "EQUITY", "CRITICAL", "hard", "Value at risk 99%", "Market crash",
        "6 of 11", formats.NOT_MEASURED, "91", "123,456", "900,000",
    ]  # fmt: skip
    assert riskiest[1].tone is Tone.BAD
    assert calm[0].text == "momentum"
    (failure,) = shown["Could not be measured"].rows
    assert [cell.text for cell in failure] == ["EMPTY", "the exposures hold NaN"]


def test_the_morning_report_leads_with_what_the_figures_say(
    day_report: DayReport, night: NightReport
) -> None:
    page = morning_page(Morning(profile=day_report.risk, night=night))

    assert [item.label for item in page.findings][:3] == ["Level.", "Breaches.", "To do."]
    assert any(item.label == "Books." for item in page.findings)
    assert page.sections[0].title == "Portfolio EQUITY"


def test_a_night_without_failures_needs_no_table_for_them(
    day_report: DayReport, night: NightReport
) -> None:
    page = morning_page(Morning(profile=day_report.risk, night=replace(night, failures=())))

    assert "Could not be measured" not in tables(page)


def test_the_morning_report_is_one_file(
    day_report: DayReport, night: NightReport, tmp_path: Path
) -> None:
    path = write_morning_report(
        Morning(profile=day_report.risk, night=night), tmp_path / "morning.html"
    )

    assert path.read_text(encoding="utf-8").count("* plotly.js v") == 1
