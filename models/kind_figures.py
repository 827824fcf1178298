"""Which plots stand beside a run: each kind's own, and those that all kinds share.

No kind imports this: a plot that changes trains nothing anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np

from basics.arrays import DateArray, FloatArray, IntArray
from models import figures
from models.anomaly_kind import AnomalySpec
from models.confidence import YearCoverage
from models.contest import Contender
from models.coverage import BAND
from models.dataset import Dataset
from models.evaluation import YearScore, session_mean
from models.predictors import Predictor, TellsRegime
from models.price import PriceSpec
from models.regime_kind import RegimeSpec
from models.signal import SignalSpec
from models.sizing_kind import SizingSpec
from models.tail_forecast import TailForecast, TailSpec
from models.volatility import VolatilitySpec

PLACE = "plots/"
# A plot shows a year's mean, so that a day does not hide the way.
SMOOTH = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What plots are drawn from.

    Attributes
    ----------
    candidate : str
        Its name among `grids` and `contenders`.
    grids : mapping of str to ndarray of shape (n_symbols, n_sessions)
        Every contender's predictions out of sample.
    contenders : mapping of str to Contender
        Every contender's loss of each session.
    metric : str
        What the loss is called.
    """

    candidate: str
    metric: str
    sessions: DateArray
    outcome: FloatArray
    grids: Mapping[str, FloatArray]
    contenders: Mapping[str, Contender]
    coverage: Sequence[YearCoverage] = ()
    scores: Mapping[str, Sequence[YearScore]] = field(default_factory=dict)
    importances: Mapping[str, float] = field(default_factory=dict)
    dataset: Dataset | None = None
    model: Predictor | None = None
    tail: TailForecast | None = None


def plots(spec: object, shown: Shown) -> dict[str, bytes]:
    """Return the plots of a run by path: what all kinds share, and the kind's own."""
    found = _shared(shown) | own(spec, shown)
    return {f"{PLACE}{name}.png": content for name, content in found.items()}


@singledispatch
def own(spec: object, shown: Shown) -> dict[str, bytes]:
    """Return the plots that one kind alone has."""
    del spec, shown
    return {}


@own.register
def _price(spec: PriceSpec, shown: Shown) -> dict[str, bytes]:
    del spec
    every = {name: {s.year: s.rank_ic for s in rows} for name, rows in shown.scores.items()}
    told = sorted({year for rows in every.values() for year in rows})
    series = {
        name: np.array([rows.get(year, np.nan) for year in told]) for name, rows in every.items()
    }
    return {
        "rank_ic_by_year": figures.lines(
            "Rank IC by calendar year, out of sample", np.array(told, float), series, level=0.0
        ),
        "profit": _profit(shown),
    }


@own.register
def _volatility(spec: VolatilitySpec, shown: Shown) -> dict[str, bytes]:
    del spec
    return {"calibration": _by_tenths(shown, "variance over EWMA's")}


@own.register
def _regime(spec: RegimeSpec, shown: Shown) -> dict[str, bytes]:
    del spec
    found = {"calibration": _by_tenths(shown, "variance over EWMA's")}
    data, model = shown.dataset, shown.model
    if data is not None and isinstance(model, TellsRegime):
        labels = [label for label, _ in model.regimes(data.x)]
        path = np.cumsum(data.column("return_0"))
        days = data.sessions[data.session]
        found["regimes"] = figures.timeline(
            "The series' log path by regime, filtered by the version as it serves",
            days, path, labels,
        )  # fmt: skip
    return found


@own.register
def _risk(spec: TailSpec, shown: Shown) -> dict[str, bytes]:
    grid, loss = shown.grids[shown.candidate], shown.outcome
    known = np.isfinite(grid) & np.isfinite(loss)
    hit = np.where(known, loss > grid, np.nan)
    rate = 1.0 - spec.confidence
    by_year = {
        int(year): float(np.nanmean(hit[:, at]))
        for year in np.unique(_years(shown.sessions))
        if known[:, at := _years(shown.sessions) == year].any()
    }
    widest = int(np.argmax(known.sum(axis=1)))
    last = slice(-2 * SMOOTH, None)
    return {
        "exceedances_by_year": figures.years(
            f"Share of losses beyond the value at risk, {rate:.1%} wanted", by_year, level=rate
        ),
        "exceedances_over_time": figures.lines(
            "Exceedances so far less those wanted, all series",
            shown.sessions,
            {
                name: np.cumsum(
                    np.nansum(
                        np.where(
                            np.isfinite(other) & np.isfinite(loss), (loss > other) - rate, np.nan
                        ),
                        axis=0,
                    )
                )
                for name, other in _candidate_first(shown).items()
            },
            level=0.0,
        ),
        "forecast_and_loss": figures.lines(
            "One series, the last two years: value at risk and the loss that came",
            shown.sessions[last],
            {"value at risk": grid[widest, last], "loss": loss[widest, last]},
            level=0.0,
        ),
    }


@own.register
def _sizing(spec: SizingSpec, shown: Shown) -> dict[str, bytes]:
    if spec.realised is None:
        return {}
    wealth: dict[str, FloatArray] = {}
    fall: dict[str, FloatArray] = {}
    for name, grid in _candidate_first(shown).items():
        earned = np.nan_to_num(session_mean(grid * spec.realised[:, : grid.shape[1]]))
        path = np.asarray(np.cumprod(1.0 + earned), dtype=np.float64)
        wealth[name] = path
        fall[name] = path / np.maximum.accumulate(path) - 1.0
    size = {name: session_mean(grid) for name, grid in _candidate_first(shown).items()}
    begun = np.isfinite(size[shown.candidate])
    days = shown.sessions[begun]

    def kept(series: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: values[begun] for name, values in series.items()}

    return {
        "drawdown": figures.lines("Drawdown out of sample", days, kept(fall), level=0.0),
        "wealth": figures.lines("Wealth out of sample, 1 at the start", days, kept(wealth)),
        "size": figures.lines("Mean size held, a fraction of equity", days, kept(size)),
    }


@own.register
def _signal(spec: SignalSpec, shown: Shown) -> dict[str, bytes]:
    del spec
    return _told_apart(shown, {n: (g, shown.outcome) for n, g in shown.grids.items()}) | {
        "reliability": _by_tenths(shown, "probability of a gain")
    }


@own.register
def _anomaly(spec: AnomalySpec, shown: Shown) -> dict[str, bytes]:
    del spec
    grid = shown.grids[shown.candidate]
    known = np.isfinite(grid) & np.isfinite(shown.outcome)
    planted = known & (shown.outcome == 1.0)
    # A small p-value is strange.
    scores = {name: (-other, shown.outcome) for name, other in shown.grids.items()}
    return _told_apart(shown, scores) | {
        "p_values": figures.histogram(
            "p-values of clean bars, which should be level, and of planted errors (simulated)",
            {"clean": grid[known & ~planted], "planted": grid[planted]},
        )
    }


def _shared(shown: Shown) -> dict[str, bytes]:
    found = {}
    losses = {name: c.losses for name, c in shown.contenders.items()}
    at = shown.contenders[shown.candidate].sessions
    if at is not None and len(at) > SMOOTH:
        first = {shown.candidate: losses[shown.candidate], **losses}
        smooth = {name: _trailing(values) for name, values in first.items()}
        found["loss_over_time"] = figures.lines(
            f"{shown.metric}, mean of the last year, out of sample",
            shown.sessions[at][SMOOTH - 1 :], smooth,
        )  # fmt: skip
    found["models"] = figures.bars(
        f"Mean {shown.metric} out of sample, smaller is better",
        {name: float(values.mean()) for name, values in losses.items()},
    )
    if shown.coverage:
        found["coverage_by_year"] = figures.years(
            "Share of outcomes inside the 90% intervals, by calendar year",
            {year.year: year.share for year in shown.coverage}, level=0.9, band=BAND,
        )  # fmt: skip
    if shown.importances:
        top = dict(list(shown.importances.items())[:20])
        found["importance"] = figures.bars("Share of the total gain", top)
    return found


def _profit(shown: Shown) -> bytes:
    """Return what the long-short portfolio of each contender earned so far, net."""
    earned = {
        name: np.cumsum(c.returns) for name, c in shown.contenders.items() if c.returns is not None
    }
    first = {shown.candidate: earned.pop(shown.candidate), **earned}
    count = len(first[shown.candidate])
    return figures.lines(
        "Net return of the long-short portfolio so far, by holding period",
        np.arange(count, dtype=float), first, level=0.0,
    )  # fmt: skip


def _by_tenths(shown: Shown, what: str) -> bytes:
    """Return mean prediction against mean outcome by tenths of the predictions."""
    series = {}
    for name, grid in _candidate_first(shown).items():
        known = np.isfinite(grid) & np.isfinite(shown.outcome)
        told, came = grid[known], shown.outcome[known]
        order = np.argsort(told, kind="stable")
        parts = [part for part in np.array_split(order, 10) if len(part)]
        series[name] = (
            np.array([told[part].mean() for part in parts]),
            np.array([came[part].mean() for part in parts]),
        )
    return figures.curves(
        "Foretold and come to pass, by tenths of the predictions", series,
        axes_names=(f"foretold {what}", "mean of what came"), diagonal=True, marked=True,
    )  # fmt: skip


def _told_apart(
    shown: Shown, scores: Mapping[str, tuple[FloatArray, FloatArray]]
) -> dict[str, bytes]:
    """Return the ROC and the precision-recall curve; a larger score says 1."""
    roc, precision = {}, {}
    for name in _candidate_first(shown):
        score, label = scores[name]
        known = np.isfinite(score) & np.isfinite(label)
        hits, misses = _counts(score[known], label[known])
        roc[name] = (misses / max(misses[-1], 1), hits / max(hits[-1], 1))
        precision[name] = (hits / max(hits[-1], 1), hits / np.maximum(hits + misses, 1))
    return {
        "roc": figures.curves(
            "Receiver operating characteristic, out of sample", roc,
            axes_names=("share of false alarms", "share found"), diagonal=True,
        ),
        "precision_recall": figures.curves(
            "Precision and recall, out of sample", precision,
            axes_names=("share found", "share of alarms that are right"),
        ),
    }  # fmt: skip


def _counts(score: FloatArray, label: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how many of each class lie at or above each threshold, at most 500 thresholds."""
    order = np.argsort(-score, kind="stable")
    ordered, value = label[order], score[order]
    last = np.flatnonzero(np.append(np.diff(value) != 0, [True]))
    thin = last[np.unique(np.linspace(0, len(last) - 1, min(500, len(last))).astype(int))]
    hits, all_of = np.cumsum(ordered)[thin], thin + 1.0
    return np.append([0.0], hits), np.append([0.0], all_of - hits)


def _candidate_first(shown: Shown) -> dict[str, FloatArray]:
    return {shown.candidate: shown.grids[shown.candidate], **shown.grids}


def _years(sessions: DateArray) -> IntArray:
    years: IntArray = sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def _trailing(values: FloatArray) -> FloatArray:
    total = np.cumsum(np.append([0.0], values))
    return np.asarray((total[SMOOTH:] - total[:-SMOOTH]) / SMOOTH, dtype=np.float64)
