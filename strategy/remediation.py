"""The cheapest trades that bring a book back within its limits.

A convex programme: minimise the expected cost of the trades under the impact model, subject to
every restriction at once (`strategy.restrictions`). Trades are then rounded to whole lots; where
rounding, or a restriction that the solver knows only by an upper bound, leaves the true values
off, its bound is moved and the programme is solved again, so what is returned does hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, RefusedError
from market.liquidity import ImpactModel
from strategy.restrictions import Restriction

MAX_ROUNDS: Final = 24
SLACK: Final = 1e-9  # Fraction of equity by which a limit may be missed: the solver's own noise.
FIRST_STRIDE: Final = 1.2  # How far a bound that was missed is moved, in units of the excess.
MAX_DENOMINATOR: Final = 16
BASIS_POINTS: Final = 1e4  # The solver works best on numbers near one.
LOT_NOISE: Final = 0.02  # A trade below this part of a lot is the solver's noise, not a trade.


@dataclass(frozen=True, slots=True, kw_only=True)
class BookToRemedy:
    """A book as the programme sees it; every array has shape (n_symbols,).

    Attributes
    ----------
    quantities : ndarray
        Signed units held; zero where a symbol may only be bought or sold as a hedge.
    unit_values : ndarray
        Money per unit, positive.
    daily_volumes : ndarray
        Units that trade in a day, positive.
    volatilities : ndarray
        Standard deviation of daily returns, fractions.
    lots : ndarray
        Smallest quantity steps, positive.
    """

    symbols: tuple[str, ...]
    quantities: FloatArray
    unit_values: FloatArray
    daily_volumes: FloatArray
    volatilities: FloatArray
    lots: FloatArray
    equity: float

    def __post_init__(self) -> None:
        if not self.equity > 0:
            raise InvalidInputError(f"equity must be positive, got {self.equity}")
        for name in ("quantities", "unit_values", "daily_volumes", "volatilities", "lots"):
            values = getattr(self, name)
            if values.shape != (len(self.symbols),) or not np.isfinite(values).all():
                raise InvalidInputError(
                    f"{name} must be finite, one for each symbol, got shape {values.shape}"
                )
        for name in ("unit_values", "daily_volumes", "lots"):
            if (getattr(self, name) <= 0).any():
                raise InvalidInputError(f"{name} must be positive for every symbol")

    @property
    def exposures(self) -> FloatArray:
        """Signed market values as fractions of equity."""
        return self.quantities * self.unit_values / self.equity


@dataclass(frozen=True, slots=True)
class RemedyTrade:
    """One trade of a remedy: quantity signed, value and expected cost in money."""

    symbol: str
    quantity: float
    value: float
    expected_cost: float


@dataclass(frozen=True, slots=True)
class RestrictionOutcome:
    """One limit before and after the remedy."""

    name: str
    before: float
    after: float
    bound: float

    @property
    def restored(self) -> bool:
        """Whether the limit was passed before and is kept after."""
        return self.before > self.bound + SLACK >= self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Trades, cheapest together, after which every limit is kept.

    Attributes
    ----------
    trades : tuple of RemedyTrade
        Largest value first; empty when nothing was breached.
    expected_cost : float
        Of all trades, in money.
    """

    trades: tuple[RemedyTrade, ...]
    outcomes: tuple[RestrictionOutcome, ...]
    expected_cost: float


def remediate(
    book: BookToRemedy,
    restrictions: Sequence[Restriction],
    *,
    impact: ImpactModel,
    days: float = 1.0,
    reduce_only: bool = True,
) -> Remedy:
    """Return the cheapest trades after which `book` keeps every restriction.

    Parameters
    ----------
    days : float
        Time over which the trades would be worked.
    reduce_only : bool
        Whether trades may only shrink a holding; otherwise any symbol of the book may also be
        bought or sold as a hedge.

    Raises
    ------
    RefusedError
        If no trades keep all restrictions at once: a bound is too tight for the lots, or two
        restrictions contradict each other.
    """
    held = book.exposures
    if all(r.value(held) <= r.bound + SLACK for r in restrictions):
        return _remedy(book, np.zeros(len(held)), restrictions, impact, days)
    # The solver's value may exceed the true one; begin from bounds that allow for it.
    bounds = np.array([r.bound * _head_room(r, held) for r in restrictions])
    # Doubles with each miss: an excess much smaller than a lot would leave the rounding as it is.
    stride = np.full(len(bounds), FIRST_STRIDE)
    for _ in range(MAX_ROUNDS):
        trades = _solve(book, restrictions, bounds, impact, days, reduce_only=reduce_only)
        quantities = _whole_lots(book, trades, reduce_only=reduce_only)
        after = (book.quantities + quantities) * book.unit_values / book.equity
        excess = np.array([r.value(after) - r.bound for r in restrictions])
        missed = excess > SLACK
        if not missed.any():
            return _remedy(book, quantities, restrictions, impact, days)
        bounds[missed] -= excess[missed] * stride[missed]
        stride[missed] *= 2
        if (bounds <= 0).any():
            break
    raise RefusedError(
        "no trades in whole lots keep every limit at once; missed is "
        f"{_named(restrictions, after)}: loosen a limit, or allow hedges"
    )


def _named(restrictions: Sequence[Restriction], exposures: FloatArray) -> str:
    """Name the restrictions that the exposures do not keep, with value and bound."""
    missed = [
        f"{r.name} at {r.value(exposures):.4g} of {r.bound:.4g}"
        for r in restrictions
        if r.value(exposures) > r.bound + SLACK
    ]
    return ", ".join(missed) or "none, but what the rounding leaves"


def _head_room(restriction: Restriction, exposures: FloatArray) -> float:
    import cvxpy as cp

    true = restriction.value(exposures)
    stated = float(restriction.expression(cp.Constant(exposures)).value)
    return max(stated / true, 1.0) if true > 0 else 1.0


def _solve(
    book: BookToRemedy,
    restrictions: Sequence[Restriction],
    bounds: FloatArray,
    impact: ImpactModel,
    days: float,
    *,
    reduce_only: bool,
) -> FloatArray:
    """Return the cheapest change of exposures, as fractions of equity."""
    import cvxpy as cp

    held = book.exposures
    change = cp.Variable(len(held))
    constraints = [
        restriction.expression(held + change) <= bound
        for restriction, bound in zip(restrictions, bounds, strict=True)
    ]
    if reduce_only:
        constraints += [
            cp.multiply(np.sign(held), change) <= 0,
            cp.abs(change) <= np.abs(held),
        ]
    problem = cp.Problem(cp.Minimize(_cost(book, change, impact, days)), constraints)
    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.error.SolverError as error:
        raise RefusedError(f"the solver found no remedy: {error}") from error
    if problem.status not in {cp.OPTIMAL, cp.OPTIMAL_INACCURATE}:
        raise RefusedError(
            f"no trades keep every limit at once ({problem.status}); passed now is "
            f"{_named(restrictions, held)}: loosen a limit, or allow hedges"
        )
    return np.asarray(change.value, dtype=np.float64)


def _cost(book: BookToRemedy, change: Any, impact: ImpactModel, days: float) -> Any:  # noqa: ANN401 - the solver's own expressions
    """State the impact model's cost, in basis points of equity, as a convex expression."""
    import cvxpy as cp

    size = cp.abs(change)
    # One unit of `size` is this share of a day's notional volume.
    share = book.equity / (book.daily_volumes * book.unit_values)
    temporary = impact.temporary * book.volatilities * (share / days) ** impact.temporary_exponent
    permanent = (
        impact.permanent
        * impact.days_outstanding**0.25
        / 2
        * book.volatilities
        * share**impact.permanent_exponent
    )
    cost = (impact.half_spread + impact.linear) * cp.sum(size)
    for coefficients, exponent in (
        (temporary, impact.temporary_exponent),
        (permanent, impact.permanent_exponent),
    ):
        if coefficients.any():
            # As a simple fraction it needs four small cones; the solver's own power cones fail
            # on books with many limits. The cost that is told is that of the true exponent.
            inverse = Fraction(1 / (1 + exponent)).limit_denominator(MAX_DENOMINATOR)
            cost += coefficients @ cp.power(size, 1 / inverse, max_denom=MAX_DENOMINATOR)
    return BASIS_POINTS * cost


def _whole_lots(book: BookToRemedy, trades: FloatArray, *, reduce_only: bool) -> FloatArray:
    """Round away from zero: a remedy that falls short by a fraction of a lot is none."""
    lots = np.abs(trades) * book.equity / (book.unit_values * book.lots)
    whole = np.where(lots < LOT_NOISE, 0.0, np.ceil(lots - LOT_NOISE))
    quantities: FloatArray = np.sign(trades) * whole * book.lots
    if reduce_only:
        return np.clip(quantities, -np.abs(book.quantities), np.abs(book.quantities))
    return quantities


def _remedy(
    book: BookToRemedy,
    quantities: FloatArray,
    restrictions: Sequence[Restriction],
    impact: ImpactModel,
    days: float,
) -> Remedy:
    costs = impact.cost(
        quantities,
        price=book.unit_values,
        volume=book.daily_volumes,
        volatility=book.volatilities,
        days=days,
    )
    after = (book.quantities + quantities) * book.unit_values / book.equity
    traded = [
        RemedyTrade(symbol, float(quantity), float(quantity * value), float(cost))
        for symbol, quantity, value, cost in zip(
            book.symbols, quantities, book.unit_values, costs, strict=True
        )
        if quantity
    ]
    return Remedy(
        trades=tuple(sorted(traded, key=lambda trade: (-abs(trade.value), trade.symbol))),
        outcomes=tuple(
            RestrictionOutcome(r.name, r.value(book.exposures), r.value(after), r.bound)
            for r in restrictions
        ),
        expected_cost=float(np.sum(costs)),
    )
