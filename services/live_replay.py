"""Replay the lake's last sessions as a feed would bring them, and hold live against batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from features.definitions import FeatureSet
from features.online import OnlineFeatures
from market.panel import Panel
from services.feature_store import FeatureStore

# What counts as equal: relative, and what stands for zero absolutely.
RELATIVE, ABSOLUTE = 1e-9, 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReplay:
    """What a replay found.

    Attributes
    ----------
    ticks : int
        Made-up ticks, each of one symbol, before each session's real close.
    values, apart : int
        Values compared at the closes, and how many were not equal to 1e-9 relative (1e-12 where
        they stand for zero) or missing in one of the two alone.
    worst : float
        Largest relative difference of values above 1e-6 in size.
    worst_feature : str
        Where; empty if nothing differs.
    bar_ms, tick_ms : float
        Median time of a new bar for every symbol, and of a tick of one; NaN for none.
    """

    feature_set: str
    dataset: str
    symbols: int
    first_session: date
    last_session: date
    sessions: int
    ticks: int
    values: int
    apart: int
    worst: float
    worst_feature: str
    bar_ms: float
    tick_ms: float


@dataclass(slots=True)
class _Tally:
    values: int = 0
    apart: int = 0
    worst: float = 0.0
    worst_feature: str = ""
    bar_ms: list[float] = field(default_factory=list)
    tick_ms: list[float] = field(default_factory=list)


def replay_live(  # noqa: PLR0913 - what is replayed, and how
    store: FeatureStore,
    features: FeatureSet,
    dataset: str,
    *,
    sessions: int,
    ticks: int,
    rng: np.random.Generator,
    timer: Callable[[], float],
) -> LiveReplay:
    """Begin live before the last `sessions` of the lake, feed them, and compare at each close.

    Before a session closes, `ticks` symbols tick once each with made-up bars, which the real one
    then replaces: nothing of them may remain.

    Parameters
    ----------
    timer : callable
        Returns seconds from some fixed moment.

    Raises
    ------
    MissingDataError
        If the dataset or a field is missing, or the lake holds fewer sessions than that.
    """
    panel = store.bars(features, dataset)
    n = len(panel.sessions)
    if n <= sessions:
        raise MissingDataError(f"{dataset} holds {n} sessions: replay fewer than that")
    batch = features.compute(panel).values
    live = OnlineFeatures(features, panel.window(0, n - sessions))
    tally = _Tally()
    for t in range(n - sessions, n):
        newest = {name: np.ascontiguousarray(panel[name][:, t]) for name in features.fields}
        around = {name: panel.context[name][:, t] for name in features.context_fields}
        begun = timer()
        live.update(panel.sessions[t], newest | around)
        tally.bar_ms.append(1e3 * (timer() - begun))
        for row in rng.integers(0, len(panel.symbols), ticks):
            _tick(live, newest, np.array([row]), rng, timer, tally)
        _compare(features, live.values(), batch[:, :, t], tally)
    return _report(features, dataset, panel, (sessions, ticks), tally)


def _tick(
    live: OnlineFeatures,
    newest: dict[str, FloatArray],
    rows: np.ndarray,
    rng: np.random.Generator,
    timer: Callable[[], float],
    tally: _Tally,
) -> None:
    """Let one symbol tick, and put its real bar back."""
    scale = rng.uniform(0.9, 1.1)
    begun = timer()
    live.revise({name: values[rows] * scale for name, values in newest.items()}, rows=rows)
    tally.tick_ms.append(1e3 * (timer() - begun))
    live.revise({name: values[rows] for name, values in newest.items()}, rows=rows)


def _compare(features: FeatureSet, found: FloatArray, batch: FloatArray, tally: _Tally) -> None:
    equal = np.isclose(found, batch, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    tally.values += equal.size
    tally.apart += int((~equal).sum())
    large = np.abs(batch) > 1e-6
    relative = np.zeros_like(batch)
    np.divide(np.abs(found - batch), np.abs(batch), out=relative, where=large)
    relative = np.nan_to_num(relative)
    if relative.max(initial=0.0) > tally.worst:
        tally.worst = float(relative.max())
        tally.worst_feature = features.names[int(relative.max(axis=1).argmax())]


def _report(
    features: FeatureSet, dataset: str, panel: Panel, asked: tuple[int, int], tally: _Tally
) -> LiveReplay:
    sessions, ticks = asked
    return LiveReplay(
        feature_set=features.label,
        dataset=dataset,
        symbols=len(panel.symbols),
        first_session=panel.sessions[-sessions].item(),
        last_session=panel.sessions[-1].item(),
        sessions=sessions,
        ticks=sessions * ticks,
        values=tally.values,
        apart=tally.apart,
        worst=tally.worst,
        worst_feature=tally.worst_feature,
        bar_ms=float(np.median(tally.bar_ms)) if tally.bar_ms else float("nan"),
        tick_ms=float(np.median(tally.tick_ms)) if tally.tick_ms else float("nan"),
    )
