"""The shape of a book's tail, and how much its risk depends on the covariance that is believed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.correlation import average_correlation, average_tail_dependence, tail_dependence
from measures.covariance import (
    correlation_of,
    ewma_covariance,
    factor_covariance,
    ledoit_wolf_covariance,
    sample_covariance,
)
from measures.extreme_value import (
    ThresholdRow,
    fit_pareto_tail,
    hill,
    tail_ratio,
    threshold_diagnostics,
)
from risk.decomposition import normal_components

SESSIONS_A_YEAR = 252
TAIL_QUANTILE = 0.05
COVARIANCE_FACTORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TailShape:
    """How heavy the tail of today's book is; None where the history cannot say.

    Attributes
    ----------
    hill : float or None
        Tail index of the worst twentieth of the losses: lower is heavier.
    pareto_shape, pareto_shape_error : float or None
        xi of peaks over the 90% threshold, and its standard error.
    tail_ratio : float or None
        The 95% quantile over the absolute 5% one: above 1 gains reach further than losses.
    market_tail_dependence : float or None
        How often the book is among its worst 5% of days when the market is among its own.
    average_tail_dependence : float or None
        The same between two holdings, averaged over the pairs; 0.05 when independent.
    thresholds : tuple of ThresholdRow
        The fit at several thresholds: shape and modified scale should hold still above a good one.
    """

    hill: float | None
    pareto_shape: float | None
    pareto_shape_error: float | None
    tail_ratio: float | None
    market_tail_dependence: float | None
    average_tail_dependence: float | None
    thresholds: tuple[ThresholdRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceView:
    """The book seen through one estimate of the covariance.

    Attributes
    ----------
    estimate : str
        sample, ewma, ledoit_wolf or factor.
    volatility : float
        Yearly, of equity.
    value_at_risk : float
        Normal, zero mean, at the confidence asked for, in currency.
    condition : float or None
        Largest over smallest eigenvalue; None for a singular matrix.
    """

    estimate: str
    volatility: float
    value_at_risk: float
    average_correlation: float | None
    condition: float | None


def tail_shape(pnl: FloatArray, returns: FloatArray, market: FloatArray) -> TailShape:
    """Describe the tail.

    Parameters
    ----------
    pnl : ndarray of shape (n_sessions,)
        What today's book would have made.
    returns : ndarray of shape (n_symbols, n_sessions)
        Of what is held.
    market : ndarray of shape (n_sessions,)
    """
    losses = -pnl
    return TailShape(
        hill=_hill(losses),
        **_pareto(losses),
        tail_ratio=_tail_ratio(pnl),
        market_tail_dependence=_dependence(pnl, market),
        average_tail_dependence=average_tail_dependence(returns, quantile=TAIL_QUANTILE)
        if len(returns) > 1
        else None,
        thresholds=threshold_diagnostics(losses),
    )


def covariance_views(
    exposures: FloatArray, returns: FloatArray, *, equity: float, confidence: float
) -> tuple[CovarianceView, ...]:
    """Measure the book with each covariance estimate, in the order of the class's docstring."""
    n_factors = min(COVARIANCE_FACTORS, len(exposures))
    estimates = {
        "sample": sample_covariance(returns),
        "ewma": ewma_covariance(returns),
        "ledoit_wolf": ledoit_wolf_covariance(returns)[0],
        "factor": factor_covariance(returns, n_factors=n_factors),
    }
    return tuple(
        _view(name, covariance, exposures, equity, confidence)
        for name, covariance in estimates.items()
    )


def _view(
    name: str, covariance: FloatArray, exposures: FloatArray, equity: float, confidence: float
) -> CovarianceView:
    variance = max(float(exposures @ covariance @ exposures), 0.0)
    split = normal_components(exposures, covariance, confidence=confidence)
    values = np.linalg.eigvalsh(covariance)
    regular = values[0] > 1e-12 * max(values[-1], 0.0)
    return CovarianceView(
        estimate=name,
        volatility=(variance * SESSIONS_A_YEAR) ** 0.5 / equity,
        value_at_risk=split.value_at_risk,
        average_correlation=average_correlation(correlation_of(covariance)[0])
        if len(covariance) > 1
        else None,
        condition=float(values[-1] / values[0]) if regular else None,
    )


def _hill(losses: FloatArray) -> float | None:
    try:
        return hill(losses, n_largest=max(round(TAIL_QUANTILE * len(losses)), 1))
    except InvalidInputError:
        return None


def _pareto(losses: FloatArray) -> Mapping[str, float | None]:
    try:
        tail = fit_pareto_tail(losses)
    except MissingDataError:
        return {"pareto_shape": None, "pareto_shape_error": None}
    return {"pareto_shape": tail.shape, "pareto_shape_error": tail.shape_error}


def _tail_ratio(pnl: FloatArray) -> float | None:
    try:
        return tail_ratio(pnl, quantile=TAIL_QUANTILE)
    except MissingDataError:
        return None


def _dependence(pnl: FloatArray, market: FloatArray) -> float | None:
    try:
        return tail_dependence(pnl, market, quantile=TAIL_QUANTILE)
    except MissingDataError:
        return None
