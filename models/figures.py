"""Plots that stand beside a training run, as PNG: drawn here, chosen in `models.kind_figures`."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from basics.arrays import DateArray, FloatArray

BLUE, GREY, RED, GREEN = "#2563eb", "#9ca3af", "#dc2626", "#16a34a"
_CYCLE = (BLUE, "#ea580c", "#16a34a", "#9333ea", "#64748b", "#0891b2")


def lines(
    title: str,
    x: DateArray | FloatArray,
    series: Mapping[str, FloatArray],
    *,
    level: float | None = None,
    axes_names: tuple[str, str] = ("", ""),
) -> bytes:
    """Return series over one axis; the first stands out, `level` is a line for the eye."""
    figure, axes = _canvas(title, axes_names)
    for k, (name, values) in enumerate(series.items()):
        style = {"linewidth": 2 if k == 0 else 1, "color": _CYCLE[k % len(_CYCLE)]}
        axes.plot(x, values, label=name, **style)
    if level is not None:
        axes.axhline(level, color=GREY, linewidth=1)
    axes.legend(frameon=False)
    return _png(figure)


def curves(
    title: str,
    series: Mapping[str, tuple[FloatArray, FloatArray]],
    *,
    axes_names: tuple[str, str],
    diagonal: bool = False,
    marked: bool = False,
) -> bytes:
    """Return curves that have an x of their own each; with points where `marked`."""
    figure, axes = _canvas(title, axes_names)
    for k, (name, (x, y)) in enumerate(series.items()):
        style = {"color": _CYCLE[k % len(_CYCLE)], "linewidth": 2 if k == 0 else 1}
        axes.plot(x, y, label=name, marker="o" if marked else None, **style)
    if diagonal:
        ends = [*axes.get_xlim(), *axes.get_ylim()]
        axes.axline((min(ends), min(ends)), slope=1.0, color=GREY, linewidth=1)
    axes.legend(frameon=False)
    return _png(figure)


def bars(title: str, values: Mapping[str, float], *, level: float = 0.0) -> bytes:
    """Return horizontal bars, the first on top."""
    figure, axes = _canvas(title, ("", ""))
    names = list(values)[::-1]
    axes.barh(names, [values[name] for name in names], color=BLUE)
    axes.axvline(level, color=GREY, linewidth=1)
    return _png(figure)


def years(
    title: str,
    values: Mapping[int, float],
    *,
    level: float,
    band: tuple[float, float] | None = None,
) -> bytes:
    """Return one column for each year around a level; `band` shades where it may lie."""
    figure, axes = _canvas(title, ("", ""))
    if band is not None:
        axes.axhspan(*band, color=GREEN, alpha=0.15)
    told = np.array(list(values.values()))
    outside = np.zeros(len(told), bool) if band is None else (told < band[0]) | (told > band[1])
    axes.bar(list(values), told - level, bottom=level, color=np.where(outside, RED, BLUE))
    axes.axhline(level, color=GREY, linewidth=1)
    return _png(figure)


def histogram(title: str, samples: Mapping[str, FloatArray], *, bins: int = 20) -> bytes:
    """Return the share of each sample by equal bins of [0, 1]; level where all are as likely."""
    figure, axes = _canvas(title, ("", "share of rows"))
    edges = np.linspace(0.0, 1.0, bins + 1)
    for k, (name, values) in enumerate(samples.items()):
        share = np.histogram(values, edges)[0] / max(len(values), 1)
        axes.stairs(share, edges, label=name, color=_CYCLE[k], fill=k == 0, alpha=0.6)
    axes.axhline(1.0 / bins, color=GREY, linewidth=1)
    axes.legend(frameon=False)
    return _png(figure)


def timeline(
    title: str, sessions: DateArray, values: FloatArray, labels: Sequence[str | None]
) -> bytes:
    """Return a series over time, coloured by the label that held in each session."""
    figure, axes = _canvas(title, ("", ""))
    colours = {"calm": GREEN, "normal": GREY, "turbulent": RED}
    for k, label in enumerate(dict.fromkeys(name for name in labels if name)):
        here = np.array([name == label for name in labels])
        colour = colours.get(str(label), _CYCLE[k % len(_CYCLE)])
        axes.plot(sessions, np.where(here, values, np.nan), color=colour, label=label)
    axes.legend(frameon=False)
    return _png(figure)


def _canvas(title: str, axes_names: tuple[str, str]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(axes_names[0])
    axes.set_ylabel(axes_names[1])
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:  # noqa: ANN401 - matplotlib is untyped here
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
