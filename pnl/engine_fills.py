"""Live profit by what a fill knows: its model version, arm, order, side and hour.

Profit is linear in trades, so a name's share of a symbol is two numbers, signed units and what was
paid for them; a tick moves it as it moves a position. Orders are as many as there ever were, so
no tick and no snapshot touches them: theirs are summed when somebody asks (`pnl.engine_orders`).
The batch form is `pnl.fill_attribution`.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from basics.arrays import FloatArray
from basics.instruments import Instrument
from basics.money import round_money
from pnl.engine_kernels import PAID, VALUE, sum_fills
from pnl.engine_orders import FillPart, OrderShares, OrderSums
from pnl.engine_table import RowTable
from pnl.fill_attribution import FILL_KEYS
from pnl.standing_fills import StandingFill

FillName = tuple[str, str]  # By which key, and the name under it.
ORDER = "order"
FEW_NAMES = {by: name_of for by, name_of in FILL_KEYS.items() if by != ORDER}


class FillParts(Mapping[str, tuple[FillPart, ...]]):
    """Parts of each key of `FILL_KEYS` at one moment; those of orders are summed when asked for."""

    def __init__(self, few: Mapping[str, tuple[FillPart, ...]], orders: OrderSums) -> None:
        self.few = few
        self._orders = orders

    def __getitem__(self, by: str) -> tuple[FillPart, ...]:
        """Return the parts of a key."""
        return self._orders.parts() if by == ORDER else self.few[by]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(FILL_KEYS)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(FILL_KEYS)


class FillShares:
    """What every name of every key of `FILL_KEYS` bought and paid, by symbol.

    Attributes
    ----------
    table : RowTable
        Rows (name, symbol) of every key but the order: signed units, paid for them with fees,
        fees.
    sums : ndarray of shape (n_names, 2)
        Value at the marks, and paid, in the base currency.
    """

    def __init__(self, n_symbols: int) -> None:
        self.table: RowTable[FillName] = RowTable(n_symbols)
        self.sums = np.zeros((0, 2))
        self.orders = OrderShares()

    def add(
        self, standing: StandingFill, symbol: int, instrument: Instrument, *, mark: float,
        rate: float,
    ) -> None:  # fmt: skip
        """Credit one fill to its name under every key, at the symbol's mark and rate."""
        fee = float(round_money(standing.fill.fee, standing.fill.currency))
        paid, units = standing.paid(instrument) + fee, standing.units(instrument)
        self.orders.add(standing.fill.cl_ord_id, symbol, units=units, paid=paid, fee=fee)
        change = np.array([units * mark * rate, paid * rate])
        table = self.table
        for by, name_of in FEW_NAMES.items():
            owner = (by, name_of(standing.fill))
            row = table.find(owner, symbol)
            if row is None:
                row = table.open(owner, symbol)
                self._make_room()
            table.units[row] += units
            table.money[row] += paid, fee
            self.sums[table.groups[row]] += change

    def sum_afresh(self, rates: FloatArray, marks: FloatArray) -> None:
        """Sum every row anew, so that rounding does not build up."""
        table = self.table
        sum_fills(
            table.first, table.groups, table.units, table.money, rates, marks, self.sums
        )  # fmt: skip

    def parts(self, rates: FloatArray, marks: FloatArray) -> FillParts:
        """Return the parts of each key, in order of first appearance."""
        found: dict[str, list[FillPart]] = {by: [] for by in FEW_NAMES}
        table = self.table
        rate_of_row = np.repeat(rates, np.diff(table.first))
        fees = np.bincount(table.groups, table.money[:, 1] * rate_of_row, len(self.sums)).tolist()
        pnl = (self.sums[:, VALUE] - self.sums[:, PAID]).tolist()
        for (by, name), gain, fee in zip(table.owners, pnl, fees, strict=False):
            found[by].append(FillPart(name=name, pnl=gain, fees=fee))
        few = {by: tuple(parts) for by, parts in found.items()}
        return FillParts(few, self.orders.at(marks=marks, rates=rates))

    def _make_room(self) -> None:
        missing = len(self.table.owners) - len(self.sums)
        if missing > 0:
            # Doubling keeps the cost of many new names linear.
            more = max(missing, len(self.sums), 8)
            self.sums = np.vstack([self.sums, np.zeros((more, 2))])


def profit_of_parts(parts: Iterable[FillPart]) -> float:
    """Return the profit of all parts of one key."""
    return sum(part.pnl for part in parts)
