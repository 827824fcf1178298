"""Joint Monte Carlo: laws of the next day's P&L from draws of all symbols together.

The market is estimated once from a window of returns and every book that is asked for is priced
on the same draws: one estimate serves the days of a backtest, or the portfolios of a night. Laws
are equally likely outcomes, of shape (n_books, n_scenarios), float32. A linear book folds its
exposures into the matrix that correlates the draws, so no matrix of scenarios is kept for the
normal laws; draws come in blocks, so memory is that of one block and the answer.

Conventions: zero mean but for the t copula, whose margins are the symbols' own history;
antithetic pairs but for the quasi-random law; the same seed for every estimate, so that two
books, or two days, are compared under the same luck. The same seed gives the same bytes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.covariance import correlation_of, covariance_root, ledoit_wolf_covariance
from measures.parametric_tail import degrees_from_kurtosis
from risk.estimators import moments
from risk.monte_carlo import fit_copula_degrees

SINGLE: np.dtype[Any] = np.dtype(np.float32)
N_SCENARIOS = 8_192
MAX_SCENARIOS = 1 << 20
MIN_HISTORY = 100
N_FACTORS = 5
MAX_BLOCK_CELLS = 20_000_000  # 80 MB of float32 draws at a time.
MAX_LAW_CELLS = 100_000_000  # 400 MB: ask for fewer books at a time beyond.
# Above this many symbols the copula's degrees are fitted to the first so many, evenly spread.
_MOST_FOR_DEGREES = 50
_FLOOR = 1e-6

Law = Callable[[FloatArray, FloatArray, "Draws"], FloatArray]


@dataclass(frozen=True, slots=True)
class Draws:
    """How many scenarios, and from which seed.

    Attributes
    ----------
    n_scenarios : int
        A power of two, as the quasi-random sequence needs.
    """

    seed: int
    n_scenarios: int = N_SCENARIOS

    def __post_init__(self) -> None:
        n = self.n_scenarios
        if not 2 <= n <= MAX_SCENARIOS or n & (n - 1):
            raise InvalidInputError(
                f"n_scenarios must be a power of two in 2..{MAX_SCENARIOS}, got {n}"
            )

    def halves(self, rows: int) -> Iterator[tuple[slice, FloatArray]]:
        """Yield standard normals of shape (rows, block) for the first of each antithetic pair."""
        half = self.n_scenarios // 2
        block = max(min(half, MAX_BLOCK_CELLS // max(rows, 1)), 1)
        for at, start in enumerate(range(0, half, block)):
            stop = min(start + block, half)
            rng = np.random.default_rng([self.seed, at])
            yield slice(start, stop), rng.standard_normal((rows, stop - start), dtype=SINGLE)


def draws_from(rng: np.random.Generator) -> Draws:
    """Return the draws of a profile or a live book; take them first from a seed's generator.

    So every book of one seed, and the live book of the night's, is measured under the same luck.
    """
    return Draws(seed=int(rng.integers(2**31)))


def normal_law(exposures: FloatArray, history: FloatArray, draws: Draws) -> FloatArray:
    """Draw joint normal returns with the Ledoit-Wolf covariance of the window."""
    covariance, _ = ledoit_wolf_covariance(history)
    weights = (exposures @ covariance_root(covariance)).astype(SINGLE)
    return _antithetic(weights, draws)


def factor_law(exposures: FloatArray, history: FloatArray, draws: Draws) -> FloatArray:
    """Draw N_FACTORS principal components and independent residuals, all normal.

    The variance of every symbol is kept; only correlations outside the components are dropped.
    """
    loadings, specific = principal_factors(history, n_factors=N_FACTORS)
    weights = np.concatenate([exposures @ loadings, exposures * np.sqrt(specific)], axis=1)
    return _antithetic(weights.astype(SINGLE), draws)


def quasi_law(exposures: FloatArray, history: FloatArray, draws: Draws) -> FloatArray:
    """Draw a multivariate t quasi-randomly, rotated so that each book needs two coordinates.

    The Ledoit-Wolf covariance of the window, degrees of freedom from the symbols' median
    kurtosis. The first coordinate of a scrambled Sobol point (Owen 1995) goes along the book's
    own direction (Imai and Tan 2004), the second is the shock to volatility that all symbols
    share; the directions left do not move a linear book. The error falls almost as 1 / n.
    """
    covariance, _ = ledoit_wolf_covariance(history)
    variance = np.einsum("bi,ij,bj->b", exposures, covariance, exposures)
    std = np.sqrt(np.maximum(variance, 0.0))
    unit = quasi_shocks(market_degrees(history), draws.n_scenarios, draws.seed)
    law: FloatArray = (std[:, None] * unit).astype(SINGLE)
    return law


def t_copula_law(exposures: FloatArray, history: FloatArray, draws: Draws) -> FloatArray:
    """Draw ranks from a t copula and read each symbol's own history at them.

    Correlation 2 sin(pi rho_S / 6) of the ranks, degrees by pseudo-likelihood (Demarta and
    McNeil 2005), margins empirical and interpolated.
    """
    weights = exposures.astype(SINGLE)
    law = np.empty((len(exposures), draws.n_scenarios), dtype=SINGLE)
    for at, returns in copula_blocks(history, draws):
        law[:, at] = weights @ returns
    return law


def copula_blocks(history: FloatArray, draws: Draws) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the t copula's returns of every symbol by block: draws, then their mirror."""
    from scipy.special import stdtr

    degrees = fit_copula_degrees(_some_rows(history))
    root = covariance_root(rank_correlation(history)).astype(SINGLE)
    ordered = np.sort(history, axis=1)
    half = draws.n_scenarios // 2
    for at, normals in draws.halves(len(history)):
        rng = np.random.default_rng([draws.seed, at.start, 1])
        shared = np.sqrt(degrees / rng.chisquare(degrees, size=normals.shape[1]))
        uniform = stdtr(degrees, (root @ normals) * shared)
        yield at, _margins(ordered, uniform)
        yield slice(at.start + half, at.stop + half), _margins(ordered, 1.0 - uniform)


LAWS: Mapping[str, Law] = {
    "monte_carlo_normal": normal_law,
    "monte_carlo_factor": factor_law,
    "monte_carlo_quasi": quasi_law,
    "monte_carlo_t_copula": t_copula_law,
}


def joint_law(name: str, exposures: FloatArray, history: FloatArray, draws: Draws) -> FloatArray:
    """Return the law of each book's next day by the method `name`.

    Parameters
    ----------
    exposures : ndarray of shape (n_books, n_symbols)
        Signed market values.
    history : ndarray of shape (n_symbols, n_sessions)
        Daily returns without NaN.

    Raises
    ------
    InvalidInputError
        If the method is unknown, shapes do not match, or the answer would pass MAX_LAW_CELLS.
    MissingDataError
        If the window has fewer than MIN_HISTORY sessions.
    """
    if name not in LAWS:
        raise InvalidInputError(f"unknown method {name!r}: there are {', '.join(LAWS)}")
    check_market(history)
    finite = np.isfinite(exposures).all()
    if exposures.ndim != 2 or exposures.shape[1] != len(history) or not finite:
        raise InvalidInputError(
            f"exposures {exposures.shape} must be finite and match returns {history.shape}"
        )
    if len(exposures) * draws.n_scenarios > MAX_LAW_CELLS:
        raise InvalidInputError(
            f"{len(exposures)} books x {draws.n_scenarios} scenarios pass {MAX_LAW_CELLS} cells: "
            "ask for fewer books at a time"
        )
    return LAWS[name](exposures, history, draws)


def check_market(history: FloatArray) -> None:
    """Refuse a window of returns that no market can be estimated on.

    Raises
    ------
    InvalidInputError
        If it is not a finite matrix.
    MissingDataError
        If it has fewer than MIN_HISTORY sessions.
    """
    if history.ndim != 2 or not np.isfinite(history).all():
        raise InvalidInputError(f"returns {history.shape} must be finite, symbols x sessions")
    if history.shape[1] < MIN_HISTORY:
        raise MissingDataError(
            f"{history.shape[1]} sessions are too few to estimate a market: "
            f"{MIN_HISTORY} are needed"
        )


def backtest_laws(
    name: str, exposures: FloatArray, returns: FloatArray, draws: Draws, *, window: int, refit: int
) -> FloatArray:
    """Return each day's law of the book as it stood the day before, of shape (n_days, n_scenarios).

    Parameters
    ----------
    exposures : ndarray of shape (n_symbols, n_days)
        The book at the close before each of the last `n_days` sessions.
    returns : ndarray of shape (n_symbols, n_sessions)
        Daily returns; the last column is the last of the `n_days` sessions.
    refit : int
        Sessions between two estimates of the market; each uses the `window` before its first day.
    """
    n_days = exposures.shape[1]
    first = returns.shape[1] - n_days
    if refit < 1 or first < window:
        raise InvalidInputError(
            f"{n_days} days with a window of {window}, estimated every {refit} sessions, need "
            f"{n_days + window} sessions and refit >= 1, got {returns.shape[1]}"
        )
    laws = np.empty((n_days, draws.n_scenarios), dtype=SINGLE)
    for day in range(0, n_days, refit):
        history = returns[:, first + day - window : first + day]
        books = exposures[:, day : day + refit].T
        laws[day : day + refit] = joint_law(name, books, history, draws)
    return laws


def sampling_error(law: FloatArray, *, confidence: float) -> float:
    """Return the standard error of the VaR of one simulated law, from its order statistics.

    Half the distance between the outcomes one binomial deviation either side of the quantile:
    distribution free for independent draws, an upper bound for antithetic and quasi-random ones.
    """
    n, p = len(law), 1.0 - confidence
    deviation = (n * p * (1.0 - p)) ** 0.5
    low, high = max(int(n * p - deviation), 0), min(int(np.ceil(n * p + deviation)), n - 1)
    ordered = np.partition(law, [low, high])
    return float(ordered[high] - ordered[low]) / 2.0


def principal_factors(history: FloatArray, *, n_factors: int) -> tuple[FloatArray, FloatArray]:
    """Return loadings (n_symbols, n_factors) on unit components, and residual variances."""
    from scipy.linalg import eigh

    centred = history - history.mean(axis=1, keepdims=True)
    sample = centred @ centred.T / (history.shape[1] - 1)
    n = len(sample)
    # Only the leading ones: all of a thousand cost four times as much.
    values, vectors = eigh(sample, subset_by_index=[max(n - n_factors, 0), n - 1])
    # A component has no sign of its own: the largest part is positive, whatever the routine.
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    loadings = vectors * np.sqrt(np.maximum(values, 0.0))
    specific = np.maximum(np.diag(sample) - (loadings**2).sum(axis=1), 0.0)
    return loadings, specific


def rank_correlation(history: FloatArray) -> FloatArray:
    """Return 2 sin(pi rho_S / 6) of the ranks, lifted to positive definite.

    Where the smallest eigenvalue is too low, all correlations shrink by the least share that
    lifts it; the nearest matrix (Higham) costs hundreds of decompositions for many symbols.
    """
    ranks = history.argsort(axis=1, kind="stable").argsort(axis=1).astype(np.float64)
    spearman, _ = correlation_of(np.atleast_2d(np.cov(ranks)))
    correlation: FloatArray = 2.0 * np.sin(np.pi * spearman / 6.0)
    np.fill_diagonal(correlation, 1.0)
    unit = np.eye(len(correlation))
    try:  # A factorisation tells whether all eigenvalues pass the floor at a part of their price.
        np.linalg.cholesky(correlation - _FLOOR * unit)
    except np.linalg.LinAlgError:
        lowest = float(np.linalg.eigvalsh(correlation)[0])
        share = max(_FLOOR - lowest, 0.0) / (1.0 - lowest)
        correlation = (1.0 - share) * correlation + share * unit
    return correlation


def market_degrees(history: FloatArray) -> float:
    """Return the degrees of freedom that the symbols' median kurtosis says."""
    kurtosis = float(np.median(moments(history)[3]))
    return float(degrees_from_kurtosis(np.array([kurtosis]))[0])


@cache
def quasi_shocks(degrees: float, n_scenarios: int, seed: int) -> FloatArray:
    """Return t shocks of unit variance from a Sobol sequence of two coordinates."""
    from scipy.special import chdtri, ndtri
    from scipy.stats import qmc

    sobol = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(seed))
    own, shared = np.clip(sobol.random(n_scenarios), 1e-12, 1.0 - 1e-12).T
    shocks: FloatArray = ndtri(own) * np.sqrt((degrees - 2.0) / chdtri(degrees, shared))
    return shocks


def _some_rows(history: FloatArray) -> FloatArray:
    if len(history) <= _MOST_FOR_DEGREES:
        return history
    chosen = np.linspace(0, len(history) - 1, _MOST_FOR_DEGREES).astype(np.intp)
    rows: FloatArray = history[chosen]
    return rows


def _antithetic(weights: FloatArray, draws: Draws) -> FloatArray:
    half = draws.n_scenarios // 2
    law = np.empty((len(weights), draws.n_scenarios), dtype=SINGLE)
    for at, normals in draws.halves(weights.shape[1]):
        np.matmul(weights, normals, out=law[:, at])
    np.negative(law[:, :half], out=law[:, half:])
    return law


def _margins(ordered: FloatArray, uniform: FloatArray) -> FloatArray:
    """Read each row of ordered returns at its ranks, linear between the midpoints of ranks."""
    last = ordered.shape[1] - 1
    place = np.clip(uniform.astype(SINGLE) * (last + 1.0) - 0.5, 0.0, last)
    below = np.minimum(place.astype(np.int32), last - 1)
    place -= below
    below += np.arange(len(ordered), dtype=np.int32)[:, None] * (last + 1)
    flat = ordered.astype(SINGLE).ravel()
    returns: FloatArray = flat.take(below)
    below += 1
    returns += (flat.take(below) - returns) * place
    return returns
