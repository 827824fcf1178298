"""The live engine: marks and fills in, profit and every attribution current after each.

What comes in moves sums by increments (`pnl.engine_state`); here they are read. A snapshot sums
everything afresh, so that rounding does not build up, and is published whole under a sequence
number: a reader never sees half an update. A symbol without a tick for `stale_after_ns` keeps its
mark and is listed as stale.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.instruments import Instrument
from basics.trading import Book
from pnl.engine_fills import profit_of_parts
from pnl.engine_kernels import GROSS, SUM_BOOKED, SUM_COST, VALUE
from pnl.engine_snapshot import PnlSnapshot, live_parts, total_part
from pnl.engine_state import NEVER, OUTCOMES, EngineState

MINUTE_NS = 60 * 10**9
NO_SECTOR = "(no sector)"


class PnlEngine(EngineState):
    """Live profit of any number of books.

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
        stale_after_ns: int = 5 * MINUTE_NS,
    ) -> None:
        super().__init__(instruments, base=base)
        self.published: PnlSnapshot | None = None
        self._stale_after_ns = stale_after_ns

    def attributions(self) -> dict[str, dict[str, float]]:
        """Return profit by every key and name, as increments left it."""
        profit, owners = _profit(self._symbol_sums), self._table.owners
        strategies = _profit(self._group_sums)[: len(owners)]
        held = np.flatnonzero(self._table.held)
        terms = [self._terms[i] for i in held]
        parts = self._shares.parts(self._rates, self._marks)
        return {
            "symbol": _summed((i.symbol for i in terms), profit[held]),
            "strategy": _summed((book.strategy for book in owners), strategies),
            "sector": _summed((i.sector or NO_SECTOR for i in terms), profit[held]),
            "currency": _summed((i.currency for i in terms), profit[held]),
        } | {by: {part.name: part.pnl for part in named} for by, named in parts.items()}

    @property
    def books(self) -> Sequence[Book]:
        """The books that hold anything, in the order of `totals`."""
        return self._table.owners

    def totals(self) -> tuple[FloatArray, FloatArray]:
        """Return profit by book, (n_books,), and by symbol, (n_symbols,), as increments left it."""
        return _profit(self._group_sums), _profit(self._symbol_sums)

    def marks(self) -> dict[str, float]:
        """Return the mark of every symbol that has ticked."""
        return {
            self._terms[i].symbol: float(self._marks[i])
            for i in np.flatnonzero(self._seen[:, 1] != NEVER)
        }

    def values(self) -> dict[str, float]:
        """Return the signed market value of every symbol that was ever held."""
        held = np.flatnonzero(self._table.held)
        return {self._terms[i].symbol: float(self._symbol_sums[i, VALUE]) for i in held}

    def units(self) -> dict[str, float]:
        """Return quantity times multiplier, signed, of every symbol that is held."""
        table = self._table
        sums = np.add.reduceat(table.units, table.first[:-1]) if len(self._terms) else np.zeros(0)
        return {self._terms[i].symbol: float(sums[i]) for i in np.flatnonzero(sums)}

    def values_by_strategy(self) -> dict[str, dict[str, float]]:
        """Return the signed market value of every symbol that each strategy holds."""
        table, found = self._table, dict[str, dict[str, float]]()
        symbols = np.repeat(np.arange(len(self._terms)), np.diff(table.first))
        worth = table.units * (self._marks * self._rates)[symbols]
        for row in np.flatnonzero(worth):
            own = found.setdefault(table.owners[table.groups[row]].strategy, {})
            symbol = self._terms[symbols[row]].symbol
            own[symbol] = own.get(symbol, 0.0) + float(worth[row])
        return found

    def gross_exposure(self) -> float:
        """Return the absolute market values of all positions, summed."""
        return float(self._symbol_sums[:, GROSS].sum())

    def snapshot(self, *, as_of_ns: int, booked_total: Decimal | None = None) -> PnlSnapshot:
        """Sum afresh and publish the whole state at once.

        Parameters
        ----------
        booked_total : Decimal, optional
            Profit by the ledger's own valuation at the same marks; the difference is shown.

        Raises
        ------
        MissingDataError
            If a held instrument has no mark or its currency no rate.
        """
        self.remark()
        self._refuse_unpriced()
        held = np.flatnonzero(self._table.held)
        open_ = np.flatnonzero(self._open_units())
        names = [instrument.symbol for instrument in self._terms]
        sectors = [instrument.sector or NO_SECTOR for instrument in self._terms]
        total, by_fill = (
            total_part(self._symbol_sums),
            self._shares.parts(self._rates, self._marks),
        )
        self._sequence += 1
        self.published = PnlSnapshot(
            sequence=self._sequence,
            as_of_ns=as_of_ns,
            fills=self._fills,
            total=total,
            by_symbol=live_parts([names[i] for i in held], self._symbol_sums[held]),
            by_strategy=live_parts(
                [book.strategy for book in self._table.owners], self._group_sums
            ),
            by_sector=live_parts([sectors[i] for i in held], self._symbol_sums[held]),
            by_currency=live_parts(
                [self._terms[i].currency for i in held], self._symbol_sums[held]
            ),
            by_fill=by_fill,
            beside_fills=total.pnl - profit_of_parts(by_fill["side"]),
            stale=tuple(names[i] for i in open_ if self._is_stale(int(i), as_of_ns)),
            counts={name: int(self._counts[i]) for name, i in OUTCOMES.items()},
            marks={
                names[i]: (float(self._marks[i]), int(self._seen[i, 0]), int(self._seen[i, 1]))
                for i in np.flatnonzero(self._seen[:, 1] != NEVER)
            },
            ledger_difference=None if booked_total is None else total.pnl - float(booked_total),
        )
        return self.published

    def _refuse_unpriced(self) -> None:
        for i in np.flatnonzero(self._open_units()):
            instrument = self._terms[i]
            if self._seen[i, 1] == NEVER:
                raise MissingDataError(f"no mark for {instrument.symbol}, which is held")
            if self._rates[i] == 0.0:
                raise MissingDataError(
                    f"no rate for {instrument.currency}, in which {instrument.symbol} is held"
                )

    def _open_units(self) -> FloatArray:
        """Return the absolute units of every symbol, summed over its books."""
        sums: FloatArray = np.add.reduceat(np.abs(self._table.units), self._table.first[:-1])
        return sums

    def _is_stale(self, symbol: int, as_of_ns: int) -> bool:
        last = int(self._seen[symbol, 0])  # A Python integer: NEVER would overflow int64.
        return as_of_ns - last > self._stale_after_ns


def _profit(sums: FloatArray) -> FloatArray:
    profit: FloatArray = sums[:, VALUE] - sums[:, SUM_COST] + sums[:, SUM_BOOKED]
    return profit


def _summed(names: Iterable[str], profit: FloatArray) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, amount in zip(names, profit.tolist(), strict=True):
        found[name] = found.get(name, 0.0) + amount
    return found
