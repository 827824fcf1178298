"""Plan the execution of one order over the next session, and say what it should cost.

Volume over the day follows a U (the shape of `market.simulated.session`), an assumption until
the desk has intraday data of its own; cost comes from the one impact model. The linear
constants that the shortfall planner needs are the impact model's, read at an even pace.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from market.liquidity import ImpactModel
from market.simulated.session import U_SHAPE
from oms.algorithms import Slice, implementation_shortfall, pov, vwap
from oms.matching import Quote

NO_IMPACT: Final = 1e-12  # Money per unit: the planner needs some temporary impact to divide by.


class Algorithm(StrEnum):
    """How an order is sliced."""

    TWAP = "twap"
    VWAP = "vwap"
    POV = "pov"
    SHORTFALL = "shortfall"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionTerms:
    """What to plan.

    Attributes
    ----------
    slices : int
        Equal spans of time that the session is divided into.
    rate : float
        Share of all volume, for POV.
    risk_aversion : float
        Per unit of money, for shortfall; zero trades evenly.
    """

    algorithm: Algorithm
    symbol: str
    quantity: Decimal
    lot: Decimal = Decimal(1)
    slices: int = 13
    rate: float = 0.1
    risk_aversion: float = 1e-6

    def __post_init__(self) -> None:
        if not 1 <= self.slices <= 1000:
            raise InvalidInputError(f"slices must lie in 1 to 1000, got {self.slices}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPlan:
    """A schedule and its expected cost against the arrival price.

    Attributes
    ----------
    left : Decimal
        What the schedule does not trade (POV in thin volume).
    expected_cost, deviation : float
        Mean and standard deviation of the cost of what is traded, in money.
    cost_fraction : float
        Expected cost over the arrival value of what is traded.
    """

    terms: ExecutionTerms
    arrival_price: Decimal
    slices: tuple[Slice, ...]
    left: Decimal
    expected_cost: float
    deviation: float
    cost_fraction: float


def plan_execution(
    terms: ExecutionTerms,
    *,
    quote: Quote | None,
    opens: datetime,
    closes: datetime,
    impact: ImpactModel,
) -> ExecutionPlan:
    """Plan `terms` between `opens` and `closes`.

    Raises
    ------
    MissingDataError
        If the symbol has no price or no known volume.
    InvalidInputError
        If the quantity is not whole lots, or a parameter is out of its domain.
    """
    if quote is None:
        raise MissingDataError(f"no price and volume are known for {terms.symbol}: load its bars")
    step = (closes - opens) / terms.slices
    edges = [*(opens + step * n for n in range(terms.slices)), closes]
    shares = volume_shares(terms.slices)
    slices, left = _schedule(terms, edges, shares, quote, impact)
    traded = np.array([float(part.quantity) for part in slices])
    cost = _expected_cost(traded, shares, quote, impact)
    remaining = traded.sum() - np.cumsum(traded)
    variance = quote.volatility**2 / terms.slices * float(remaining @ remaining)
    value = float(quote.price) * traded.sum()
    return ExecutionPlan(
        terms=terms,
        arrival_price=quote.price,
        slices=slices,
        left=left,
        expected_cost=cost,
        deviation=float(quote.price) * math.sqrt(variance),
        cost_fraction=cost / value if value else 0.0,
    )


def volume_shares(count: int) -> FloatArray:
    """Return the share of a day's volume in each of `count` equal spans; they sum to one."""
    edge = np.linspace(0.0, 1.0, count + 1)
    # Integral of 1 + U ((2 g - 1)^2 - 1/3).
    reached = edge * (1 - U_SHAPE / 3) + U_SHAPE * ((2 * edge - 1) ** 3 + 1) / 6
    return np.diff(reached)


def _schedule(
    terms: ExecutionTerms,
    edges: Sequence[datetime],
    shares: FloatArray,
    quote: Quote,
    impact: ImpactModel,
) -> tuple[tuple[Slice, ...], Decimal]:
    if terms.algorithm is Algorithm.POV:
        others = (quote.daily_volume * shares).tolist()
        return pov(
            terms.quantity, edges=edges, others_volume=others, rate=terms.rate, lot=terms.lot
        )
    if terms.algorithm is Algorithm.SHORTFALL:
        profile = _urgency(terms, quote, impact)
    else:
        profile = np.ones(terms.slices) if terms.algorithm is Algorithm.TWAP else shares
    return vwap(
        terms.quantity, edges=edges, volume_profile=profile.tolist(), lot=terms.lot
    ), Decimal(0)


def _urgency(terms: ExecutionTerms, quote: Quote, impact: ImpactModel) -> FloatArray:
    """Return the shares of the optimal schedule under linearised impact, one day long."""
    quantity, price = float(terms.quantity), float(quote.price)
    parts = impact.parts(quantity, volume=quote.daily_volume, volatility=quote.volatility)
    # At an even pace the whole quantity trades in one day: money per unit, per unit a day.
    plan = implementation_shortfall(
        quantity,
        horizon=1.0,
        periods=terms.slices,
        volatility=price * quote.volatility,
        temporary_impact=max(price * float(parts.temporary) / quantity, NO_IMPACT),
        fixed_cost=price * float(parts.spread + parts.linear),
        risk_aversion=terms.risk_aversion,
    )
    return np.maximum(plan.trades, 0.0)


def _expected_cost(
    traded: FloatArray, shares: FloatArray, quote: Quote, impact: ImpactModel
) -> float:
    """Sum what each slice pays for its own pace, and what all of it moves the price for good."""
    paid = 0.0
    for quantity, share in zip(traded.tolist(), shares.tolist(), strict=True):
        if quantity:
            parts = impact.parts(
                quantity, volume=quote.daily_volume, volatility=quote.volatility, days=share
            )
            paid += quantity * float(parts.spread + parts.linear + parts.temporary)
    whole = impact.parts(
        float(traded.sum()), volume=quote.daily_volume, volatility=quote.volatility
    )
    return float(quote.price) * (paid + float(traded.sum()) * float(whole.permanent))
