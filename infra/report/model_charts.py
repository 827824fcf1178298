"""Charts of a model: what it rests on and how well it ranked, and bars ranked by size."""

from collections.abc import Sequence
from typing import Any

from infra.report.page import Chart
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import bars
from services.report import Contribution, YearScore


def ranked_bars(
    *, name: str, title: str, rows: Sequence[Contribution], unit: str, limit: int = 15
) -> Chart:
    """Draw the largest contributions, largest on top."""
    top = sorted(rows, key=lambda row: abs(row.value), reverse=True)[:limit][::-1]
    note = f"The {limit} largest of {len(rows)}." if len(rows) > limit else ""
    return Chart(
        name=name,
        title=title,
        traces=[
            bars(
                [row.name for row in top],
                [row.value for row in top],
                colors=["$accent" if row.value >= 0 else "$loss" for row in top],
                texts=None,
            )
        ],
        layout=layout(
            showlegend=False,
            xaxis=axis(title=axis_title(unit), tickformat=",.3~s"),
            yaxis=axis(showgrid=False, type="category"),
        ),
        summary=f"{title}, in {unit}.",
        height=90 + 22 * max(len(top), 1),
        wide=False,
        note=note,
    )


def coefficient_by_year(years: Sequence[YearScore], *, baseline: str) -> Chart:
    """Draw the information coefficient of each year with its standard error."""
    names = [str(row.year) for row in years]
    model: dict[str, Any] = {
        "type": "bar",
        "name": "model",
        "x": names,
        "y": [row.information_coefficient for row in years],
        "marker": {"color": "$accent"},
        "hovertemplate": "%{y:.4f}",
    }
    if any(row.standard_error is not None for row in years):
        model["error_y"] = {
            "type": "data",
            "array": [row.standard_error for row in years],
            "color": "$muted",
            "thickness": 1,
            "width": 3,
        }
    traces = [model]
    if any(row.baseline is not None for row in years):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"baseline: {baseline}",
                "x": names,
                "y": [row.baseline for row in years],
                "marker": {"color": "$warn", "size": 8, "symbol": "diamond"},
                "hovertemplate": "%{y:.4f}",
            }
        )
    return Chart(
        name="ic-by-year",
        title="Rank correlation of prediction and outcome, by year",
        traces=traces,
        layout=layout(
            hovermode="x unified",
            xaxis=axis(showgrid=False, type="category"),
            yaxis=axis(title=axis_title("information coefficient"), zeroline=True),
        ),
        summary="Mean rank correlation by calendar year, model and baseline.",
        height=320,
        note="Out of sample; whiskers are one standard error of the yearly mean.",
    )
