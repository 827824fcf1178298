"""Intervals that follow what happened: adaptive conformal, EnbPI and split CQR, one loop.

Errors are (outcome - prediction) / scale, pooled over symbols. Each session's interval rests on
errors that are known by then. In all three the level moves with the coverage that was reached, by
a step (`models.interval_levels`), so that a year of trouble is not a year of broken promises.

- `aci`: symmetric, the quantile of absolute errors.
- `enbpi`: the narrowest pair of quantiles of signed errors (Xu and Xie 2021). It starts from
  leave-one-out errors of a bootstrap ensemble on the training rows, so that the first session
  tested has an interval already.
- `cqr`: quantiles of older errors, widened alike at both ends by the conformal quantile of how far
  recent outcomes lay outside (Romano, Patterson and Candes 2019). The quantile model is one
  that is linear in the scale.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from models.dataset import Dataset
from models.estimators import Estimator
from models.interval_cuts import Cut, Narrowest, Quantiles, Symmetric
from models.interval_levels import DynamicLevel, FixedStep, Level

Method = Literal["aci", "enbpi", "cqr"]
METHODS: tuple[Method, ...] = ("aci", "enbpi", "cqr")
# Chosen on the years before 2010 alone, as the smallest of 0.005, 0.01, ... 0.08 with the fewest of
# them outside 88% to 92%: one for all kinds with many series. A kind with one or two chooses its
# method by the same count, and its step with it.
STEP = 0.02
STEPS_OF_FEW: Mapping[str, float] = {"regime": 0.04, "sizing": 0.08}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalMethod:
    """How wide intervals are, session by session.

    Attributes
    ----------
    coverage : float
        Share of outcomes that the intervals shall hold.
    step : float or None
        Step of the level, 0 leaves it where it starts; None weighs many steps.
    window : int
        Sessions of errors that are remembered, and over which steps are weighed.
    delay : int
        Sessions until a session's outcome is known, beyond the next one.
    ensemble : bool
        Whether `enbpi` starts from a bootstrap ensemble; not where rows are one sequence, which
        drawing them would break.
    """

    method: Method = "aci"
    coverage: float = 0.90
    step: float | None = STEP
    window: int = 500
    delay: int = 0
    ensemble: bool = True

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidInputError(f"interval method {self.method!r}: say {', '.join(METHODS)}")
        step = 0.0 if self.step is None else self.step
        if not 0.0 < self.coverage < 1.0 or step < 0.0 or self.window < 2 or self.delay < 0:
            raise InvalidInputError(
                f"need coverage in (0, 1), step >= 0, window >= 2, delay >= 0; "
                f"got {self.coverage}, {self.step}, {self.window}, {self.delay}"
            )

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
        first = np.empty(0)
        if start is not None and self.method == "enbpi":
            first = start[np.isfinite(start)]
        cuts: dict[Method, Cut] = {
            "aci": Symmetric(),
            "enbpi": Narrowest(),
            "cqr": Quantiles(self.coverage),
        }
        return self._follow(errors, first, cuts[self.method])

    def _level(self) -> Level:
        alpha = 1.0 - self.coverage
        if self.step is None:
            return DynamicLevel(alpha, window=self.window)
        return FixedStep(alpha, self.step)

    def _follow(
        self, errors: FloatArray, first: FloatArray, cut: Cut
    ) -> tuple[FloatArray, FloatArray]:
        below = np.full(errors.shape[1], np.nan)
        above = np.full(errors.shape[1], np.nan)
        level = self._level()
        # What each session was cut from: its outcomes are held against it once they are known.
        cut_from: dict[int, tuple[FloatArray, FloatArray]] = {}
        for t, known, pool, latest in self._pools(errors, first):
            before = cut_from.pop(known - 1, None)
            if before is not None and len(latest):
                level.learn(cut.tolerances(before[0], latest), before[1])
            below[t], above[t] = cut.ends(pool, 1.0 - level.level, session=t)
            cut_from[t] = pool, level.issued
        return below, above

    def _pools(
        self, errors: FloatArray, first: FloatArray
    ) -> Iterator[tuple[int, int, FloatArray, FloatArray]]:
        """Yield each session with enough known errors, those errors, and the last session's."""
        there = np.isfinite(errors)
        flat = np.concatenate([first, errors.T[there.T]])
        starts = len(first) + np.concatenate([[0], np.cumsum(there.sum(axis=0))])
        told = np.concatenate([[0], np.cumsum(there.any(axis=0))])  # Sessions with errors.
        enough = self.window // 10
        for t in range(errors.shape[1]):
            known = max(t - self.delay, 0)  # Sessions before this one have known outcomes.
            oldest = 0 if known < self.window else starts[known - self.window]
            pool = flat[oldest : starts[known]]
            if len(pool) and (len(first) or told[known] >= enough):
                latest = flat[starts[known - 1] : starts[known]] if known else flat[:0]
                yield t, known, pool, latest


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
