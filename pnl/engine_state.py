"""What comes into the live engine: positions, fills, marks and rates, and the sums they move.

Positions come from the Decimal ledger, which alone books fills; the engine holds them as float64
in arrays and moves sums by increments.

A tick carries a symbol, a price, the event's time and the source's sequence for that symbol.
A sequence seen last is a duplicate, a smaller one is out of order, a larger one with an earlier
time is late, a price that is not finite (or negative where none can be) is invalid. Each is
counted and none is applied.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from pnl.engine_fills import FillShares
from pnl.engine_kernels import (
    APPLIED,
    DUPLICATE,
    INVALID,
    LATE,
    OUT_OF_ORDER,
    UNKNOWN,
    apply_ticks,
    sum_positions,
)
from pnl.engine_table import RowTable
from pnl.position_state import NEGATIVE_PRICES, Position
from pnl.standing_fills import StandingFill

NEVER = np.iinfo(np.int64).min
OUTCOMES = {
    "applied": APPLIED,
    "duplicate": DUPLICATE,
    "out_of_order": OUT_OF_ORDER,
    "late": LATE,
    "invalid": INVALID,
    "unknown": UNKNOWN,
}


class EngineState:
    """Positions, fills and marks of any number of books, as arrays with their sums.

    Parameters
    ----------
    instruments : mapping of str to Instrument
        Everything that may tick or be held; its order numbers the symbols.
    base : str
        Currency of the sums; a position in another needs its rate before a snapshot.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        base: str = "USD",
    ) -> None:
        terms = list(instruments.values())
        n = len(terms)
        self.number = {symbol: i for i, symbol in enumerate(instruments)}
        self._terms = terms
        self._table: RowTable[Book] = RowTable(n)
        self._shares = FillShares(n)
        self._marks = np.zeros(n)
        self._rates = np.array([1.0 if i.currency == base else 0.0 for i in terms])
        self._seen = np.full((n, 2), NEVER, dtype=np.int64)
        self._negative_ok = np.array([i.kind in NEGATIVE_PRICES for i in terms], dtype=bool)
        self._symbol_sums = np.zeros((n, 4))
        self._group_sums = np.zeros((0, 4))
        self._counts = np.zeros(len(OUTCOMES), dtype=np.int64)
        self._fills = 0
        self._sequence = 0
        self._tick = np.empty((1, 3), dtype=np.int64)
        self._price = np.empty(1)

    def hold(self, positions: Iterable[Position]) -> None:
        """Take over positions from the ledger: after a fill, or all of them at the start.

        Raises
        ------
        MissingDataError
            If an instrument is unknown; positions before it are taken over.
        """
        table = self._table
        for position in positions:
            symbol = self._number_of(position.symbol)
            row = table.find(position.book, symbol)
            if row is None:
                row = table.open(position.book, symbol)
                self._make_room()
            units = float(position.quantity * position.multiplier)
            booked = position.realised + position.income - position.fees
            money = float(position.cost), float(booked)
            self._shift(row, symbol, units, money)
            table.units[row] = units
            table.money[row] = money
            self._fills += 1

    def trade(self, fills: Iterable[Fill]) -> None:
        """Credit new fills to their model version, arm, order, side and hour.

        Raises
        ------
        MissingDataError
            If an instrument is unknown; fills before it are credited.
        """
        for fill in fills:
            self._credit(StandingFill(fill, fill.quantity, fill.price))

    def retrade(self, standing: Iterable[StandingFill]) -> None:
        """Credit every fill anew: after a correction, a cancel, a split or a settlement."""
        self._shares = FillShares(len(self._terms))
        for one in standing:
            self._credit(one)

    def mark(self, symbol: str, price: float, *, event_time_ns: int, sequence: int) -> None:
        """Take in one tick; what became of it is counted."""
        tick = self._tick
        tick[0, 0] = self.number.get(symbol, -1)
        tick[0, 1] = event_time_ns
        tick[0, 2] = sequence
        self._price[0] = price
        self.mark_many(tick, self._price)

    def mark_many(self, ticks: IntArray, prices: FloatArray) -> None:
        """Take in ticks in order.

        Parameters
        ----------
        ticks : ndarray of shape (n_ticks, 3), int64
            Symbol's number (see `number`), event time in ns, sequence.
        prices : ndarray of shape (n_ticks,)

        Raises
        ------
        InvalidInputError
            If the shapes do not pair.
        """
        if ticks.shape != (len(prices), 3):
            raise InvalidInputError(f"ticks {ticks.shape} do not pair with prices {prices.shape}")
        table, shares = self._table, self._shares
        apply_ticks(
            ticks, prices, table.first, table.groups, table.units, self._rates,
            self._negative_ok, self._marks, self._seen,
            self._group_sums, self._symbol_sums, self._counts,
            shares.table.first, shares.table.groups, shares.table.units,
            shares.sums,
        )  # fmt: skip

    def set_rate(self, currency: str, rate: float) -> None:
        """Set how many units of the base one of `currency` is worth; positions are summed anew."""
        if not (np.isfinite(rate) and rate > 0):
            raise InvalidInputError(f"the rate of {currency} must be positive, got {rate}")
        for i, instrument in enumerate(self._terms):
            if instrument.currency == currency:
                self._rates[i] = rate
        self.remark()

    def remark(self) -> None:
        """Sum everything afresh from positions and marks: the batch form of the increments."""
        table = self._table
        sum_positions(
            table.first, table.groups, table.units, table.money, self._rates, self._marks,
            self._group_sums, self._symbol_sums,
        )  # fmt: skip
        self._shares.sum_afresh(self._rates, self._marks)

    def restore(
        self,
        marks: Mapping[str, tuple[float, int, int]],
        *,
        sequence: int,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Take over marks and counts of a stored snapshot, and count on from its `sequence`.

        Symbols no longer known are passed over.
        """
        self._sequence = sequence
        for name, count in (counts or {}).items():
            self._counts[OUTCOMES[name]] = count
        for symbol, (price, event_time_ns, last_sequence) in marks.items():
            if symbol in self.number:
                at = self.number[symbol]
                self._marks[at] = price
                self._seen[at] = event_time_ns, last_sequence
        self.remark()

    def _credit(self, standing: StandingFill) -> None:
        symbol = self._number_of(standing.fill.symbol)
        self._shares.add(
            standing, symbol, self._terms[symbol],
            mark=float(self._marks[symbol]), rate=float(self._rates[symbol]),
        )  # fmt: skip

    def _number_of(self, symbol: str) -> int:
        try:
            return self.number[symbol]
        except KeyError:
            raise MissingDataError(
                f"unknown instrument {symbol!r}: give it to the engine first"
            ) from None

    def _make_room(self) -> None:
        missing = len(self._table.owners) - len(self._group_sums)
        if missing > 0:
            # Doubling keeps the cost of many new books linear.
            more = max(missing, len(self._group_sums), 8)
            self._group_sums = np.vstack([self._group_sums, np.zeros((more, 4))])

    def _shift(self, row: int, symbol: int, units: float, money: tuple[float, float]) -> None:
        """Move the sums by what the position in `row` changes."""
        table, rate = self._table, self._rates[symbol]
        price = self._marks[symbol] * rate
        change = np.array(
            [
                (units - table.units[row]) * price,
                (abs(units) - abs(table.units[row])) * abs(price),
                (money[0] - table.money[row, 0]) * rate,
                (money[1] - table.money[row, 1]) * rate,
            ]
        )
        self._group_sums[table.groups[row]] += change
        self._symbol_sums[symbol] += change
