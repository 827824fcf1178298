"""Rows as arrays, laid out by symbol, with room to open more: positions, or shares of fills.

Each symbol owns a block of rows; rows not yet taken hold zeros and change no sum. A block that
is full is laid out anew, all blocks with room to spare.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np

from basics.arrays import FloatArray, IntArray
from pnl.engine_kernels import GroupArray

Owner = TypeVar("Owner", bound=Hashable)

SPARE_ROWS = 4
SPARE_SHARE = 0.25


class RowTable(Generic[Owner]):
    """Rows that each belong to one owner and one symbol.

    Attributes
    ----------
    first : ndarray of shape (n_symbols + 1,)
        Where each symbol's block begins.
    groups : ndarray of shape (n_rows,), int32
        Number of the row's owner.
    units : ndarray of shape (n_rows,)
        Quantity x multiplier.
    money : ndarray of shape (n_rows, 2)
        Cost of what is open, and booked profit, in the symbol's currency.
    owners : list
        The owner of each group number.
    """

    def __init__(self, n_symbols: int) -> None:
        self.owners: list[Owner] = []
        self._group_of: dict[Owner, int] = {}
        self._row_of: dict[tuple[Owner, int], int] = {}
        self._taken = np.zeros(n_symbols, dtype=np.int64)
        self._allocate(np.zeros(n_symbols, dtype=np.int64))

    @property
    def held(self) -> IntArray:
        """How many rows each symbol has, empty ones included, (n_symbols,)."""
        return self._taken

    def find(self, owner: Owner, symbol: int) -> int | None:
        """Return the row of an owner in a symbol, None if it has none yet."""
        return self._row_of.get((owner, symbol))

    def open(self, owner: Owner, symbol: int) -> int:
        """Return a fresh row; every earlier row may move."""
        if self.first[symbol] + self._taken[symbol] == self.first[symbol + 1]:
            self._lay_out_anew()
        row = int(self.first[symbol] + self._taken[symbol])
        self._taken[symbol] += 1
        self.groups[row] = self._group(owner)
        self._row_of[(owner, symbol)] = row
        return row

    def _group(self, owner: Owner) -> int:
        if owner not in self._group_of:
            self._group_of[owner] = len(self.owners)
            self.owners.append(owner)
        return self._group_of[owner]

    def _allocate(self, taken: IntArray) -> None:
        room = taken + SPARE_ROWS + (taken * SPARE_SHARE).astype(np.int64)
        self.first: IntArray = np.concatenate([[0], np.cumsum(room)]).astype(np.int64)
        rows = int(self.first[-1])
        self.groups: GroupArray = np.zeros(rows, dtype=np.int32)
        self.units: FloatArray = np.zeros(rows)
        self.money: FloatArray = np.zeros((rows, 2))

    def _lay_out_anew(self) -> None:
        first, groups, units, money = self.first, self.groups, self.units, self.money
        self._allocate(self._taken)
        for (owner, symbol), row in self._row_of.items():
            moved = int(self.first[symbol] + (row - first[symbol]))
            self.groups[moved] = groups[row]
            self.units[moved] = units[row]
            self.money[moved] = money[row]
            self._row_of[(owner, symbol)] = moved
