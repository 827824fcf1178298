"""Implementation shortfall: the schedule that trades expected cost against its variance.

Source: Almgren and Chriss (2000), "Optimal execution of portfolio transactions". With linear
permanent impact gamma and temporary impact eta, fixed cost epsilon a unit, and risk aversion
lambda, over N periods of length tau:

    eta~ = eta - gamma tau / 2,  kappa~^2 = lambda sigma^2 / eta~,
    cosh(kappa tau) = 1 + kappa~^2 tau^2 / 2,  x_j = X sinh(kappa (T - t_j)) / sinh(kappa T).
"""

import math
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallPlan:
    """An optimal schedule and what it is expected to cost.

    Attributes
    ----------
    holdings : ndarray of shape (n_periods + 1,)
        Units still to trade at the start of each period, the last zero.
    trades : ndarray of shape (n_periods,)
        Units to trade in each period; they sum to the order.
    kappa : float
        Urgency: the rate at which holdings decay, per unit of time.
    expected_cost : float
        Against the arrival price, in money.
    deviation : float
        Standard deviation of the cost, in money.
    """

    holdings: FloatArray
    trades: FloatArray
    kappa: float
    expected_cost: float
    deviation: float


def implementation_shortfall(  # noqa: PLR0913 - the constants of the paper's model
    quantity: float,
    *,
    horizon: float,
    periods: int,
    volatility: float,
    temporary_impact: float,
    permanent_impact: float = 0.0,
    fixed_cost: float = 0.0,
    risk_aversion: float,
) -> ShortfallPlan:
    """Return the schedule that minimises expected cost + risk_aversion x variance.

    Parameters
    ----------
    quantity : float
        Units to trade, positive.
    horizon, periods : float, int
        Length of the schedule in days, and the number of equal periods in it.
    volatility : float
        Standard deviation of the price over a day, in money per unit.
    temporary_impact : float
        Money per unit, for each unit traded a day (eta).
    permanent_impact : float
        Money per unit, for each unit traded (gamma).
    fixed_cost : float
        Half spread and fees in money per unit (epsilon).
    risk_aversion : float
        Per unit of money (lambda); zero gives equal slices.

    Raises
    ------
    InvalidInputError
        If an argument is out of its domain, or permanent impact is so large that eta~ is not
        positive: then slower trading would always be cheaper.
    """
    if not (quantity > 0 and horizon > 0 and periods >= 1):
        raise InvalidInputError(
            f"need a positive quantity, horizon and number of periods, got {quantity}, "
            f"{horizon}, {periods}"
        )
    if min(volatility, permanent_impact, fixed_cost, risk_aversion) < 0:
        raise InvalidInputError("volatility, impact, cost and risk aversion cannot be negative")
    tau = horizon / periods
    eta = temporary_impact - permanent_impact * tau / 2
    if not eta > 0:
        raise InvalidInputError(
            f"temporary impact {temporary_impact} must exceed half the permanent impact of a "
            f"period, {permanent_impact * tau / 2}"
        )
    # cosh(kappa tau) = 1 + x: by the half angle, since 1 + x keeps few digits of a small x.
    kappa = 2 * math.asinh(math.sqrt(risk_aversion * volatility**2 / eta) * tau / 2) / tau
    holdings = quantity * _decay(kappa, np.linspace(horizon, 0.0, periods + 1), horizon)
    holdings[-1] = 0.0
    trades = -np.diff(holdings)
    cost = (
        permanent_impact * quantity**2 / 2
        + fixed_cost * quantity
        + eta / tau * float(trades @ trades)
    )
    variance = volatility**2 * tau * float(holdings[1:] @ holdings[1:])
    return ShortfallPlan(
        holdings=holdings,
        trades=trades,
        kappa=kappa,
        expected_cost=cost,
        deviation=math.sqrt(variance),
    )


def _decay(kappa: float, left: FloatArray, horizon: float) -> FloatArray:
    """Return sinh(kappa left) / sinh(kappa horizon), linear as kappa goes to zero."""
    if kappa * horizon < 1e-8:
        return left / horizon
    # exp of negative numbers alone, so that great urgency does not overflow.
    return np.asarray(
        np.exp(kappa * (left - horizon))
        * np.expm1(-2 * kappa * left)
        / math.expm1(-2 * kappa * horizon)
    )
