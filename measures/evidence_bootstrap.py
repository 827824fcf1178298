"""Evidence by resampling blocks of time, so that dependence between periods survives.

Losses are smaller when better. Every function takes the generator that draws its resamples.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and its bootstrap percentile interval at `confidence`."""

    estimate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperiorAbility:
    """Hansen's test that no rival beats the benchmark.

    Attributes
    ----------
    p_value : float
        The consistent p-value: small when some rival is truly better.
    p_lower, p_upper : float
        Bounds, from the liberal and the conservative centring.
    best : int
        The rival with the largest studentised gain.
    """

    p_value: float
    p_lower: float
    p_upper: float
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSet:
    """The models that cannot be told from the best at `size`.

    Attributes
    ----------
    included : tuple of int
        Members of the set, ascending.
    p_values : tuple of float
        The set's p-value of every model; a model is in the set when it is at least `size`.
    """

    included: tuple[int, ...]
    p_values: tuple[float, ...]
    size: float


def stationary_indices(
    observations: int, *, block: float, resamples: int, generator: np.random.Generator
) -> IntArray:
    """Return resampled positions, of shape (resamples, observations).

    Stationary bootstrap of Politis and Romano (1994): blocks of geometric length with mean
    `block`, wrapped around the end.
    """
    if observations < 2 or block < 1 or resamples < 1:
        raise InvalidInputError(
            f"need observations >= 2, block >= 1, resamples >= 1; "
            f"got {observations}, {block}, {resamples}"
        )
    shape = (resamples, observations)
    starts = generator.random(shape) < 1.0 / block
    starts[:, 0] = True
    fresh = generator.integers(0, observations, size=shape)
    column = np.arange(observations)
    # Where did the current block start, and at which position of the sample?
    begun = np.maximum.accumulate(np.where(starts, column, 0), axis=1)
    origin = np.take_along_axis(fresh, begun, axis=1)
    return np.asarray((origin + column - begun) % observations, dtype=np.int64)


def mean_interval(
    series: FloatArray,
    *,
    block: float,
    generator: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> Interval:
    """Return the mean of `series` with its block-bootstrap percentile interval."""
    _require(series[None, :])
    picks = stationary_indices(len(series), block=block, resamples=resamples, generator=generator)
    low, high = np.quantile(
        series[picks].mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2]
    )
    return Interval(
        estimate=float(series.mean()), low=float(low), high=float(high), confidence=confidence
    )


def superior_predictive_ability(
    benchmark: FloatArray,
    rivals: FloatArray,
    *,
    block: float,
    generator: np.random.Generator,
    resamples: int = 1000,
) -> SuperiorAbility:
    """Test whether any of `rivals` loses less than `benchmark` (Hansen 2005).

    Parameters
    ----------
    benchmark : ndarray of shape (n_periods,)
        Losses of the benchmark.
    rivals : ndarray of shape (n_models, n_periods)
        Losses of the models that were tried, all of them.
    """
    gains = benchmark[None, :] - rivals
    _require(gains)
    n = gains.shape[1]
    picks = stationary_indices(n, block=block, resamples=resamples, generator=generator)
    means = gains.mean(axis=1)
    drawn = _resampled_means(gains, picks)
    # The bootstrap's own spread of sqrt(n) times the mean.
    omega = np.sqrt(n * ((drawn - means[:, None]) ** 2).mean(axis=1))
    moving = omega > 0
    if not moving.any():
        return SuperiorAbility(p_value=1.0, p_lower=1.0, p_upper=1.0, best=int(means.argmax()))
    means, drawn, omega = means[moving], drawn[moving], omega[moving]
    studentised = np.sqrt(n) * means / omega
    observed = max(0.0, float(studentised.max()))
    threshold = -np.sqrt(2.0 * np.log(np.log(n)))
    centres = {
        "lower": np.maximum(means, 0.0),
        # Models that are clearly worse do not shape the null.
        "consistent": np.where(studentised >= threshold, means, 0.0),
        "upper": means,
    }
    p = {}
    for name, centre in centres.items():
        null = np.sqrt(n) * (drawn - centre[:, None]) / omega[:, None]
        p[name] = float((np.maximum(null.max(axis=0), 0.0) >= observed).mean())
    best = int(np.flatnonzero(moving)[int(studentised.argmax())])
    return SuperiorAbility(
        p_value=p["consistent"], p_lower=p["lower"], p_upper=p["upper"], best=best
    )


def model_confidence_set(
    losses: FloatArray,
    *,
    block: float,
    generator: np.random.Generator,
    size: float = 0.10,
    resamples: int = 1000,
) -> ConfidenceSet:
    """Return the models that may be the best (Hansen, Lunde and Nason 2011, T_max rule).

    Parameters
    ----------
    losses : ndarray of shape (n_models, n_periods)
    """
    _require(losses)
    n_models, n = losses.shape
    picks = stationary_indices(n, block=block, resamples=resamples, generator=generator)
    means = losses.mean(axis=1)
    drawn = _resampled_means(losses, picks) - means[:, None]
    alive = list(range(n_models))
    p_values = np.ones(n_models)
    p = 0.0
    while len(alive) > 1:
        statistic, null = _elimination(means[alive], drawn[alive])
        # A model's p-value is never below that of one that left before it.
        p = max(p, float((null >= statistic.max()).mean()))
        leaver = alive[int(statistic.argmax())]
        p_values[leaver] = p
        alive.remove(leaver)
    included = tuple(int(m) for m in np.flatnonzero(p_values >= size))
    return ConfidenceSet(included=included, p_values=tuple(p_values.tolist()), size=size)


def _elimination(means: FloatArray, drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each model's studentised excess loss, and the bootstrap's maximum under the null."""
    excess = means - means.mean()
    noise = drawn - drawn.mean(axis=0)
    spread = np.sqrt((noise**2).mean(axis=1))
    spread = np.where(spread > 0, spread, np.inf)
    return excess / spread, (noise / spread[:, None]).max(axis=0)


def _resampled_means(series: FloatArray, picks: IntArray) -> FloatArray:
    """Return the mean of each row over each resample, of shape (n_rows, resamples)."""
    resamples, n = picks.shape
    # How often each period was drawn: one matrix product then gives every mean.
    flat = (picks + np.arange(resamples)[:, None] * n).ravel()
    counts = np.bincount(flat, minlength=resamples * n).reshape(resamples, n)
    return np.asarray(series @ counts.T / n)


def _require(rows: FloatArray) -> None:
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InvalidInputError(f"losses must be a finite matrix, got shape {rows.shape}")
    if rows.shape[1] < 8:
        raise MissingDataError(f"{rows.shape[1]} periods are too few: need 8")
