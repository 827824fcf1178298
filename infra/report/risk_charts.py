"""Charts of risk: forecasts beside outcomes, stress scenarios, exposure, components."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from infra.report import formats
from infra.report.page import Chart
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import bars, finite, roomy
from risk.profile import ForecastChart
from risk.score import Calibration
from risk.stress import StressResult
from services.score_study import ScoreStudy

LABEL_WIDTH = 24  # Letters of a bar's name in one line, so that the bars keep their room.


def forecast_against_outcome(forecast: ForecastChart, *, currency: str) -> Chart:
    """Draw realised P&L, the forecast value at risk below it, and the days it was exceeded."""
    sessions = [day.isoformat() for day in forecast.sessions]
    beyond = [
        (day, pnl)
        for day, pnl, bound in zip(sessions, forecast.realised, forecast.value_at_risk, strict=True)
        if pnl < -bound
    ]
    label = f"VaR {formats.confidence(forecast.confidence)}, {forecast.method.replace('_', ' ')}"
    shared = {"hovertemplate": "%{y:,.0f}"}
    return Chart(
        name="var-backtest",
        title="Value at risk against what happened",
        traces=[
            shared
            | {
                "type": "bar",
                "name": "realised P&L",
                "x": sessions,
                "y": finite(forecast.realised),
                "marker": {"color": "$reference", "line": {"width": 0}},
            },
            shared
            | {
                "type": "scatter",
                "mode": "lines",
                "name": label,
                "x": sessions,
                "y": finite(-bound for bound in forecast.value_at_risk),
                "line": {"color": "$accent", "width": 1.8, "shape": "hv"},
            },
            shared
            | {
                "type": "scatter",
                "mode": "markers",
                "name": f"exceeded ({len(beyond)})",
                "x": [day for day, _ in beyond],
                "y": [pnl for _, pnl in beyond],
                "marker": {"color": "$loss", "size": 7, "symbol": "circle"},
            },
        ],
        layout=layout(
            hovermode="x unified",
            bargap=0.0,
            xaxis=axis(showgrid=False, type="date", hoverformat="%Y-%m-%d"),
            yaxis=axis(title=axis_title(f"{currency} a session"), tickformat=",.3~s"),
        ),
        summary=f"{len(beyond)} of {len(sessions)} sessions lost more than the {label}.",
        height=340,
        note="Each forecast used what was known before its session. "
        f"Kupiec p {formats.p_value(forecast.kupiec_p)}.",
    )


def stress_charts(stresses: Sequence[StressResult], *, currency: str) -> Sequence[Chart]:
    """Draw the scenarios that are written down, and beside them what was found, if any was."""
    written = [row for row in stresses if not row.found]
    found = [row for row in stresses if row.found]
    charts = []
    if written:
        charts.append(_stress_bars("stress", "Stress scenarios", written, currency))
    if found:
        title = "Past windows, factor shocks and a reverse stress"
        charts.append(_stress_bars("stress-found", title, found, currency))
    return charts


def _stress_bars(name: str, title: str, stresses: Sequence[StressResult], currency: str) -> Chart:
    """Draw the book's P&L under each scenario, worst on top."""
    rows = sorted(stresses, key=lambda row: row.loss)
    values = [-row.loss for row in rows]
    return Chart(
        name=name,
        title=title,
        traces=[
            bars(
                ["<br>".join(wrap(row.title, LABEL_WIDTH)) for row in rows],
                values,
                colors=["$gain" if value >= 0 else "$loss" for value in values],
                texts=[formats.money(value, signed=True) for value in values],
            )
        ],
        layout=layout(
            showlegend=False,
            xaxis=axis(
                title=axis_title(f"P&L, {currency}"), tickformat=",.3~s", range=roomy(values)
            ),
            yaxis=axis(showgrid=False, type="category"),
        ),
        summary=f"{title}: P&L of the book under each.",
        height=90 + 38 * max(len(rows), 1),
        wide=False,
    )


def signed_bars(
    *,
    name: str,
    title: str,
    values: Mapping[str, float],
    unit: str,
    tickformat: str,
    note: str = "",
) -> Chart:
    """Draw one signed number a name, the largest size on top."""
    rows = sorted(values.items(), key=lambda row: abs(row[1]))
    return Chart(
        name=name,
        title=title,
        traces=[
            bars(
                [label for label, _ in rows],
                [value for _, value in rows],
                colors=["$accent" if value >= 0 else "$loss" for _, value in rows],
            )
        ],
        layout=layout(
            showlegend=False,
            xaxis=axis(title=axis_title(unit), tickformat=tickformat),
            yaxis=axis(showgrid=False, type="category"),
        ),
        summary=f"{title}, in {unit}.",
        height=90 + 26 * max(len(rows), 1),
        wide=False,
        note=note,
    )


def reliability(calibration: Calibration) -> Chart:
    """Draw how often a drawdown breach followed forecasts of each size; the diagonal is perfect."""
    bins = calibration.reliability
    top = max([0.05, *(max(b.forecast, b.observed) for b in bins)])
    brier = (
        f"Brier score {calibration.brier:.4f}, against {calibration.brier_climatology:.4f} for "
        f"always forecasting the frequency of before. The curve that all books share, judged on "
        f"the second half of history: {_base_rate(calibration)} of days were followed by a breach."
        if calibration.brier is not None and calibration.brier_climatology is not None
        else "Too few breaches in history to score."
    )
    return Chart(
        name="reliability",
        title="Is the risk score calibrated?",
        traces=[
            {
                "type": "scatter", "mode": "lines", "name": "perfect", "x": [0, top],
                "y": [0, top], "line": {"color": "$reference", "width": 1, "dash": "dot"},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter", "mode": "markers+lines", "name": "observed",
                "x": finite(b.forecast for b in bins), "y": finite(b.observed for b in bins),
                "customdata": [b.count for b in bins],
                "marker": {"color": "$accent", "size": 8},
                "line": {"color": "$accent", "width": 1.4},
                "hovertemplate": "forecast %{x:.1%}, observed %{y:.1%}, %{customdata} days"
                "<extra></extra>",
            },
        ],
        layout=layout(
            xaxis=axis(title=axis_title("forecast probability of a breach"), tickformat=".0%"),
            yaxis=axis(title=axis_title("how often it followed"), tickformat=".0%"),
        ),
        summary="Observed frequency of drawdown breaches against the forecast probability.",
        wide=False,
        note=brier,
    )  # fmt: skip


def _base_rate(calibration: Calibration) -> str:
    return formats.percent(calibration.base_rate)


def study_reliability(study: ScoreStudy) -> Chart:
    """Draw the reliability of the score's forecasts on each series that had no say in it."""
    shown = [row for row in study.late if row.untouched] or study.late
    top = max([0.05, *(max(b.forecast, b.observed) for row in shown for b in row.reliability)])
    colors = ("$accent", "$gain", "$loss")
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "name": "perfect", "x": [0, top], "y": [0, top],
            "line": {"color": "$reference", "width": 1, "dash": "dot"}, "hoverinfo": "skip",
        }
    ]  # fmt: skip
    for row, color in zip(shown, colors, strict=False):
        traces.append(
            {
                "type": "scatter", "mode": "markers+lines", "name": row.name,
                "x": finite(b.forecast for b in row.reliability),
                "y": finite(b.observed for b in row.reliability),
                "customdata": [b.count for b in row.reliability],
                "marker": {"color": color, "size": 8}, "line": {"color": color, "width": 1.4},
                "hovertemplate": "forecast %{x:.1%}, observed %{y:.1%}, %{customdata} days"
                "<extra></extra>",
            }
        )  # fmt: skip
    return Chart(
        name="study-reliability",
        title="Is the risk score calibrated?",
        traces=traces,
        layout=layout(
            xaxis=axis(title=axis_title("forecast probability of a breach"), tickformat=".0%"),
            yaxis=axis(title=axis_title("how often it followed"), tickformat=".0%"),
        ),
        summary="Observed frequency of drawdown breaches against the forecast probability.",
        wide=False,
        note=f"Series that had no say in the score, after {study.chosen_until}; the curve was "
        "fitted on other books before.",
    )
