"""Charts of a model: what it rests on, and how well it ranked year by year."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.report.page import Chart
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import bars, finite
from models.evaluation import YearScore

MOST_SHOWN = 15
RIVAL_COLOURS = ("$warn", "$reference", "$gain", "$loss")


def importance_bars(importances: Mapping[str, float]) -> Chart:
    """Draw the features that the trees gained most from, largest on top."""
    top = sorted(importances.items(), key=lambda row: -row[1])[:MOST_SHOWN][::-1]
    shown = f"The {MOST_SHOWN} largest of {len(importances)}. "
    return Chart(
        name="importances",
        title="Feature importance",
        traces=[bars([name for name, _ in top], [value for _, value in top], colors="$accent")],
        layout=layout(
            showlegend=False,
            xaxis=axis(title=axis_title("share of total gain"), tickformat=".0%"),
            yaxis=axis(showgrid=False, type="category"),
        ),
        summary="Share of the total gain by feature.",
        height=90 + 22 * max(len(top), 1),
        wide=False,
        note=(shown if len(importances) > MOST_SHOWN else "")
        + "Gain on the training rows: what the trees used, not what works.",
    )


def coefficient_by_year(years: Mapping[str, Sequence[YearScore]], *, candidate: str) -> Chart:
    """Draw the candidate's rank correlation of each year, and its rivals' as marks."""
    own = years.get(candidate, ())
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": candidate,
            "x": [str(row.year) for row in own],
            "y": finite(row.rank_ic for row in own),
            "marker": {"color": "$accent"},
            "error_y": {
                "type": "data",
                "array": finite(row.standard_error for row in own),
                "color": "$muted",
                "thickness": 1,
                "width": 3,
            },
            "hovertemplate": "%{y:.4f}",
        }
    ]
    rivals = {name: rows for name, rows in years.items() if name != candidate and rows}
    for place, (name, rows) in enumerate(sorted(rivals.items())):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [str(row.year) for row in rows],
                "y": finite(row.rank_ic for row in rows),
                "marker": {
                    "color": RIVAL_COLOURS[place % len(RIVAL_COLOURS)],
                    "size": 8,
                    "symbol": ("diamond", "circle", "square", "cross")[place % 4],
                },
                "hovertemplate": "%{y:.4f}",
            }
        )
    return Chart(
        name="ic-by-year",
        title="Rank correlation of prediction and outcome, by year",
        traces=traces,
        layout=layout(
            hovermode="x unified",
            xaxis=axis(showgrid=False, type="category", categoryorder="category ascending"),
            yaxis=axis(title=axis_title("rank information coefficient"), zeroline=True),
        ),
        summary="Mean rank correlation by calendar year, candidate and rivals.",
        height=320,
        note="Out of sample; whiskers are one standard error (Newey-West) of the yearly mean.",
    )
