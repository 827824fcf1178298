"""Charts of risk: forecasts beside outcomes, stress scenarios, exposure."""

from collections.abc import Sequence

from infra.report import formats
from infra.report.page import Chart
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import bars, roomy
from services.report import ExposureRow, ForecastSeries, StressRow


def forecast_against_outcome(forecast: ForecastSeries, *, currency: str) -> Chart:
    """Draw realised P&L, the forecast value at risk below it, and the days it was exceeded."""
    sessions = [day.isoformat() for day in forecast.sessions]
    boundary = [None if v is None else -v for v in forecast.value_at_risk]
    beyond = [
        (day, pnl)
        for day, pnl, bound in zip(sessions, forecast.realised, boundary, strict=True)
        if bound is not None and pnl < bound
    ]
    label = f"VaR {formats.percent(forecast.confidence, digits=1)}, {forecast.method}"
    return Chart(
        name="var-backtest",
        title="Value at risk against what happened",
        traces=[
            {
                "type": "bar",
                "name": "realised P&L",
                "x": sessions,
                "y": list(forecast.realised),
                "marker": {"color": "$reference", "line": {"width": 0}},
                "hovertemplate": "%{y:,.0f}",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": label,
                "x": sessions,
                "y": boundary,
                "line": {"color": "$accent", "width": 1.8, "shape": "hv"},
                "hovertemplate": "%{y:,.0f}",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"exceeded ({len(beyond)})",
                "x": [day for day, _ in beyond],
                "y": [pnl for _, pnl in beyond],
                "marker": {"color": "$loss", "size": 7, "symbol": "circle"},
                "hovertemplate": "%{y:,.0f}",
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
        note="Each forecast used what was known before its session.",
    )


def stress_bars(stresses: Sequence[StressRow], *, currency: str) -> Chart:
    """Draw the book's P&L under each scenario, worst on top."""
    rows = sorted(stresses, key=lambda row: row.loss)
    values = [-row.loss for row in rows]
    return Chart(
        name="stress",
        title="Stress scenarios",
        traces=[
            bars(
                [row.name for row in rows],
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
        summary="P&L of the final book under each stress scenario.",
        height=90 + 38 * max(len(rows), 1),
        wide=False,
    )


def sector_exposure(exposures: Sequence[ExposureRow], *, currency: str) -> Chart:
    """Draw long and short market value by sector."""
    rows = sorted(exposures, key=lambda row: row.long + row.short)
    names = [row.sector for row in rows]
    long = bars(names, [row.long for row in rows], colors="$accent", texts=None)
    short = bars(names, [-row.short for row in rows], colors="$loss", texts=None)
    has_short = any(row.short for row in rows)
    traces = [long | {"name": "long"}, short | {"name": "short"}] if has_short else [long]
    return Chart(
        name="exposure",
        title="Exposure by sector",
        traces=traces,
        layout=layout(
            showlegend=has_short,
            barmode="relative",
            xaxis=axis(title=axis_title(f"market value, {currency}"), tickformat=",.3~s"),
            yaxis=axis(showgrid=False, type="category"),
        ),
        summary="Market value of the final book by sector.",
        height=90 + 30 * max(len(rows), 1),
        wide=False,
    )
