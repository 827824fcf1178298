"""What the book is exposed to: gross, net, concentration, beta, sector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from risk.decomposition import by_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Sizes of a book.

    Attributes
    ----------
    gross, net, long, short : float
        Sums of absolute, signed, positive and negative exposures, in currency.
    leverage : float
        gross / equity.
    hhi : float
        Herfindahl-Hirschman index of shares of gross, sum of squares, in [1/n, 1]; 0 when empty.
    effective_names : float
        1 / hhi; 0 when empty.
    largest_symbol, largest_weight : str or None, float
        The position with the largest |exposure| / equity.
    sector_weights : mapping
        Net exposure by sector / equity.
    """

    gross: float
    net: float
    long: float
    short: float
    leverage: float
    net_leverage: float
    hhi: float
    effective_names: float
    largest_symbol: str | None
    largest_weight: float
    sector_weights: dict[str, float]


def exposure_of(
    symbols: Sequence[str],
    exposures: FloatArray,
    *,
    equity: float,
    sectors: Mapping[str, str],
) -> Exposure:
    """Measure the sizes of a book.

    Raises
    ------
    InvalidInputError
        If `equity` is not positive: weights have no meaning then.
    """
    if not equity > 0:
        raise InvalidInputError(f"equity must be positive, got {equity}: weights need a base")
    gross, net = float(np.abs(exposures).sum()), float(exposures.sum())
    hhi = float(((exposures / gross) ** 2).sum()) if gross > 0 else 0.0
    largest = int(np.abs(exposures).argmax()) if gross > 0 else None
    return Exposure(
        gross=gross,
        net=net,
        long=float(exposures[exposures > 0].sum()),
        short=float(exposures[exposures < 0].sum()),
        leverage=gross / equity,
        net_leverage=net / equity,
        hhi=hhi,
        effective_names=1.0 / hhi if hhi > 0 else 0.0,
        largest_symbol=None if largest is None else symbols[largest],
        largest_weight=0.0 if largest is None else float(abs(exposures[largest])) / equity,
        sector_weights=by_group(symbols, exposures / equity, sectors),
    )


def betas(returns: FloatArray, factor: FloatArray) -> FloatArray:
    """Return the ordinary least squares slope of each row on `factor`, of shape (n,).

    Raises
    ------
    MissingDataError
        If the factor does not vary.
    """
    centred = factor - factor.mean()
    variance = float(centred @ centred)
    if variance <= 0.0:
        raise MissingDataError("the factor does not vary: a beta needs variance")
    slopes: FloatArray = returns @ centred / variance
    return slopes


def shrunk_betas(slopes: FloatArray) -> FloatArray:
    """Return 2/3 of each beta plus 1/3 (Blume 1975)."""
    shrunk: FloatArray = slopes * (2.0 / 3.0) + 1.0 / 3.0
    return shrunk


def downside_beta(returns: FloatArray, factor: FloatArray) -> float:
    """Return the beta on days when the factor was below its mean (Ang, Chen and Xing 2006).

    Raises
    ------
    MissingDataError
        If fewer than two such days.
    """
    down = factor < factor.mean()
    if down.sum() < 2:
        raise MissingDataError("a downside beta needs two days below the mean")
    return float(betas(returns[None, down], factor[down])[0])


def rate_sensitivity(
    monthly_returns: FloatArray, monthly_yields: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return each row's slope on the change of a yield, and its standard error.

    Parameters
    ----------
    monthly_returns : ndarray of shape (n, n_months)
        Return of month m, over the same month as the change of the yield.
    monthly_yields : ndarray of shape (n_months + 1,)
        Yields as fractions, at the month ends around the returns.

    Returns
    -------
    slopes, errors : ndarray of shape (n,)
        Return per unit of yield: -5 loses 5% when the yield rises by 0.01. Ordinary least
        squares with intercept; classical standard errors.
    """
    changes = np.diff(monthly_yields)
    n_months = len(changes)
    if monthly_returns.shape[1] != n_months or n_months < 24:
        raise MissingDataError(
            f"{monthly_returns.shape[1]} monthly returns and {n_months} yield changes: "
            "a rate sensitivity needs 24 of each"
        )
    slopes = betas(monthly_returns, changes)
    centred = changes - changes.mean()
    residual = monthly_returns - monthly_returns.mean(axis=1, keepdims=True)
    residual = residual - slopes[:, None] * centred
    variance = (residual**2).sum(axis=1) / (n_months - 2)
    return slopes, np.sqrt(variance / float(centred @ centred))


def effective_bets(exposures: FloatArray, covariance: FloatArray) -> float:
    """Return the effective number of uncorrelated bets (Meucci 2009), 0 for an empty book.

    exp of the entropy of the shares of variance over the principal components.
    """
    values, vectors = np.linalg.eigh(covariance)
    share = np.maximum(values, 0.0) * (vectors.T @ exposures) ** 2
    total = float(share.sum())
    if total <= 0.0:
        return 0.0
    share = share[share > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))
