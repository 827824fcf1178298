"""Open lots of one position, and what closing them realises.

Everything is signed by direction: a long lot has positive quantity and positive cost (money
paid), a short lot negative quantity and negative cost (money received). Closing lots of cost c
by a trade of amount a (positive when bought) realises -(a + c): the same formula both ways.

Costs are whole minor units of the currency: a part of a lot takes its share rounded half to
even, and what is left stays in the lot, so that no cent is created or lost.
"""

from collections import deque
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

ZERO = Decimal(0)
UNIT = Decimal("1e-8")  # The smallest part of a unit that a split can leave.


class CostMethod(StrEnum):
    """Which lot a closing trade takes first."""

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"


@dataclass(frozen=True, slots=True)
class Lot:
    """What one purchase (or short sale) still has open; the sign is the direction."""

    quantity: Decimal
    cost: Decimal


class Lots:
    """The open lots of one position; trades change it in place.

    Attributes
    ----------
    quantity, cost : Decimal
        Signed sums over the open lots.
    """

    __slots__ = ("_cent", "_method", "_open", "cost", "quantity")

    def __init__(self, method: CostMethod, *, cent: Decimal) -> None:
        self._method = method
        self._cent = cent
        # Pairs, not `Lot`s: a million fills pass through here.
        self._open: deque[tuple[Decimal, Decimal]] = deque()
        self.quantity = ZERO
        self.cost = ZERO

    @property
    def open(self) -> tuple[Lot, ...]:
        """The open lots, oldest first."""
        return tuple(Lot(quantity, cost) for quantity, cost in self._open)

    def trade(self, quantity: Decimal, amount: Decimal) -> Decimal:
        """Trade a signed `quantity` for a signed `amount` of whole cents; return what is realised.

        A trade that crosses zero closes everything with its share of the amount, and opens the
        rest with the other.
        """
        held = self.quantity
        if (held > 0) == (quantity > 0) or not held:
            self._enter(quantity, amount)
            return ZERO
        if abs(quantity) <= abs(held):
            removed = self._take(-quantity)
            return -(amount + removed)
        closing = (amount * -held / quantity).quantize(self._cent, ROUND_HALF_EVEN)
        realised = -(closing + self.cost)
        self._open.clear()
        self.quantity = self.cost = ZERO
        self._enter(quantity + held, amount - closing)
        return realised

    def after_split(self, new: int, old: int) -> Decimal:
        """Return the quantity that a split would leave."""
        return (self.quantity * new / old).quantize(UNIT, ROUND_HALF_EVEN)

    def split(self, new: int, old: int) -> None:
        """Turn every `old` units into `new` at unchanged cost, to eight decimals of a unit.

        What a lot loses by rounding goes to the newest, so that the total is right.
        """
        total = self.after_split(new, old)
        lots = [
            ((quantity * new / old).quantize(UNIT, ROUND_HALF_EVEN), cost)
            for quantity, cost in self._open
        ]
        if lots:
            newest, cost = lots[-1]
            lots[-1] = (newest + total - sum((q for q, _ in lots), ZERO), cost)
        self._open = deque(lots)
        self.quantity = total

    def revalue(self, price: Decimal) -> Decimal:
        """Set each lot's cost to its quantity at `price` of money a unit; return what is gained."""
        before = self.cost
        self._open = deque(
            (quantity, (quantity * price).quantize(self._cent, ROUND_HALF_EVEN))
            for quantity, _ in self._open
        )
        self.cost = sum((cost for _, cost in self._open), ZERO)
        return self.cost - before

    def _enter(self, quantity: Decimal, amount: Decimal) -> None:
        self.quantity += quantity
        self.cost += amount
        if self._method is CostMethod.AVERAGE:
            self._open.clear()
            self._open.append((self.quantity, self.cost))
        else:
            self._open.append((quantity, amount))

    def _take(self, quantity: Decimal) -> Decimal:
        """Remove `quantity` (of the position's sign, at most all of it) and return its cost."""
        removed = ZERO
        left = quantity
        lots = self._open
        newest = self._method is CostMethod.LIFO
        while left:
            size, cost = lots[-1] if newest else lots[0]
            if abs(size) <= abs(left):
                if newest:
                    lots.pop()
                else:
                    lots.popleft()
                removed += cost
                left -= size
                continue
            part = (cost * left / size).quantize(self._cent, ROUND_HALF_EVEN)
            rest = (size - left, cost - part)
            if newest:
                lots[-1] = rest
            else:
                lots[0] = rest
            removed += part
            break
        self.quantity -= quantity
        self.cost -= removed
        return removed
