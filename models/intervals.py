"""Intervals that follow what happened: adaptive conformal, EnbPI and split CQR, one loop.

Errors are (outcome - prediction) / scale, pooled over symbols. Each session's interval rests on
errors that are known by then. In all three a level moves with the coverage that was reached
(Gibbs and Candes 2021), so that a year of trouble is not a year of broken promises.

- `aci`: symmetric, the quantile of absolute errors.
- `enbpi`: the narrowest pair of quantiles of signed errors (Xu and Xie 2021). It starts from
  leave-one-out errors of a bootstrap ensemble on the training rows, so that the first session
  tested has an interval already.
- `cqr`: quantiles of older errors, widened alike at both ends by the conformal quantile of how far
  recent outcomes lay outside (Romano, Patterson and Candes 2019). The quantile model is one
  that is linear in the scale.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from models.confidence import AdaptiveWidth, quantile_scores
from models.dataset import Dataset
from models.estimators import Estimator

Method = Literal["aci", "enbpi", "cqr"]
METHODS: tuple[Method, ...] = ("aci", "enbpi", "cqr")
# How often the quantiles that need a sort of all errors are chosen anew, in sessions.
RECUT = 20
SPLITS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalMethod:
    """How wide intervals are, session by session.

    Attributes
    ----------
    coverage : float
        Share of outcomes that the intervals shall hold.
    gamma : float
        Step of the level; 0 leaves it where it starts.
    window : int
        Sessions of errors that are remembered.
    delay : int
        Sessions until a session's outcome is known, beyond the next one.
    """

    method: Method = "aci"
    coverage: float = 0.90
    gamma: float = 0.02
    window: int = 500
    delay: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidInputError(f"interval method {self.method!r}: say {', '.join(METHODS)}")
        # Terms are checked once, by the one that has stood longest.
        self._adaptive()

    def bounds(
        self, errors: FloatArray, *, start: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return how far each session's interval reaches below and above, in units of the scale.

        Parameters
        ----------
        errors : ndarray of shape (n_symbols, n_sessions)
            Signed errors in units of the scale; NaN where nothing was foretold or known.
        start : ndarray of shape (n_start,), optional
            Errors known before the first session, for `enbpi`.

        Returns
        -------
        tuple of ndarray, each of shape (n_sessions,)
            NaN while too few errors are known.
        """
        if self.method == "aci":
            widths = self._adaptive().widths(np.abs(errors))
            return widths, widths
        first = np.empty(0) if start is None else start[np.isfinite(start)]
        cut = _Narrowest() if self.method == "enbpi" else _Quantiles(self.coverage)
        return self._follow(errors, first, cut)

    def _adaptive(self) -> AdaptiveWidth:
        return AdaptiveWidth(
            coverage=self.coverage, gamma=self.gamma, window=self.window, delay=self.delay
        )

    def _follow(
        self, errors: FloatArray, first: FloatArray, cut: "_Narrowest | _Quantiles"
    ) -> tuple[FloatArray, FloatArray]:
        below = np.full(errors.shape[1], np.nan)
        above = np.full(errors.shape[1], np.nan)
        alpha = level = 1.0 - self.coverage
        for t, known, pool, latest in self._pools(errors, first):
            if known >= 1 and len(latest) and np.isfinite(below[known - 1]):
                outside = (latest < -below[known - 1]) | (latest > above[known - 1])
                level += self.gamma * (alpha - float(outside.mean()))
            below[t], above[t] = cut.ends(pool, 1.0 - min(max(level, 0.0), 1.0), session=t)
        return below, above

    def _pools(
        self, errors: FloatArray, first: FloatArray
    ) -> Iterator[tuple[int, int, FloatArray, FloatArray]]:
        """Yield each session with enough known errors, those errors, and the last session's."""
        there = np.isfinite(errors)
        flat = np.concatenate([first, errors.T[there.T]])
        starts = len(first) + np.concatenate([[0], np.cumsum(there.sum(axis=0))])
        enough = self.window // 10
        for t in range(errors.shape[1]):
            known = max(t - self.delay, 0)  # Sessions before this one have known outcomes.
            oldest = 0 if known < self.window else starts[known - self.window]
            pool = flat[oldest : starts[known]]
            if len(pool) and (len(first) or known >= enough):
                latest = flat[starts[known - 1] : starts[known]] if known else flat[:0]
                yield t, known, pool, latest


class _Narrowest:
    """The narrowest pair of quantiles; the share of misses below is chosen anew now and then."""

    def __init__(self) -> None:
        self._below = 0.5
        self._chosen = -RECUT

    def ends(self, pool: FloatArray, coverage: float, *, session: int) -> tuple[float, float]:
        if session - self._chosen >= RECUT:
            ordered = np.sort(pool)
            pairs = [_pair(ordered, coverage, share) for share in SPLITS]
            self._below = float(SPLITS[int(np.argmin([high - low for low, high in pairs]))])
            self._chosen = session
        low, high = _places(len(pool), coverage, self._below)
        parted = np.partition(pool, (low, high))
        return -float(parted[low]), float(parted[high])


class _Quantiles:
    """Quantiles of the first half of the pool, widened by the second half's conformal scores."""

    def __init__(self, coverage: float) -> None:
        self._coverage = coverage

    def ends(self, pool: FloatArray, coverage: float, *, session: int) -> tuple[float, float]:
        del session
        half = max(len(pool) // 2, 1)
        older, recent = pool[:half], pool[half:] if half < len(pool) else pool
        low, high = _places(half, self._coverage, 0.5)
        parted = np.partition(older, (low, high))
        bottom, top = parted[low], parted[high]
        scores = quantile_scores(np.full(len(recent), bottom), np.full(len(recent), top), recent)
        place = min(max(math.ceil((len(recent) + 1) * coverage) - 1, 0), len(recent) - 1)
        more = np.partition(scores, place)[place]
        return -float(bottom - more), float(top + more)


def leave_out_errors(
    estimator: Estimator,
    dataset: Dataset,
    rows: IntArray,
    *,
    scale: FloatArray,
    generator: np.random.Generator,
    bags: int = 10,
) -> FloatArray:
    """Return the errors of a bootstrap ensemble on the training rows that each bag left out.

    Whole sessions are drawn, so that a row's peers do not tell of it. A row's prediction is the
    mean over the bags that did not hold it.

    Parameters
    ----------
    scale : ndarray of shape (n_rows,)
        Unit of each row's error, over all rows of the dataset.
    """
    session = dataset.session[rows]
    days = np.unique(session)
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for _ in range(bags):
        drawn = generator.choice(days, size=len(days), replace=True)
        times = np.bincount(np.searchsorted(days, drawn), minlength=len(days))
        repeat = times[np.searchsorted(days, session)]
        model = estimator.fit(dataset, np.repeat(rows, repeat))
        out = repeat == 0
        used = [dataset.feature_names.index(name) for name in model.feature_names]
        total[out] += model.predict(np.ascontiguousarray(dataset.x[rows[out]][:, used]))
        count[out] += 1
    told = count > 0
    kept = rows[told]
    return np.asarray((dataset.y[kept] - total[told] / count[told]) / scale[kept], dtype=np.float64)


def _places(n: int, coverage: float, share_below: float) -> tuple[int, int]:
    """Return the ranks (from 0) of the ends that leave 1 - coverage out, a share of it below."""
    outside = (1.0 - coverage) * n
    low = min(max(math.floor(outside * share_below), 0), n - 1)
    high = min(max(math.ceil(n - outside * (1.0 - share_below)) - 1, low), n - 1)
    return low, high


def _pair(ordered: FloatArray, coverage: float, share_below: float) -> tuple[float, float]:
    low, high = _places(len(ordered), coverage, share_below)
    return float(ordered[low]), float(ordered[high])
