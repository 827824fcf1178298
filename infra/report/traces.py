"""Traces that several charts share, as plain plotly data in colours by name."""

from collections.abc import Sequence
from typing import Any

from services.report import Series


def line(name: str, series: Series, *, color: str, width: float) -> dict[str, Any]:
    """Return one value a session as a line."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [session.isoformat() for session in series.sessions],
        "y": list(series.values),
        "line": {"color": color, "width": width},
        "hovertemplate": "%{y:,.0f}",
    }


def bars(
    names: Sequence[str],
    values: Sequence[float],
    *,
    colors: str | Sequence[str],
    texts: Sequence[str] | None,
) -> dict[str, Any]:
    """Return horizontal bars; one colour for all, or one each."""
    marker = {"color": colors if isinstance(colors, str) else list(colors)}
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": list(names),
        "marker": marker,
        "hovertemplate": "%{y}: %{x:,.4~g}<extra></extra>",
    }
    if texts is not None:
        bars |= {
            "text": list(texts),
            "textposition": "auto",
            "cliponaxis": False,
            "hovertemplate": "%{y}: %{text}<extra></extra>",
        }
    return bars


def roomy(values: Sequence[float]) -> list[float]:
    """Return a range around zero and `values` with room for labels beyond the bars."""
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    room = 0.22 * ((high - low) or 1.0)
    return [low - (room if low < 0 else 0.0), high + (room if high > 0 else 0.0)]
