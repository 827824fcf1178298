"""Traces that several charts share, as plain plotly data in colours by name."""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any


def line(
    name: str, sessions: Sequence[date], values: Iterable[float | None], *, color: str, width: float
) -> dict[str, Any]:
    """Return one value a session as a line; what is not finite leaves a gap."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [session.isoformat() for session in sessions],
        "y": finite(values),
        "line": {"color": color, "width": width},
        "hovertemplate": "%{y:,.0f}",
    }


def bars(
    names: Sequence[str],
    values: Sequence[float],
    *,
    colors: str | Sequence[str],
    texts: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return horizontal bars; one colour for all, or one each."""
    marker = {"color": colors if isinstance(colors, str) else list(colors)}
    trace: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": finite(values),
        "y": list(names),
        "marker": marker,
        "hovertemplate": "%{y}: %{x:,.4~g}<extra></extra>",
    }
    if texts is not None:
        trace |= {
            "text": list(texts),
            "textposition": "auto",
            "cliponaxis": False,
            "hovertemplate": "%{y}: %{text}<extra></extra>",
        }
    return trace


def finite(values: Iterable[float | None]) -> list[float | None]:
    """Return the values with None for what is not a number: JSON has no other word for it."""
    return [None if value is None or not math.isfinite(value) else value for value in values]


def roomy(values: Sequence[float]) -> list[float]:
    """Return a range around zero and `values` with room for labels beyond the bars."""
    low, high = min([0.0, *values]), max([0.0, *values])
    room = 0.34 * ((high - low) or 1.0)
    return [low - (room if low < 0 else 0.0), high + (room if high > 0 else 0.0)]
