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

    __slots__ = ("_cent", "_costs", "_method", "_sizes", "cost", "quantity")

    def __init__(self, method: CostMethod, *, cent: Decimal) -> None:
        self._method = method
        self._cent = cent
        # Two columns, not `Lot`s: a million fills pass through here, and the collector of cycles
        # follows every container that lives.
        self._sizes: deque[Decimal] = deque()
        self._costs: deque[Decimal] = deque()
        self.quantity = ZERO
        self.cost = ZERO

    @property
    def open(self) -> tuple[Lot, ...]:
        """The open lots, oldest first."""
        return tuple(map(Lot, self._sizes, self._costs))

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
        self._sizes.clear()
        self._costs.clear()
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
        sizes = [(size * new / old).quantize(UNIT, ROUND_HALF_EVEN) for size in self._sizes]
        if sizes:
            sizes[-1] += total - sum(sizes, ZERO)
        self._sizes = deque(sizes)
        self.quantity = total

    def revalue(self, price: Decimal) -> Decimal:
        """Set each lot's cost to its quantity at `price` of money a unit; return what is gained."""
        before = self.cost
        self._costs = deque(
            (size * price).quantize(self._cent, ROUND_HALF_EVEN) for size in self._sizes
        )
        self.cost = sum(self._costs, ZERO)
        return self.cost - before

    def _enter(self, quantity: Decimal, amount: Decimal) -> None:
        self.quantity += quantity
        self.cost += amount
        if self._method is CostMethod.AVERAGE:
            self._sizes.clear()
            self._costs.clear()
            quantity, amount = self.quantity, self.cost
        self._sizes.append(quantity)
        self._costs.append(amount)

    def _take(self, quantity: Decimal) -> Decimal:
        """Remove `quantity` (of the position's sign, at most all of it) and return its cost."""
        removed = ZERO
        left = quantity
        sizes, costs = self._sizes, self._costs
        newest = self._method is CostMethod.LIFO
        at = -1 if newest else 0
        while left:
            size = sizes[at]
            if abs(size) > abs(left):
                part = (costs[at] * left / size).quantize(self._cent, ROUND_HALF_EVEN)
                sizes[at] = size - left
                costs[at] -= part
                removed += part
                break
            left -= size
            if newest:
                sizes.pop()
                removed += costs.pop()
            else:
                sizes.popleft()
                removed += costs.popleft()
        self.quantity -= quantity
        self.cost -= removed
        return removed
