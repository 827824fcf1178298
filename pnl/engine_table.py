"""Positions as arrays, laid out by symbol, with room to open more.

Each symbol owns a block of rows; rows not yet taken hold zeros and change no sum. A block that
is full is laid out anew, all blocks with room to spare.
"""

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.trading import Book
from pnl.engine_kernels import GroupArray

SPARE_ROWS = 4
SPARE_SHARE = 0.25


class PositionTable:
    """Rows of positions.

    Attributes
    ----------
    first : ndarray of shape (n_symbols + 1,)
        Where each symbol's block begins.
    groups : ndarray of shape (n_rows,), int32
        Number of the row's book.
    units : ndarray of shape (n_rows,)
        Quantity x multiplier.
    money : ndarray of shape (n_rows, 2)
        Cost of what is open, and booked profit, in the symbol's currency.
    books : list of Book
        The book of each group number.
    """

    def __init__(self, n_symbols: int) -> None:
        self.books: list[Book] = []
        self._group_of: dict[Book, int] = {}
        self._row_of: dict[tuple[Book, int], int] = {}
        self._taken = np.zeros(n_symbols, dtype=np.int64)
        self._allocate(np.zeros(n_symbols, dtype=np.int64))

    @property
    def held(self) -> IntArray:
        """How many positions each symbol has, flat ones included, (n_symbols,)."""
        return self._taken

    def find(self, book: Book, symbol: int) -> int | None:
        """Return the row of a position, None if it has none yet."""
        return self._row_of.get((book, symbol))

    def open(self, book: Book, symbol: int) -> int:
        """Return a fresh row for a position; every earlier row may move."""
        if self.first[symbol] + self._taken[symbol] == self.first[symbol + 1]:
            self._lay_out_anew()
        row = int(self.first[symbol] + self._taken[symbol])
        self._taken[symbol] += 1
        self.groups[row] = self._group(book)
        self._row_of[(book, symbol)] = row
        return row

    def _group(self, book: Book) -> int:
        if book not in self._group_of:
            self._group_of[book] = len(self.books)
            self.books.append(book)
        return self._group_of[book]

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
        for (book, symbol), row in self._row_of.items():
            moved = int(self.first[symbol] + (row - first[symbol]))
            self.groups[moved] = groups[row]
            self.units[moved] = units[row]
            self.money[moved] = money[row]
            self._row_of[(book, symbol)] = moved
