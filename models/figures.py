"""Plots that stand beside a training run, as PNG."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from models.evaluation import YearScore

_BLUE, _GREY = "#2563eb", "#9ca3af"


def training_figures(
    years: Mapping[str, Sequence[YearScore]],
    importances: Mapping[str, float],
    metrics: Mapping[str, Mapping[str, float]],
) -> dict[str, bytes]:
    """Return the plots of a run by path: score by year, feature importance, models compared."""
    plots = {"plots/rank_ic_by_year.png": _by_year(years)}
    if importances:
        plots["plots/importance.png"] = _bars(
            dict(list(importances.items())[:20]), "Share of the total gain"
        )
    compared = {name: figures.get("rank_ic", 0.0) for name, figures in metrics.items()}
    plots["plots/models.png"] = _bars(compared, "Mean rank IC out of sample")
    return plots


def _by_year(years: Mapping[str, Sequence[YearScore]]) -> bytes:
    figure, axes = _canvas("Rank IC by calendar year, out of sample")
    for position, (name, scores) in enumerate(years.items()):
        style = {"color": _BLUE, "linewidth": 2} if position == 0 else {"linewidth": 1}
        axes.plot([s.year for s in scores], [s.rank_ic for s in scores], label=name, **style)
    axes.axhline(0.0, color=_GREY, linewidth=1)
    axes.legend(frameon=False)
    return _png(figure)


def _bars(values: Mapping[str, float], title: str) -> bytes:
    figure, axes = _canvas(title)
    names = list(values)[::-1]
    axes.barh(names, [values[name] for name in names], color=_BLUE)
    axes.axvline(0.0, color=_GREY, linewidth=1)
    return _png(figure)


def _canvas(title: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:  # noqa: ANN401 - matplotlib is untyped here
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
