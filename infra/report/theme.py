"""Colours by name, light and dark, and the layout that every chart shares.

Gain and loss are teal and vermilion, which stay apart for colour-blind readers; the sign is
always written too.
"""

from collections.abc import Mapping
from typing import Any

PALETTES: Mapping[str, Mapping[str, str]] = {
    "light": {
        "page": "#f5f6f8",
        "paper": "#ffffff",
        "ink": "#151a21",
        "muted": "#5a6472",
        "line": "#dfe3e9",
        "grid": "#edf0f4",
        "accent": "#1f57c8",
        "accent-soft": "rgba(31,87,200,0.12)",
        "reference": "#8b95a3",
        "reference-soft": "rgba(139,149,163,0.18)",
        "gain": "#0a8571",
        "loss": "#c8442a",
        "loss-soft": "rgba(200,68,42,0.14)",
        "warn": "#946000",
        "heat-gain": "#0a8571",
        "heat-loss": "#c8442a",
    },
    "dark": {
        "page": "#0e1217",
        "paper": "#161c24",
        "ink": "#e7ebf1",
        "muted": "#9aa6b6",
        "line": "#2b3440",
        "grid": "#222a34",
        "accent": "#7aa7ff",
        "accent-soft": "rgba(122,167,255,0.16)",
        "reference": "#7f8b9b",
        "reference-soft": "rgba(127,139,155,0.22)",
        "gain": "#3fc9ae",
        "loss": "#ff8264",
        "loss-soft": "rgba(255,130,100,0.18)",
        "warn": "#e5ae45",
        # Darker than gain and loss, so that white figures stand on the cells.
        "heat-gain": "#127a69",
        "heat-loss": "#b24a30",
    },
}

FONT = (
    'Inter, -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", '
    '"Liberation Sans", Arial, sans-serif'
)


def axis(**own: Any) -> dict[str, Any]:  # noqa: ANN401 - plotly's own open vocabulary
    """Return an axis in the house's form with `own` settings on top."""
    return {
        "automargin": True,
        "gridcolor": "$grid",
        "linecolor": "$line",
        "zerolinecolor": "$line",
        "tickfont": {"color": "$muted", "size": 11},
        "title": {"font": {"color": "$muted", "size": 11}},
        "ticks": "",
    } | own


def layout(**own: Any) -> dict[str, Any]:  # noqa: ANN401 - plotly's own open vocabulary
    """Return a figure's layout in the house's form with `own` settings on top."""
    return {
        "autosize": True,
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": "$ink"},
        "hoverlabel": {
            "bgcolor": "$paper",
            "bordercolor": "$line",
            "font": {"color": "$ink", "family": FONT, "size": 12},
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"color": "$muted", "size": 11},
        },
        "bargap": 0.35,
        "xaxis": axis(showgrid=False),
        "yaxis": axis(),
    } | own


def axis_title(text: str) -> dict[str, Any]:
    """Return the title of an axis: the unit."""
    return {"text": text, "standoff": 8, "font": {"color": "$muted", "size": 11}}
