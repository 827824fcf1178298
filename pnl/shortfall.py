"""Implementation shortfall: what it cost to turn a decision into a position (Perold 1988).

The paper portfolio trades the whole order at the decision price, free of charge. The shortfall is
paper less real profit, a positive cost: delay + impact + spread on what was filled, opportunity on
what was not, and fees. This split is the only one in the house; explain and execution quality use
it. All in Decimal, so that parts sum to the whole exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from basics.errors import InvalidInputError
from basics.trading import Fill

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """What one fill (or several) lost against its decision, in money; positive is a cost.

    Attributes
    ----------
    delay : Decimal
        From the decision to the order's arrival on the desk.
    impact : Decimal
        From arrival to the market's mid at execution.
    spread : Decimal
        From the mid to the price paid.
    """

    delay: Decimal = ZERO
    impact: Decimal = ZERO
    spread: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Delay, impact and spread together."""
        return self.delay + self.impact + self.spread

    def __add__(self, other: "Slippage") -> "Slippage":
        return Slippage(
            delay=self.delay + other.delay,
            impact=self.impact + other.impact,
            spread=self.spread + other.spread,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """The implementation shortfall of one order, in money; positive is a cost."""

    slippage: Slippage
    opportunity: Decimal
    fees: Decimal

    @property
    def total(self) -> Decimal:
        """Paper profit less real profit."""
        return self.slippage.total + self.opportunity + self.fees


def reference_prices(fill: Fill) -> tuple[Decimal, Decimal, Decimal]:
    """Return decision, arrival and mid price; an unknown one is the next that is known.

    So what cannot be told apart counts for the later step, and nothing is invented.
    """
    mid = fill.price if fill.mid_price is None else fill.mid_price
    arrival = mid if fill.arrival_price is None else fill.arrival_price
    decision = arrival if fill.decision_price is None else fill.decision_price
    return decision, arrival, mid


def fill_slippage(fill: Fill, *, multiplier: Decimal = Decimal(1)) -> Slippage:
    """Split what a fill lost between decision and execution."""
    decision, arrival, mid = reference_prices(fill)
    units = fill.quantity * multiplier
    return Slippage(
        delay=units * (arrival - decision),
        impact=units * (mid - arrival),
        spread=units * (fill.price - mid),
    )


def implementation_shortfall(
    fills: Sequence[Fill],
    *,
    quantity: Decimal,
    decision_price: Decimal,
    end_price: Decimal,
    multiplier: Decimal = Decimal(1),
) -> Shortfall:
    """Measure one order against trading all of it at the decision price.

    Parameters
    ----------
    fills : sequence of Fill
        Of this order; each decision price is replaced by the order's.
    quantity : Decimal
        What was decided, signed.
    end_price : Decimal
        The market when the rest was given up.

    Raises
    ------
    InvalidInputError
        If fills exceed the quantity or go the other way.
    """
    filled = sum((fill.quantity for fill in fills), ZERO)
    if filled * quantity < 0 or abs(filled) > abs(quantity):
        raise InvalidInputError(f"{filled} was filled of an order for {quantity}")
    slippage = Slippage()
    for fill in fills:
        _, arrival, mid = reference_prices(fill)
        units = fill.quantity * multiplier
        slippage += Slippage(
            delay=units * (arrival - decision_price),
            impact=units * (mid - arrival),
            spread=units * (fill.price - mid),
        )
    return Shortfall(
        slippage=slippage,
        opportunity=(quantity - filled) * multiplier * (end_price - decision_price),
        fees=sum((fill.fee for fill in fills), ZERO),
    )
