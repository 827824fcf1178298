"""Returns of a portfolio into which money is paid: time-weighted and money-weighted.

A flow is positive when it is paid in. Time weighting asks how the manager did, money weighting
how the owner did.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from basics.errors import InvalidInputError, MissingDataError

DAYS_PER_YEAR = 365.0  # The convention of spreadsheets' XIRR.
LOWEST_RATE, HIGHEST_RATE = -0.999_999, 1e6


def time_weighted_return(values: npt.ArrayLike, flows: npt.ArrayLike) -> float:
    """Return the compounded return of a portfolio valued at each flow.

    Parameters
    ----------
    values : ndarray of shape (n + 1,)
        Value before any period and at the end of each.
    flows : ndarray of shape (n,)
        Paid in at the start of each period.

    Raises
    ------
    InvalidInputError
        If shapes differ, a number is not finite, or a period starts without positive capital.
    """
    worth, paid = np.asarray(values, dtype=np.float64), np.asarray(flows, dtype=np.float64)
    if worth.ndim != 1 or len(worth) != len(paid) + 1:
        raise InvalidInputError(f"{len(paid)} flows need {len(paid) + 1} values, got {worth.shape}")
    if not (np.isfinite(worth).all() and np.isfinite(paid).all()):
        raise InvalidInputError("values and flows must be finite")
    capital = worth[:-1] + paid
    if (capital <= 0).any():
        at = int(np.argmax(capital <= 0))
        raise InvalidInputError(f"period {at} starts with capital {capital[at]}: it has no return")
    return float(np.prod(worth[1:] / capital) - 1.0)


def modified_dietz_return(
    start_value: float,
    end_value: float,
    flows: npt.ArrayLike,
    weights: npt.ArrayLike,
) -> float:
    """Return gain over average capital (Dietz 1966, modified).

    Parameters
    ----------
    flows : ndarray of shape (n,)
        Paid in during the period.
    weights : ndarray of shape (n,)
        Share of the period, in [0, 1], for which each flow was invested.

    Raises
    ------
    InvalidInputError
        If a weight is outside [0, 1] or the average capital is not positive.
    """
    paid, share = np.asarray(flows, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if paid.shape != share.shape or ((share < 0) | (share > 1)).any():
        raise InvalidInputError("each flow needs a weight in [0, 1]: its share of the period")
    capital = start_value + float(paid @ share)
    if not capital > 0:
        raise InvalidInputError(f"average capital must be positive, got {capital}")
    return (end_value - start_value - float(paid.sum())) / capital


def internal_rate_of_return(dates: Sequence[date], flows: npt.ArrayLike) -> float:
    """Return the yearly rate at which dated flows come to nothing (XIRR, actual/365).

    Parameters
    ----------
    dates : sequence of date
        When each amount moved; the earliest is time zero.
    flows : ndarray of shape (n,)
        From the owner's side: paid in negative, paid out (or the value at the end) positive.

    Raises
    ------
    MissingDataError
        If the flows do not change sign, so that no rate exists.
    InvalidInputError
        If shapes differ, or no rate in (-99.9999%, 1e6) solves the equation.
    """
    from scipy.optimize import brentq

    amounts = np.asarray(flows, dtype=np.float64)
    if len(dates) != len(amounts) or not np.isfinite(amounts).all():
        raise InvalidInputError(f"{len(dates)} dates and {len(amounts)} finite flows must pair up")
    if not ((amounts > 0).any() and (amounts < 0).any()):
        raise MissingDataError("money must move both in and out for a rate to exist")
    first = min(dates)
    years = np.array([(day - first).days for day in dates]) / DAYS_PER_YEAR

    def worth_today(rate: float) -> float:
        return float((amounts * (1.0 + rate) ** -years).sum())

    if worth_today(LOWEST_RATE) * worth_today(HIGHEST_RATE) > 0:
        raise InvalidInputError(
            "no single rate solves these flows: they change sign more than once"
        )
    return float(brentq(worth_today, LOWEST_RATE, HIGHEST_RATE, xtol=1e-14, rtol=1e-14))


def turnover(traded: npt.ArrayLike, capital: npt.ArrayLike, *, periods_per_year: float) -> float:
    """Return money traded, bought and sold together, over average capital, a year.

    Parameters
    ----------
    traded : ndarray of shape (n_periods,)
        Absolute notional of each period.
    capital : ndarray of shape (n_periods,)
        Capital at each period; its mean must be positive.
    """
    amounts, base = np.asarray(traded, dtype=np.float64), np.asarray(capital, dtype=np.float64)
    if amounts.shape != base.shape or amounts.ndim != 1 or not len(amounts):
        raise InvalidInputError(f"traded {amounts.shape} and capital {base.shape} must pair up")
    if not base.mean() > 0:
        raise InvalidInputError(f"average capital must be positive, got {base.mean()}")
    return float(amounts.mean() / base.mean() * periods_per_year)
