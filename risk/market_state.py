"""What the market is believed to be, estimated from history, for the stress shocks to act on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from market.liquidity import ALMGREN_2005
from measures.covariance import correlation_of, ledoit_wolf_covariance
from risk.exposure import betas, rate_sensitivity
from risk.shocks import MarketState

MIN_MONTHS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBetas:
    """Sensitivity of each symbol to a yield, and what it rests on.

    Attributes
    ----------
    slopes, errors : ndarray of shape (n,)
        Return per unit of yield, and its standard error.
    last_month : date
        The last month whose yield entered.
    """

    slopes: FloatArray
    errors: FloatArray
    n_months: int
    first_month: date
    last_month: date


def estimate_state(
    symbols: tuple[str, ...],
    returns: FloatArray,
    *,
    market: FloatArray,
    rates: RateBetas | None,
    daily_notional: Mapping[str, float],
) -> MarketState:
    """Estimate the state from daily returns.

    Parameters
    ----------
    returns : ndarray of shape (n, n_sessions)
    market : ndarray of shape (n_sessions,)
        The market's return on the same sessions.
    rates : RateBetas or None
        Without it every rate sensitivity is zero.
    """
    covariance, _ = ledoit_wolf_covariance(returns)
    correlation, volatilities = correlation_of(covariance)
    n = len(symbols)
    return MarketState(
        symbols=symbols,
        moves=np.zeros(n),
        volatilities=volatilities,
        correlation=correlation,
        # A market that stands still moves nothing with it.
        market_betas=betas(returns, market) if np.ptp(market) > 0 else np.zeros(n),
        rate_betas=np.zeros(n) if rates is None else rates.slopes,
        half_spreads=np.full(n, ALMGREN_2005.half_spread),
        daily_notional=np.array([daily_notional.get(s, np.nan) for s in symbols]),
    )


def estimate_rate_betas(
    close: FloatArray, sessions: DateArray, months: DateArray, yields: FloatArray
) -> RateBetas:
    """Regress monthly returns on the change of a monthly yield.

    Months present in both are used: the last close of each month, and the month's yield. A
    symbol without a close in a month contributes from its first complete month on; symbols
    with fewer than 24 months have slope 0 and error infinite.

    Parameters
    ----------
    close : ndarray of shape (n, n_sessions)
        NaN where there is no close.
    months : ndarray of shape (n_yields,), datetime64
        Any day of the month that each yield describes.
    yields : ndarray of shape (n_yields,)
        Fractions.

    Raises
    ------
    MissingDataError
        If fewer than 24 months overlap.
    """
    session_months = sessions.astype("datetime64[M]")
    month_ends = np.flatnonzero(np.append(session_months[1:] != session_months[:-1], True))
    common, at_close, at_yield = np.intersect1d(
        session_months[month_ends], months.astype("datetime64[M]"), return_indices=True
    )
    if len(common) <= MIN_MONTHS:
        raise MissingDataError(
            f"prices and yields share {len(common)} months: {MIN_MONTHS + 1} are needed"
        )
    prices, series = close[:, month_ends[at_close]], yields[at_yield]
    n = len(close)
    slopes, errors = np.zeros(n), np.full(n, np.inf)
    for row in range(n):
        known = np.isfinite(prices[row])
        start = int(np.argmax(known)) if known.any() else len(known)
        if len(common) - start <= MIN_MONTHS or not known[start:].all():
            continue
        monthly = prices[row, start + 1 :] / prices[row, start:-1] - 1.0
        slope, error = rate_sensitivity(monthly[None, :], series[start:])
        slopes[row], errors[row] = slope[0], error[0]
    return RateBetas(
        slopes=slopes,
        errors=errors,
        n_months=len(common),
        first_month=common[0].astype("datetime64[D]").astype(date),
        last_month=common[-1].astype("datetime64[D]").astype(date),
    )
