"""Tests of the charts: what they draw, in a form that plotly accepts."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import plotly.graph_objects as go
import pytest

from infra.report import pnl_charts, risk_charts
from infra.report.day import day_page
from infra.report.formats import MINUS
from infra.report.page import Chart, Table
from infra.report.pnl_section import intraday_blocks
from infra.report.theme import PALETTES
from pnl.attribution import Attribution, AttributionPart
from risk.profile import ForecastChart
from risk.stress import Basis, StressResult
from services.pnl_performance import MonthFigure
from services.report import DayReport


def charts_of(report: DayReport) -> list[Chart]:
    return [b for s in day_page(report).sections for b in s.blocks if isinstance(b, Chart)]


def painted(value, palette):
    if isinstance(value, str) and value.startswith("$"):
        return palette[value[1:]]
    if isinstance(value, dict):
        return {key: painted(item, palette) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [painted(item, palette) for item in value]
    return value


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_every_chart_in_both_themes(day_report: DayReport, theme: str) -> None:
    charts = charts_of(day_report)

    # plotly's own validators refuse an unknown property, a bad colour or a wrong type.
    figures = [
        go.Figure(
            data=[painted(dict(trace), PALETTES[theme]) for trace in chart.traces],
            layout=painted(dict(chart.layout), PALETTES[theme]),
        )
        for chart in charts
    ]

    assert len(figures) >= 9
    assert all(figure.data for figure in figures)


def test_both_palettes_name_the_same_colours() -> None:
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted", "accent", "gain", "loss", "warn"])
def test_text_colours_reach_a_contrast_of_four_and_a_half(theme: str, name: str) -> None:
    # WCAG 2.2, success criterion 1.4.3.
    palette = PALETTES[theme]
    assert contrast(palette[name], palette["paper"]) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_chart_has_a_place_of_its_own_and_says_what_it_shows(day_report: DayReport) -> None:
    charts = charts_of(day_report)
    names = [chart.name for chart in charts]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][a-z0-9-]*", name) for name in names)
    assert all(chart.summary for chart in charts)


def test_the_waterfall_goes_from_the_parts_and_the_residual_to_the_total() -> None:
    chart = pnl_charts.attribution_waterfall(
        Attribution(
            by="risk factor",
            currency="USD",
            start=date(2022, 1, 3),
            end=date(2022, 1, 7),
            parts=(
                AttributionPart(name="market", pnl=Decimal("100.00")),
                AttributionPart(name="momentum", pnl=Decimal("-30.00")),
            ),
            residual=Decimal("5.00"),
            total=Decimal("75.00"),
            exact=False,
        )
    )

    (trace,) = chart.traces
    assert trace["x"] == ["market", "momentum", "residual", "total"]
    assert trace["y"] == [100.0, -30.0, 5.0, 75.0]
    assert trace["measure"] == ["relative", "relative", "relative", "total"]


def test_a_year_compounds_its_months() -> None:
    chart = pnl_charts.monthly_heat_map(
        [MonthFigure(year=2021, month=3, value=0.10), MonthFigure(year=2021, month=7, value=-0.10)]
    )

    months, year = chart.traces
    assert months["z"][0][2] == 0.10
    assert months["z"][0][0] is None
    assert year["z"][0][0] == pytest.approx(1.1 * 0.9 - 1.0)


def test_the_hours_of_the_day_sum_to_it_and_are_called_simulated(day_report: DayReport) -> None:
    chart, table = intraday_blocks(day_report)

    assert isinstance(chart, Chart)
    assert isinstance(table, Table)
    so_far, hours = chart.traces
    assert sum(hours["y"]) == so_far["y"][-1] == 16.0
    assert hours["marker"]["color"][:3] == ["$gain", "$loss", "$gain"]
    assert hours["customdata"][0] == "14:30 to 15:00"
    assert "(simulated)" in chart.title
    assert "SIMULATED ticks" in chart.note
    assert [column.title for column in table.columns] == [
        "until, UTC", "model", "momentum", "profit", "so far",
    ]  # fmt: skip
    assert [cell.text for cell in table.rows[1]] == [
        "16:00", f"{MINUS}25.00", "+12.00", f"{MINUS}13.00", f"{MINUS}7.00",
    ]  # fmt: skip
    assert table.rows[-1][-1].text == "+16.00"
    assert "The books say +16.00" in table.note


def test_a_day_that_is_not_replayed_yet_shows_no_hours(day_report: DayReport) -> None:
    assert intraday_blocks(replace(day_report, intraday=None)) == []


def test_only_a_loss_beyond_the_forecast_is_an_exceedance() -> None:
    chart = risk_charts.forecast_against_outcome(
        ForecastChart(
            method="historical",
            confidence=0.99,
            sessions=tuple(date(2022, 1, day) for day in (3, 4, 5, 6)),
            realised=(-10.0, -10.1, 50.0, -9.0),
            value_at_risk=(10.0, 10.0, 10.0, 10.0),
            kupiec_p=0.5,
        ),
        currency="USD",
    )

    # A loss equal to the forecast does not exceed it.
    assert chart.traces[2]["x"] == ["2022-01-04"]


def stressed(title: str, loss: float, *, found: bool = False) -> StressResult:
    return StressResult(
        name=title,
        title=title,
        description="",
        basis=Basis.REVALUATION,
        loss=loss,
        loss_fraction=loss / 100,
        contributions={},
        found=found,
    )


def test_a_stress_loss_is_drawn_below_zero_and_the_worst_on_top() -> None:
    rows = [stressed("mild", 5.0), stressed("crash", 80.0), stressed("relief", -3.0)]

    (chart,) = risk_charts.stress_charts(rows, currency="USD")

    (trace,) = chart.traces
    assert trace["y"][-1] == "crash"  # plotly draws the last category on top
    assert trace["x"] == [3.0, -5.0, -80.0]


def test_what_was_found_stands_apart_from_what_is_written_down() -> None:
    rows = [stressed("crash", 80.0), stressed("reverse", 500.0, found=True)]

    written, found = risk_charts.stress_charts(rows, currency="USD")

    assert list(written.traces[0]["y"]) == ["crash"]
    assert list(found.traces[0]["y"]) == ["reverse"]


def test_without_a_scenario_there_is_no_chart() -> None:
    assert list(risk_charts.stress_charts([], currency="USD")) == []
