"""Charts of profit and loss. No chart computes a statistic of its own."""

from collections.abc import Sequence
from datetime import date, datetime
from textwrap import wrap
from typing import Any

from infra.report import formats
from infra.report.page import Chart
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import line, roomy
from pnl.attribution import Attribution
from services.pnl_performance import MonthFigure, Performance
from services.report import IntradaySection

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDE_FROM, MOST_LABELS = 6, 12
LABEL_WIDTH = 14  # Letters of a bar's name in one line, so that it stands upright.


def equity_with_drawdown(performance: Performance) -> Chart:
    """Draw the value of the portfolio and the benchmark, their drawdowns underneath."""
    days = performance.sessions
    beneath: dict[str, Any] = {"yaxis": "y2", "showlegend": False, "hovertemplate": "%{y:.2%}"}
    traces = [line("Portfolio", days, performance.equity, color="$accent", width=2.2)]
    if performance.benchmark_equity:
        rival = performance.benchmark_name or "benchmark"
        traces += [
            line(f"Benchmark: {rival}", days, performance.benchmark_equity,
                 color="$reference", width=1.4),
            line("Benchmark drawdown", days, [-v for v in performance.benchmark_drawdown],
                 color="$reference", width=1.0) | beneath,
        ]  # fmt: skip
    own = line("Drawdown", days, [-v for v in performance.drawdown], color="$loss", width=1.4)
    traces.append(own | beneath | {"fill": "tozeroy", "fillcolor": "$loss-soft"})
    return Chart(
        name="equity",
        title="Equity and drawdown",
        traces=traces,
        layout=layout(
            hovermode="x unified",
            xaxis=axis(showgrid=False, anchor="y2", type="date", hoverformat="%Y-%m-%d"),
            yaxis=axis(
                domain=[0.34, 1.0], title=axis_title(performance.currency), tickformat=",.3~s"
            ),
            yaxis2=axis(domain=[0.0, 0.27], title=axis_title("drawdown"), tickformat=".0%"),
        ),
        summary="Value of the portfolio and of the benchmark by session, drawdowns below.",
        height=460,
    )


def attribution_waterfall(split: Attribution) -> Chart:
    """Draw the parts of the profit one after another up to the total."""
    parts = [part for part in split.parts if part.pnl]
    # The reasons are our words; other parts are names that people gave.
    ours = split.by == "reason"
    names = [part.name.replace("_", " ") if ours else part.name for part in parts]
    names = ["<br>".join(wrap(name, LABEL_WIDTH)) for name in names]
    values = [float(part.pnl) for part in parts]
    if split.residual != 0:
        names.append("residual")
        values.append(float(split.residual))
    texts = [formats.money(value, signed=True) for value in [*values, float(split.total)]]
    trace: dict[str, Any] = {
        "type": "waterfall",
        "x": [*names, "total"],
        "y": [*values, float(split.total)],
        "measure": ["relative"] * len(values) + ["total"],
        "connector": {"line": {"color": "$line", "width": 1}},
        "increasing": {"marker": {"color": "$gain"}},
        "decreasing": {"marker": {"color": "$loss"}},
        "totals": {"marker": {"color": "$accent"}},
        "customdata": texts,
        "hovertemplate": "%{x}: %{customdata}<extra></extra>",
    }
    if len(values) <= MOST_LABELS:
        trace |= {"text": texts, "textposition": "outside", "textfont": {"size": 11}}
    return Chart(
        name=f"attribution-{split.by.replace(' ', '-').replace('_', '-')}",
        title=f"Profit by {split.by.replace('_', ' ')}",
        traces=[trace],
        layout=layout(
            showlegend=False,
            margin={"l": 8, "r": 12, "t": 24, "b": 8},
            xaxis=axis(showgrid=False, type="category"),
            yaxis=axis(title=axis_title(split.currency), tickformat=",.3~s"),
        ),
        summary=f"Waterfall of profit by {split.by}, from the parts to the total.",
        height=340,
        wide=len(values) >= WIDE_FROM,
        note="; ".join(split.notes),
    )


def profit_by_hour(intraday: IntradaySection, day: date, currency: str) -> Chart:
    """Draw the profit of each hour, and the profit so far above it."""
    so_far = [point.pnl for point in intraday.points]
    hours = [hour.pnl for hour in intraday.hours]
    ends = [hour.end for hour in intraday.hours]
    starts = [intraday.points[0].at, *ends[:-1]]
    words = [f"{a:%H:%M} to {b:%H:%M}" for a, b in zip(starts, ends, strict=True)]
    trace: dict[str, Any] = {
        "type": "bar",
        "name": "Profit of the hour",
        "x": [_clock(a + (b - a) / 2) for a, b in zip(starts, ends, strict=True)],
        "y": hours,
        # Nine tenths of each hour, so that the bars stay apart.
        "width": [900 * (b - a).total_seconds() for a, b in zip(starts, ends, strict=True)],
        "yaxis": "y2",
        "marker": {"color": ["$gain" if pnl >= 0 else "$loss" for pnl in hours]},
        "text": [formats.money(pnl, signed=True) for pnl in hours],
        "textposition": "outside",
        "textfont": {"size": 10},
        "constraintext": "none",
        "cliponaxis": False,
        "customdata": words,
        "hovertemplate": "%{customdata}: %{y:,.0f}<extra></extra>",
    }
    path: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "name": "Profit so far",
        "x": [_clock(point.at) for point in intraday.points],
        "y": so_far,
        "line": {"color": "$accent", "width": 2.0},
        "fill": "tozeroy",
        "fillcolor": "$accent-soft",
        "hovertemplate": "%{x|%H:%M}: %{y:,.0f}<extra></extra>",
    }
    return Chart(
        name="profit-by-hour",
        title=f"{day} hour by hour (simulated)",
        traces=[path, trace],
        layout=layout(
            showlegend=False,
            xaxis=axis(showgrid=False, anchor="y2", type="date", tickformat="%H:%M", dtick=3.6e6),
            yaxis=axis(domain=[0.46, 1.0], title=axis_title(f"so far, {currency}")),
            yaxis2=axis(domain=[0.0, 0.36], title=axis_title("of the hour"), range=roomy(hours)),
        ),
        summary="Profit so far on the desk date every five minutes, and of each hour, in UTC.",
        height=380,
        wide=False,
        note=f"{intraday.ticks:,} SIMULATED ticks inside real daily bars; {intraday.fills} fills "
        "of the portfolio at their own times. Only the close is observed; the first part holds the "
        "night before.",
    )


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def monthly_heat_map(months: Sequence[MonthFigure]) -> Chart:
    """Draw returns by year and month around zero, the year's compounded return at the end."""
    years = sorted({month.year for month in months})
    by_cell = {(month.year, month.month): month.value for month in months}
    grid = [[by_cell.get((year, month)) for month in range(1, 13)] for year in years]
    totals = [_compound([value for value in row if value is not None]) for row in grid]
    extent = max((abs(month.value) for month in months), default=0.0) or 0.01
    return Chart(
        name="months",
        title="Monthly returns",
        traces=[
            _heat(grid, years, left=0, extent=extent),
            # A year is the sum of many months: its own scale keeps both readable.
            _heat([[total] for total in totals], years, left=12.4, extent=3 * extent),
        ],
        layout=layout(
            xaxis=axis(
                showgrid=False, zeroline=False, side="top", fixedrange=True,
                tickvals=[*range(12), 12.4], ticktext=[*MONTHS, "Year"], range=[-0.5, 12.9],
            ),
            yaxis=axis(
                showgrid=False, zeroline=False, fixedrange=True,
                tickvals=list(range(len(years))), ticktext=[str(year) for year in years],
                range=[len(years) - 0.5, -0.5],
            ),
        ),
        summary="Returns of each month and year, net of costs.",
        height=90 + 44 * max(len(years), 1),
        note="Net of costs, compounded from sessions.",
    )  # fmt: skip


def _heat(
    grid: Sequence[Sequence[float | None]], years: Sequence[int], *, left: float, extent: float
) -> dict[str, Any]:
    """Return cells around zero, the first column centred on `left`; edges, so one row will do."""
    width = len(grid[0]) if grid else 0
    return {
        "type": "heatmap",
        "x": [left - 0.5 + column for column in range(width + 1)],
        "y": [row - 0.5 for row in range(len(years) + 1)],
        "z": [list(row) for row in grid],
        "zmin": -extent,
        "zmax": extent,
        "colorscale": [[0, "$heat-loss"], [0.5, "$paper"], [1, "$heat-gain"]],
        "text": [[_cell_percent(value) for value in row] for row in grid],
        "texttemplate": "%{text}",
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "hoverinfo": "skip",
    }


def _compound(returns: Sequence[float]) -> float:
    growth = 1.0
    for value in returns:
        growth *= 1.0 + value
    return growth - 1.0


def _cell_percent(value: float | None) -> str:
    return "" if value is None else formats.percent(value, digits=1, signed=True)
