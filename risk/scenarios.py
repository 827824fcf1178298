"""Scenarios: joint returns of the risk factors in many possible worlds.

Every method of risk (historical and filtered here, Monte Carlo in `risk.monte_carlo`) makes a
`Scenarios`; pricing turns positions and scenarios into P&L; measures read that vector. A new
method is one function and one test. Randomness is the generator handed in: the same seed gives
the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.volatility import ewma_variance

MAX_SCENARIOS = 10_000_000


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Simple returns of symbols over one horizon.

    Attributes
    ----------
    method : str
        How they were made, for the reader of a result.
    symbols : tuple of str
        Row labels.
    returns : ndarray of shape (n_symbols, n_scenarios)
        Simple returns as fractions; rows are contiguous, so that one symbol is one slice.
    horizon_days : int
        Sessions that each scenario spans.
    weights : ndarray of shape (n_scenarios,) or None
        Probabilities; None when equally likely.
    """

    method: str
    symbols: tuple[str, ...]
    returns: FloatArray
    horizon_days: int = 1
    weights: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.returns.ndim != 2 or self.returns.shape[0] != len(self.symbols):
            raise InvalidInputError(
                f"{self.method}: returns {self.returns.shape} do not match "
                f"{len(self.symbols)} symbols"
            )


def historical(symbols: Sequence[str], returns: FloatArray, *, horizon_days: int = 1) -> Scenarios:
    """Return each past span of `horizon_days` sessions as one scenario, overlapping.

    Parameters
    ----------
    returns : ndarray of shape (n_symbols, n_sessions)
        Daily simple returns, oldest first, without NaN.

    Raises
    ------
    MissingDataError
        If no span fits.
    """
    spans = compound_overlapping(returns, horizon_days=horizon_days)
    return Scenarios("historical", tuple(symbols), spans, horizon_days)


def age_weighted(symbols: Sequence[str], returns: FloatArray, *, decay: float = 0.995) -> Scenarios:
    """Return past days weighted by age (Boudoukh, Richardson and Whitelaw 1998).

    The k-th last day weighs (1 - decay) decay^k / (1 - decay^n).
    """
    return Scenarios(
        "age_weighted", tuple(symbols), returns, weights=age_weights(returns.shape[1], decay=decay)
    )


def age_weights(n_observations: int, *, decay: float) -> FloatArray:
    """Return weights that fade with age and sum to one, oldest first."""
    if not 0.0 < decay < 1.0:
        raise InvalidInputError(f"decay must lie in (0, 1), got {decay}")
    weights = decay ** np.arange(n_observations - 1, -1, -1, dtype=np.float64)
    normalised: FloatArray = weights / weights.sum()
    return normalised


def filtered(symbols: Sequence[str], returns: FloatArray, *, decay: float = 0.94) -> Scenarios:
    """Return past days rescaled to today's volatility, symbol by symbol (Hull and White 1998).

    A symbol that never moved stays at its returns, which are zero.
    """
    variance = ewma_variance(returns, decay=decay)
    std = np.sqrt(variance)
    scale = np.divide(std[:, -1:], std[:, :-1], out=np.ones_like(returns), where=std[:, :-1] > 0)
    return Scenarios("filtered_ewma", tuple(symbols), returns * scale)


def compound_overlapping(returns: FloatArray, *, horizon_days: int) -> FloatArray:
    """Return simple returns over every span of `horizon_days`, of shape (n, t - h + 1)."""
    if returns.ndim != 2 or not np.isfinite(returns).all():
        raise InvalidInputError(f"returns must be finite rows, got shape {returns.shape}")
    if horizon_days < 1:
        raise InvalidInputError(f"horizon_days must be at least 1, got {horizon_days}")
    if returns.shape[1] < horizon_days:
        raise MissingDataError(
            f"{returns.shape[1]} sessions hold no span of {horizon_days}: load a longer history"
        )
    if horizon_days == 1:
        return returns
    if (returns <= -1.0).any():
        raise InvalidInputError("a simple return of -100% or less cannot be compounded")
    level = np.concatenate([np.zeros((len(returns), 1)), np.cumsum(np.log1p(returns), axis=1)], 1)
    spans: FloatArray = np.expm1(level[:, horizon_days:] - level[:, :-horizon_days])
    return spans
