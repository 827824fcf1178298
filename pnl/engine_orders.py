"""Live profit by order, at a cost that is paid when it is asked for.

A tick moves every sum that depends on its symbol; one sum an order would make a tick cost the more
the longer a desk has traded. So what each order bought and paid is only noted, and `OrderSums`, a
moment frozen with its marks, sums it when somebody looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray

UNITS, PAID, FEES = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillPart:
    """Profit of the fills of one name, after fees, in the base currency."""

    name: str
    pnl: float
    fees: float


@dataclass(frozen=True, slots=True)
class OrderSums:
    """What orders bought and paid, and what it was worth at one moment.

    Attributes
    ----------
    names : sequence of str
        Of the orders, in order of first appearance; later ones may follow.
    owners, symbols : ndarray of shape (n_rows,)
        Order and symbol of each row, by number.
    money : ndarray of shape (n_rows, 3)
        Signed units, paid for them with fees, fees, in the symbol's currency.
    marks, rates : ndarray of shape (n_symbols,)
    """

    names: Sequence[str]
    owners: IntArray
    symbols: IntArray
    money: FloatArray
    marks: FloatArray
    rates: FloatArray

    def parts(self) -> tuple[FillPart, ...]:
        """Return the profit of each order."""
        if not len(self.owners):
            return ()
        count = int(self.owners.max()) + 1
        rates = self.rates[self.symbols]
        worth = self.money[:, UNITS] * self.marks[self.symbols] - self.money[:, PAID]
        pnl = np.bincount(self.owners, worth * rates, count).tolist()
        fees = np.bincount(self.owners, self.money[:, FEES] * rates, count).tolist()
        return tuple(
            FillPart(name=name, pnl=gain, fees=fee)
            for name, gain, fee in zip(self.names, pnl, fees, strict=False)
        )


class OrderShares:
    """Notes what each order bought and paid, by symbol."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._number: dict[str, int] = {}
        self._row_of: dict[tuple[int, int], int] = {}
        self._places: IntArray = np.zeros((0, 2), dtype=np.int64)
        self._money: FloatArray = np.zeros((0, 3))
        self._frozen = 0  # Rows that somebody was given: not to be changed in place.

    def add(self, order: str, symbol: int, *, units: float, paid: float, fee: float) -> None:
        """Credit a fill to its order; `paid` has the fee in it."""
        owner = self._number.setdefault(order, len(self._names))
        if owner == len(self._names):
            self._names.append(order)
        row = self._row_of.get((owner, symbol))
        if row is None:
            row = self._open(owner, symbol)
        elif row < self._frozen:
            self._money, self._frozen = self._money.copy(), 0
        self._money[row] += units, paid, fee

    def at(self, *, marks: FloatArray, rates: FloatArray) -> OrderSums:
        """Return the orders as they stand, at these marks and rates; later fills change nothing."""
        n = self._frozen = len(self._row_of)
        return OrderSums(
            self._names, self._places[:n, 0], self._places[:n, 1], self._money[:n],
            marks.copy(), rates.copy(),
        )  # fmt: skip

    def _open(self, owner: int, symbol: int) -> int:
        row = len(self._row_of)
        if row == len(self._money):
            more = max(row, 64)  # Doubling keeps the cost of many orders linear.
            self._places = np.vstack([self._places, np.zeros((more, 2), dtype=np.int64)])
            self._money = np.vstack([self._money, np.zeros((more, 3))])
            self._frozen = 0
        self._places[row] = owner, symbol
        self._row_of[owner, symbol] = row
        return row
