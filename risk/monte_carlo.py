"""Monte Carlo scenarios: normal, t copula, factor-structured, quasi-random; in blocks.

Normal draws are float32: a scenario's error of 1e-7 is far below its sampling error, and both
the draw and the matrix product take half the time and memory. Draws come in antithetic pairs
where the law is symmetric, so the sample mean is exactly zero. The same seed gives the same
bytes, however many threads draw.
"""

import itertools
import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.covariance import covariance_root
from measures.kernels.normals import normal_pairs
from risk.scenarios import MAX_SCENARIOS, Scenarios

_SINGLE: npt.DTypeLike = np.float32
MAX_CELLS = 500_000_000  # 2 GB of float32: ask for blocks beyond.
# Scenarios drawn from one random stream: few streams, and what a thread draws stays near it.
_STREAM = 4_096


def monte_carlo_normal(
    symbols: Sequence[str],
    covariance: FloatArray,
    *,
    n_scenarios: int,
    rng: np.random.Generator,
    horizon_days: int = 1,
    threads: int = 2,
) -> Scenarios:
    """Draw joint normal returns with zero mean, in antithetic pairs.

    The covariance is per session; the horizon scales it linearly. Threads draw ahead of the
    product, each block of scenarios from a stream of its own, so that their number changes no
    byte; beside the result, memory holds a few blocks.

    Raises
    ------
    InvalidInputError
        If `n_scenarios` is not a positive even number within MAX_SCENARIOS, or the matrix of
        scenarios would pass MAX_CELLS.
    """
    half = _half(n_scenarios, len(symbols))
    root = np.ascontiguousarray(covariance_root(covariance * horizon_days), dtype=_SINGLE)
    returns = np.empty((len(symbols), n_scenarios), dtype=_SINGLE)
    start = 0
    for draws in _single_blocks((len(root), half), rng=rng, threads=threads):
        end = start + draws.shape[1]
        block = _product(root, draws)
        returns[:, start:end] = block
        np.negative(block, out=returns[:, half + start : half + end])
        start = end
    return Scenarios("monte_carlo_normal", tuple(symbols), returns, horizon_days)


def monte_carlo_blocks(
    symbols: Sequence[str],
    covariance: FloatArray,
    *,
    n_scenarios: int,
    block: int,
    rng: np.random.Generator,
) -> Iterator[Scenarios]:
    """Yield joint normal scenarios block by block, so that memory is that of one block."""
    if block < 2 or block % 2:
        raise InvalidInputError(f"block must be even and at least 2, got {block}")
    for start in range(0, n_scenarios, block):
        size = min(block, n_scenarios - start)
        yield monte_carlo_normal(symbols, covariance, n_scenarios=size, rng=rng)


def linear_normal_pnl(
    exposures: FloatArray, covariance: FloatArray, *, n_scenarios: int, rng: np.random.Generator
) -> FloatArray:
    """Draw the P&L of a linear book in joint normal scenarios, without drawing the scenarios.

    x' L z with z standard normal is |L' x| times one standard normal, so the draw is
    one-dimensional whatever the number of positions. Antithetic.
    """
    half = _half(n_scenarios, 1)
    std = math.sqrt(max(float(exposures @ covariance @ exposures), 0.0))
    draws = std * rng.standard_normal(half)
    return np.concatenate([draws, -draws])


def monte_carlo_t_copula(
    symbols: Sequence[str],
    history: FloatArray,
    *,
    degrees: float,
    n_scenarios: int,
    rng: np.random.Generator,
) -> Scenarios:
    """Draw returns whose ranks follow a t copula and whose margins are the symbols' own history.

    The copula's correlation is 2 sin(pi rho_S / 6) of the ranks, repaired where indefinite;
    each margin is the empirical quantile function of that symbol (Demarta and McNeil 2005).
    Fewer degrees mean that extremes come together more often.

    Parameters
    ----------
    history : ndarray of shape (n_symbols, n_sessions)
        Daily returns without NaN.
    degrees : float
        Degrees of freedom of the copula, above 0; see `fit_copula_degrees`.
    """
    from scipy.special import stdtr

    from measures.covariance import correlation_of, nearest_correlation

    half = _half(n_scenarios, len(symbols))
    if not degrees > 0:
        raise InvalidInputError(f"degrees must be positive, got {degrees}")
    ranks = history.argsort(axis=1, kind="stable").argsort(axis=1).astype(np.float64)
    spearman, _ = correlation_of(np.atleast_2d(np.cov(ranks)))
    correlation = nearest_correlation(2.0 * np.sin(np.pi * spearman / 6.0))
    normal = covariance_root(correlation) @ rng.standard_normal((len(symbols), half))
    shared = np.sqrt(degrees / rng.chisquare(degrees, size=half))
    uniform = stdtr(degrees, normal * shared)
    ordered = np.sort(history, axis=1)
    returns = np.empty((len(symbols), n_scenarios))
    grid = (np.arange(history.shape[1]) + 0.5) / history.shape[1]
    for row in range(len(symbols)):
        returns[row, :half] = np.interp(uniform[row], grid, ordered[row])
        returns[row, half:] = np.interp(1.0 - uniform[row], grid, ordered[row])
    return Scenarios("monte_carlo_t_copula", tuple(symbols), returns)


def fit_copula_degrees(history: FloatArray) -> float:
    """Return the degrees of freedom of a t copula that fit best, from a grid.

    Maximum pseudo-likelihood (Genest, Ghoudi and Rivest 1995) with the correlation held at that
    of the ranks; on the grid 3, 4, 5, 6, 8, 10, 15, 20, 30, 50.
    """
    from scipy.special import gammaln, stdtrit

    from measures.covariance import correlation_of, nearest_correlation

    n, t = history.shape
    ranks = history.argsort(axis=1, kind="stable").argsort(axis=1)
    midpoints = (np.arange(t) + 0.5) / t
    spearman, _ = correlation_of(np.atleast_2d(np.cov(ranks)))
    correlation = nearest_correlation(2.0 * np.sin(np.pi * spearman / 6.0))
    inverse = np.linalg.inv(correlation)
    log_determinant = np.linalg.slogdet(correlation)[1]
    best, best_likelihood = 50.0, -np.inf
    for v in (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0):
        # There are only t different ranks: each quantile is computed once.
        x = stdtrit(v, midpoints)[ranks]
        quadratic = (x * (inverse @ x)).sum(axis=0)
        joint = (
            gammaln((v + n) / 2)
            + (n - 1) * gammaln(v / 2)
            - n * gammaln((v + 1) / 2)
            - 0.5 * log_determinant
        )
        likelihood = (
            t * joint
            - 0.5 * (v + n) * np.log1p(quadratic / v).sum()
            + 0.5 * (v + 1) * np.log1p(x * x / v).sum()
        )
        if likelihood > best_likelihood:
            best, best_likelihood = v, float(likelihood)
    return best


def monte_carlo_factor(
    symbols: Sequence[str],
    loadings: FloatArray,
    factor_covariance: FloatArray,
    specific: FloatArray,
    *,
    n_scenarios: int,
    rng: np.random.Generator,
) -> Scenarios:
    """Draw returns as loadings times normal factors plus independent specific returns.

    Costs n_factors columns of matrix product instead of n_symbols. Antithetic.

    Parameters
    ----------
    loadings : ndarray of shape (n_symbols, n_factors)
    specific : ndarray of shape (n_symbols,)
        Residual variances.
    """
    half = _half(n_scenarios, len(symbols))
    root = (loadings @ covariance_root(factor_covariance)).astype(_SINGLE)
    returns = np.empty((len(symbols), n_scenarios), dtype=_SINGLE)
    own = rng.standard_normal((len(symbols), half), dtype=root.dtype)
    own *= np.sqrt(specific).astype(_SINGLE)[:, None]
    common = rng.standard_normal((root.shape[1], half), dtype=root.dtype)
    np.matmul(root, common, out=returns[:, :half])
    returns[:, :half] += own
    np.negative(returns[:, :half], out=returns[:, half:])
    return Scenarios("monte_carlo_factor", tuple(symbols), returns)


def quasi_normal_pnl(
    exposures: FloatArray, covariance: FloatArray, *, n_factors: int, n_scenarios: int, seed: int
) -> FloatArray:
    """Return the P&L of a linear book from a scrambled Sobol sequence over its main components.

    The leading `n_factors` eigenvectors are drawn quasi-randomly (Owen 1995 scrambling), the
    rest of the variance by the last coordinate; the error falls almost as 1 / n instead of
    1 / sqrt(n). `n_scenarios` must be a power of two.

    Raises
    ------
    InvalidInputError
        If `n_scenarios` is not a power of two.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    if n_scenarios < 2 or n_scenarios & (n_scenarios - 1):
        raise InvalidInputError(f"n_scenarios must be a power of two, got {n_scenarios}")
    values, vectors = np.linalg.eigh(covariance)
    pull = (exposures @ vectors) * np.sqrt(np.maximum(values, 0.0))
    order = np.argsort(-np.abs(pull))
    kept = pull[order[:n_factors]]
    rest = math.sqrt(float((pull[order[n_factors:]] ** 2).sum()))
    weights = np.append(kept, rest)
    sobol = qmc.Sobol(len(weights), scramble=True, rng=np.random.default_rng(seed))
    uniform = sobol.random(n_scenarios)
    draws: FloatArray = ndtri(np.clip(uniform, 1e-12, 1.0 - 1e-12)) @ weights
    return draws


def _single_blocks(
    shape: tuple[int, int], *, rng: np.random.Generator, threads: int
) -> Iterator[FloatArray]:
    """Yield normal draws block by block of columns, in order, drawn ahead by `threads` threads."""
    if threads < 1:
        raise InvalidInputError(f"threads must be at least 1, got {threads}")
    rows, n = shape
    sizes = [min(_STREAM, n - start) for start in range(0, n, _STREAM)]
    streams = [rng] if len(sizes) == 1 else rng.spawn(len(sizes))

    def draw(stream: np.random.Generator, size: int) -> FloatArray:
        return _single_normal((rows, size), stream)

    if len(sizes) == 1 or threads == 1:
        yield from map(draw, streams, sizes)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = zip(streams, sizes, strict=True)
        ahead: deque[Future[FloatArray]] = deque(
            pool.submit(draw, *one) for one in itertools.islice(waiting, 2 * threads)
        )
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(draw, *one) for one in itertools.islice(waiting, 1))


def _single_normal(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Return float32 draws made of the generator's bits, four times faster than its own."""
    n_pairs = math.prod(shape) // 2 + 1
    bits = rng.integers(0, 2**64, dtype=np.uint64, size=n_pairs)
    draws = np.empty(2 * n_pairs, dtype=_SINGLE)
    normal_pairs(bits, draws[:n_pairs], draws[n_pairs:])
    return draws[: math.prod(shape)].reshape(shape)


def _product(root: FloatArray, draws: FloatArray) -> FloatArray:
    """Return `root @ draws`, in the place of `draws` at half the cost if root is triangular."""
    if np.triu(root, 1).any():
        return np.asarray(root @ draws)
    from scipy.linalg.blas import get_blas_funcs

    # BLAS reads columns: what is lower by rows is upper there.
    triangular = get_blas_funcs("trmm", (root,))
    done: FloatArray = triangular(1.0, root.T, draws.T, side=1, lower=0, overwrite_b=1)
    return done.T


def _half(n_scenarios: int, n_symbols: int) -> int:
    if not 0 < n_scenarios <= MAX_SCENARIOS or n_scenarios % 2:
        raise InvalidInputError(
            f"n_scenarios must be even, in 2..{MAX_SCENARIOS}, got {n_scenarios}"
        )
    if n_scenarios * n_symbols > MAX_CELLS:
        raise InvalidInputError(
            f"{n_symbols} symbols x {n_scenarios} scenarios pass {MAX_CELLS} cells: use blocks"
        )
    return n_scenarios // 2
