"""Tells how much of the best result is the luck of having tried many.

Sharpe ratios are per period, never annualised; skewness and kurtosis are raw (a normal has
kurtosis 3). Returns are positive for a gain.
"""

import math
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

EULER_GAMMA = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeMoments:
    """What the sampling error of a Sharpe ratio depends on.

    Attributes
    ----------
    sharpe : float
        Mean over standard deviation (ddof 1) of one period's return.
    skewness, kurtosis : float
        Raw central moments, ddof 0; a normal has kurtosis 3.
    """

    sharpe: float
    skewness: float
    kurtosis: float
    observations: int


def sharpe_moments(returns: FloatArray) -> SharpeMoments:
    """Measure the Sharpe ratio of `returns` and the shape of their distribution.

    Raises
    ------
    InvalidInputError
        If `returns` is not a finite vector.
    MissingDataError
        If there are fewer than 3 returns, or they do not vary.
    """
    if returns.ndim != 1 or not np.isfinite(returns).all():
        raise InvalidInputError(f"returns must be a finite vector, got shape {returns.shape}")
    if len(returns) < 3:
        raise MissingDataError(f"{len(returns)} returns are too few: need 3")
    centred = returns - returns.mean()
    variance = float((centred**2).mean())
    if np.ptp(returns) == 0.0:
        raise MissingDataError("returns that do not vary have no Sharpe ratio")
    return SharpeMoments(
        sharpe=float(returns.mean() / returns.std(ddof=1)),
        skewness=float((centred**3).mean() / variance**1.5),
        kurtosis=float((centred**4).mean() / variance**2),
        observations=len(returns),
    )


def probabilistic_sharpe(moments: SharpeMoments, *, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio exceeds `benchmark`.

    PSR = Phi((SR - SR0) sqrt(T - 1) / sqrt(1 - skew SR + (kurt - 1)/4 SR^2)) with raw kurtosis
    (Bailey and Lopez de Prado 2012).
    """
    _sharpe_spread(moments)
    return float(
        sharpe_probability(
            moments.sharpe,
            moments.skewness,
            moments.kurtosis,
            observations=moments.observations,
            benchmark=benchmark,
        )
    )


def sharpe_probability(
    sharpe: npt.ArrayLike,
    skewness: npt.ArrayLike,
    kurtosis: npt.ArrayLike,
    *,
    observations: int,
    benchmark: float = 0.0,
) -> FloatArray:
    """Return the same of many series at once, from arrays of their moments.

    NaN where a moment is, or where no series has such moments.
    """
    from scipy.special import ndtr

    sr = np.asarray(sharpe, dtype=np.float64)
    variance = _sharpe_variance(sr, np.asarray(skewness), np.asarray(kurtosis))
    spread = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    probability: FloatArray = ndtr((sr - benchmark) * math.sqrt(observations - 1) / spread)
    return probability


def expected_maximum_sharpe(*, trials: int, variance: float) -> float:
    """Return the highest Sharpe ratio that `trials` worthless tries are expected to reach.

    sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))); 0 for a single trial.

    Parameters
    ----------
    variance : float
        Variance of the trials' Sharpe ratios, per period.
    """
    from scipy.special import ndtri

    if trials < 1 or variance < 0:
        raise InvalidInputError(f"need trials >= 1 and variance >= 0, got {trials}, {variance}")
    if trials == 1:
        return 0.0
    upper = float(ndtri(1.0 - 1.0 / trials))
    far = float(ndtri(1.0 - 1.0 / (trials * math.e)))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * upper + EULER_GAMMA * far)


def deflated_sharpe(moments: SharpeMoments, *, trials: int, variance: float) -> float:
    """Return the probability that the Sharpe ratio beats the best of `trials` worthless tries.

    Bailey and Lopez de Prado (2014).
    """
    benchmark = expected_maximum_sharpe(trials=trials, variance=variance)
    return probabilistic_sharpe(moments, benchmark=benchmark)


def minimum_track_record(
    moments: SharpeMoments, *, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    """Return how many periods it takes to be sure that the Sharpe ratio exceeds `benchmark`.

    Infinite where the Sharpe ratio does not exceed it.
    """
    from scipy.special import ndtri

    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0, 1), got {confidence}")
    if moments.sharpe <= benchmark:
        return math.inf
    z = float(ndtri(confidence))
    return 1.0 + (_sharpe_spread(moments) * z / (moments.sharpe - benchmark)) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OverfittingProbability:
    """How often the best in sample falls below the median out of sample.

    Attributes
    ----------
    probability : float
        Share of the splits whose in-sample winner ranks at or below the median.
    logits : ndarray of shape (n_splits,)
        Log odds of the winner's relative rank out of sample.
    """

    probability: float
    logits: FloatArray


def probability_of_overfitting(returns: FloatArray, *, blocks: int = 10) -> OverfittingProbability:
    """Estimate the probability of backtest overfitting by CSCV.

    Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2017):
    cut the periods into `blocks`, take every half as in-sample, pick the strategy with the
    highest Sharpe ratio there, and look at its rank among all in the other half.

    Parameters
    ----------
    returns : ndarray of shape (n_strategies, n_periods)
        One row for each configuration that was tried.
    blocks : int
        Even number of blocks; C(blocks, blocks / 2) splits are made.

    Raises
    ------
    InvalidInputError
        If `blocks` is odd or below 2, or a return is not finite.
    MissingDataError
        If there are fewer than 2 strategies or 2 periods for each block.
    """
    if blocks < 2 or blocks % 2:
        raise InvalidInputError(f"blocks must be even and at least 2, got {blocks}")
    if returns.ndim != 2 or not np.isfinite(returns).all():
        raise InvalidInputError(f"returns must be a finite matrix, got shape {returns.shape}")
    strategies, periods = returns.shape
    if strategies < 2 or periods < 2 * blocks:
        raise MissingDataError(
            f"{strategies} strategies over {periods} periods: need 2 and {2 * blocks}"
        )
    edges = np.linspace(0, periods, blocks + 1).astype(int)
    parts = [returns[:, a:b] for a, b in pairwise(edges)]
    # Sums, squares and counts of a block add up over any choice of blocks.
    sums = np.stack([part.sum(axis=1) for part in parts])
    squares = np.stack([(part**2).sum(axis=1) for part in parts])
    counts = np.array([part.shape[1] for part in parts], dtype=np.float64)
    logits = [
        _winner_logit(sums, squares, counts, np.isin(np.arange(blocks), chosen))
        for chosen in combinations(range(blocks), blocks // 2)
    ]
    array = np.array(logits)
    return OverfittingProbability(probability=float((array <= 0.0).mean()), logits=array)


def _winner_logit(
    sums: FloatArray, squares: FloatArray, counts: FloatArray, inside: np.ndarray
) -> float:
    """Return the log odds of the in-sample winner's rank out of sample."""
    scores = []
    for chosen in (inside, ~inside):
        n = counts[chosen].sum()
        mean = sums[chosen].sum(axis=0) / n
        variance = squares[chosen].sum(axis=0) / n - mean**2
        scores.append(mean / np.sqrt(np.maximum(variance, 1e-300)))
    winner = int(np.argmax(scores[0]))
    out = scores[1]
    # Ties share their rank, so that copies of one strategy sit on the median.
    rank = (out < out[winner]).sum() + 0.5 * ((out == out[winner]).sum() - 1) + 1.0
    relative = rank / (len(out) + 1.0)
    return float(math.log(relative / (1.0 - relative)))


def _sharpe_spread(moments: SharpeMoments) -> float:
    variance = float(
        _sharpe_variance(
            np.asarray(moments.sharpe), np.asarray(moments.skewness), np.asarray(moments.kurtosis)
        )
    )
    if variance <= 0.0:
        raise InvalidInputError(
            f"skewness {moments.skewness} and kurtosis {moments.kurtosis} admit no such series"
        )
    return math.sqrt(variance)


def _sharpe_variance(sharpe: FloatArray, skewness: FloatArray, kurtosis: FloatArray) -> FloatArray:
    """Return n - 1 times the sampling variance of a Sharpe ratio."""
    variance: FloatArray = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return variance
